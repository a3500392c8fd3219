"""Partitions: where they are, and how a function is called with each of them.

On a cluster the partitions stay on their workers, and a call is one task for each worker. Without
one, this process reads a partition at a time, anew for each call, so that no more than one is in
memory. Results come back in the order of the partitions, wherever they were computed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from uuid import uuid4

import dask
import distributed
from dask.delayed import Delayed
from distributed.client import ClosedClientError, FutureCancelledError, FuturesCancelledError
from distributed.comm import CommClosedError

Function = Callable[..., Any]

_CANCELLED = (FutureCancelledError, FuturesCancelledError)
_CLOSED = (ClosedClientError, CommClosedError)
_OF_CLUSTERS = (None, "dask.distributed", "distributed")
# Θ is meant to travel in each task, so that nothing is lost with a worker
_NO_WARNING = {"distributed.admin.large-graph-warning-threshold": 1 << 50}
_NEIGHBOURS = 8


def neighbours(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Divide items into groups of neighbours; which, depends on their number alone.

    Parameters
    ----------
    items : iterable
        The items.

    Yields
    ------
    list
        The next items.
    """
    remaining = iter(items)
    while group := list(islice(remaining, _NEIGHBOURS)):
        yield group


def n_levels(n_items: int, n_most: int) -> int:
    """Return how often neighbours have to be put together until few enough are left.

    Parameters
    ----------
    n_items : int
        The number of items.
    n_most : int
        The largest number that may be left; 1 at least.

    Returns
    -------
    int
        The number of levels.
    """
    levels = 0
    while n_items > n_most:
        n_items = -(-n_items // _NEIGHBOURS)
        levels += 1
    return levels


class Partitions(ABC):
    """The partitions of a data set, in their order."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of partitions."""

    @abstractmethod
    def derive(self, function: Function, own: Sequence[Any]) -> "Partitions":
        """Return partitions that are made of these.

        Parameters
        ----------
        function : callable
            Maps a partition and its entry of ``own`` to the new partition.
        own : sequence
            What each partition has of its own.

        Returns
        -------
        Partitions
            The new partitions.
        """

    @abstractmethod
    def join(self, function: Function, own: Sequence[Any], combine: Function) -> "Partitions":
        """Return a single partition that is made of all, and kept in memory.

        Parameters
        ----------
        function : callable
            Maps a partition and its entry of ``own`` to what is needed of it.
        own : sequence
            What each partition has of its own.
        combine : callable
            Maps the list of what is needed to the new partition.

        Returns
        -------
        Partitions
            The one partition.
        """

    @abstractmethod
    def map(self, function: Function, own: Sequence[Any]) -> list[Any]:
        """Return the results of a function.

        Parameters
        ----------
        function : callable
            Maps a list of partitions, and the list of their entries of ``own``, to the list
            of their results.
        own : sequence
            What each partition has of its own.

        Returns
        -------
        list
            The results, in the order of the partitions.
        """

    @abstractmethod
    def fold(
        self, function: Function, own: Sequence[Any], combine: Function, n_levels: int
    ) -> list[Any]:
        """Return the results of a function, after those of neighbours are put together.

        Parameters
        ----------
        function : callable
            The same as that of `map`.
        own : sequence
            What each partition has of its own.
        combine : callable
            Maps the list of the results of neighbours, in their order, to one.
        n_levels : int
            How often neighbours are put together; 1 at least.

        Returns
        -------
        list
            What is left, in the order of the partitions.
        """

    @abstractmethod
    def walk(self, function: Function, steps: Iterable[tuple[int, Any]], state: Any) -> Any:
        """Return a state that has travelled from partition to partition.

        Parameters
        ----------
        function : callable
            Maps a partition, the second entry of its step and the state to the next state. It
            does not change its arguments.
        steps : iterable of tuple of (int, object)
            The number of each partition to visit, and what it is visited with.
        state : object
            The state at the start.

        Returns
        -------
        object
            The state at the end.
        """

    @abstractmethod
    def pick(self, numbers: Sequence[int]) -> "Partitions":
        """Return some of the partitions.

        Parameters
        ----------
        numbers : sequence of int
            Their numbers.

        Returns
        -------
        Partitions
            These partitions.
        """


@dataclass(frozen=True)
class _With:
    """A function of a partition, with what the partition has of its own."""

    function: Function
    own: Any

    def __call__(self, *parts: Any) -> Any:
        return self.function(*parts[:1], self.own, *parts[1:])


@dataclass(frozen=True)
class _OnWorker:
    """A function of several partitions, which also returns the address of its worker."""

    function: Function
    own: Sequence[Any]

    def __call__(self, *parts: Any) -> "_Found":
        return _Found(distributed.get_worker().address, self.function(list(parts), self.own))


@dataclass(frozen=True)
class _Found:
    """Results of a worker in one object; of a list, Dask would pickle each item by itself."""

    place: str
    results: list[Any]


@dataclass(frozen=True)
class _Value:
    """A function without arguments that returns what is sent with it."""

    value: Any

    def __call__(self) -> Any:
        return self.value


@dataclass(frozen=True)
class _Sent:
    """Calls a function that was sent by itself with several partitions."""

    own: Sequence[Any]

    def __call__(self, function: Function, *parts: Any) -> list[Any]:
        results: list[Any] = function(list(parts), self.own)
        return results


@dataclass(frozen=True)
class _Sorted:
    """Puts together the results that several workers have found, in the order of partitions."""

    combine: Function
    numbers: Sequence[int]

    def __call__(self, *found: list[Any]) -> Any:
        results = dict(zip(self.numbers, chain(*found), strict=True))
        return self.combine([results[i] for i in sorted(results)])


@dataclass(frozen=True)
class _Combine:
    """A function of a list, called with the items of the list."""

    function: Function

    def __call__(self, *parts: Any) -> Any:
        return self.function(list(parts))


@dataclass(frozen=True)
class _Read:
    """Reads a partition, and makes another one of it."""

    function: Function
    own: Any
    reader: Callable[[], Any]

    def __call__(self) -> Any:
        return self.function(self.reader(), self.own)


@dataclass(frozen=True)
class _Compute:
    """Computes a partition, with the graph of this one alone, which is made once."""

    part: Delayed
    graph: dict[Any, Any]

    @classmethod
    def of(cls, part: Delayed) -> "_Compute":
        (alone,) = dask.optimize(part)
        return cls(alone, dict(alone.__dask_graph__()))

    def __call__(self) -> Any:
        get: Any = dask.base.get_scheduler(collections=[self.part])
        return get(self.graph, self.part.key)


@dataclass(frozen=True)
class LocalPartitions(Partitions):
    """Partitions that this process reads, with the local scheduler that Dask is set to.

    Parameters
    ----------
    readers : sequence of callable
        Each reads a partition.
    """

    readers: Sequence[Callable[[], Any]]

    def __len__(self) -> int:
        """Return the number of partitions."""
        return len(self.readers)

    def derive(self, function: Function, own: Sequence[Any]) -> "LocalPartitions":
        """Return partitions that are made, each time anew, of these."""
        pairs = zip(self.readers, own, strict=True)
        return LocalPartitions([_Read(function, each, reader) for reader, each in pairs])

    def join(self, function: Function, own: Sequence[Any], combine: Function) -> "LocalPartitions":
        """Return a single partition, which is computed at once."""
        pairs = zip(self.readers, own, strict=True)
        combined = combine([function(reader(), each) for reader, each in pairs])
        return LocalPartitions([lambda: combined])

    def map(self, function: Function, own: Sequence[Any]) -> list[Any]:
        """Return the results of a function, called with one partition at a time."""
        return list(self._results(function, own))

    def fold(
        self, function: Function, own: Sequence[Any], combine: Function, n_levels: int
    ) -> list[Any]:
        """Return the results of a function; few of them are in memory at once."""
        results = self._results(function, own)
        for _ in range(n_levels):
            results = map(combine, neighbours(results))
        return list(results)

    def _results(self, function: Function, own: Sequence[Any]) -> Iterator[Any]:
        for reader, each in zip(self.readers, own, strict=True):
            yield function([reader()], [each])[0]

    def walk(self, function: Function, steps: Iterable[tuple[int, Any]], state: Any) -> Any:
        """Return a state that has travelled from partition to partition."""
        for number, each in steps:
            state = function(self.readers[number](), each, state)
        return state

    def pick(self, numbers: Sequence[int]) -> "LocalPartitions":
        """Return some of the partitions."""
        return LocalPartitions([self.readers[i] for i in numbers])


class ClusterPartitions(Partitions):
    """Partitions that workers hold.

    Parameters
    ----------
    session : Session
        The fit that they belong to.
    futures : list of Future
        The partitions.
    """

    def __init__(self, session: "Session", futures: "list[distributed.Future]") -> None:
        assert session.client is not None
        self._session, self._client, self.futures = session, session.client, futures
        self._places: list[str] = []  # the worker of each partition, once that is known

    def __len__(self) -> int:
        """Return the number of partitions."""
        return len(self.futures)

    def derive(self, function: Function, own: Sequence[Any]) -> "ClusterPartitions":
        """Return partitions that are made of these, each on its worker."""
        with _cluster_errors():
            pairs = zip(self.futures, own, strict=True)
            futures = [self._submit(_With(function, each), [part]) for part, each in pairs]
        return ClusterPartitions(self._session, self._session.kept(futures))

    def join(
        self, function: Function, own: Sequence[Any], combine: Function
    ) -> "ClusterPartitions":
        """Return a single partition on one of the workers."""
        with _cluster_errors():
            pairs = zip(self.futures, own, strict=True)
            pieces = [self._submit(_With(function, each), [part]) for part, each in pairs]
            futures = [self._submit(_Combine(combine), pieces)]
        return ClusterPartitions(self._session, self._session.kept(futures))

    def map(self, function: Function, own: Sequence[Any]) -> list[Any]:
        """Return the results of a function, called once on each worker."""
        with _cluster_errors():
            groups = self._groups(range(len(self)))
            tasks = [
                self._submit(
                    _OnWorker(function, [own[i] for i in group]),
                    [self.futures[i] for i in group],
                    place,
                )
                for place, group in groups.items()
            ]
            found = self._gathered(tasks)
        results: list[Any] = [None] * len(self)
        for each, (before, group) in zip(found, groups.items(), strict=True):
            for i, result in zip(group, each.results, strict=True):
                results[i] = result
            if each.place != before:
                self._places = []  # a worker has died
        return results

    def fold(
        self, function: Function, own: Sequence[Any], combine: Function, n_levels: int
    ) -> list[Any]:
        """Return the results of a function, which workers have put together."""
        self._places = []  # what is put together does not tell where a worker has died
        with _cluster_errors():
            # by itself, so that it is sent once, and from worker to worker
            sent = self._submit(_Value(function), [])
            nodes = [
                self._of_neighbours(sent, own, combine, group)
                for group in neighbours(range(len(self)))
            ]
            for _ in range(n_levels - 1):
                nodes = [self._submit(_Combine(combine), group) for group in neighbours(nodes)]
            _release([sent])  # the tasks that need it keep it
            return self._gathered(nodes)

    def _of_neighbours(
        self, sent: Any, own: Sequence[Any], combine: Function, group: Sequence[int]
    ) -> Any:
        """Submit tasks for neighbours, one on each of their workers, and one for all results."""
        places = self._groups(group)
        found = [
            self._submit(
                _Sent([own[i] for i in numbers]),
                [sent, *(self.futures[i] for i in numbers)],
                place,
            )
            for place, numbers in places.items()
        ]
        return self._submit(_Sorted(combine, list(chain(*places.values()))), found)

    def walk(self, function: Function, steps: Iterable[tuple[int, Any]], state: Any) -> Any:
        """Return a state that has travelled from worker to worker."""
        with _cluster_errors():
            places = self._where()
            for number, each in steps:
                parts = [self.futures[number], state]
                state = self._submit(_With(function, each), parts, places[number])
            return self._gathered([state])[0]

    def pick(self, numbers: Sequence[int]) -> "ClusterPartitions":
        """Return some of the partitions."""
        return ClusterPartitions(self._session, [self.futures[i] for i in numbers])

    def _where(self) -> list[str]:
        """Return the worker of each partition, once all are computed."""
        if not self._places:
            self._wait()
            who_has = self._client.who_has(self.futures)
            holders = [who_has.get(future.key, ()) for future in self.futures]
            self._places = [min(each, default="") for each in holders]
        return self._places

    def _wait(self) -> None:
        """Wait until all partitions are computed, and raise the error of one that failed."""
        for _ in distributed.as_completed(self.futures, loop=self._client.loop):
            pass
        for future in self.futures:
            if future.status != "finished":
                future.result()

    def _groups(self, numbers: Iterable[int]) -> dict[str, list[int]]:
        """Return the workers of some partitions, and which each has."""
        groups: dict[str, list[int]] = {}
        places = self._where()
        for i in numbers:
            groups.setdefault(places[i], []).append(i)
        return groups

    def _submit(self, function: Function, parts: list[Any], place: str = "") -> Any:
        """Submit a task, to a worker that it need not wait for."""
        where = {"workers": [place], "allow_other_workers": True} if place else {}
        key = f"skbp-{uuid4().hex}"  # Dask would make one of all that Θ looks like in print
        with dask.config.set(_NO_WARNING):
            return self._client.submit(function, *parts, key=key, **where)

    def _gathered(self, futures: list[Any]) -> list[Any]:
        """Return the results of tasks; if that fails, or Ctrl-C comes, no task goes on."""
        try:
            return self._client.gather(futures, direct=self._session.is_direct)
        finally:
            _release(futures)


@contextmanager
def _cluster_errors() -> Iterator[None]:
    """Say what has become of the cluster, where Dask only says that futures are cancelled."""
    try:
        yield
    except (*_CANCELLED, *_CLOSED) as error:
        text = str(error)
        if "scheduler-connection-lost" in text or isinstance(error, _CLOSED):
            raise RuntimeError(
                "The connection to the Dask scheduler was lost during the fit, or the client was "
                "closed. The model is as before. Start a cluster and a Client, and fit again."
            ) from error
        raise RuntimeError(
            "Partitions of the data were lost with a worker that died, and cannot be computed "
            "again: data that was scattered, or persisted from scattered data, exists on its "
            "worker only. Build X and y from files or from a function, for example with "
            f"dask.array.map_blocks, or scatter with broadcast=True. Dask says: {text}"
        ) from error
    except distributed.KilledWorker as error:
        raise RuntimeError(
            f"Workers died while they computed a partition: {error} A partition may need more "
            "memory than a worker has: use smaller partitions."
        ) from error


class Session:
    """The futures of one fit, which are released when it ends, however it ends.

    Parameters
    ----------
    client : distributed.Client or None
        The client; None for partitions that this process reads.
    """

    def __init__(self, client: "distributed.Client | None") -> None:
        self.client = client
        self._futures: list[distributed.Future] = []

    @property
    def is_direct(self) -> bool | None:
        """Whether results come straight from the workers; None where the client decides.

        Those of a `LocalCluster` can be reached, others may be behind the scheduler.
        """
        is_local = isinstance(getattr(self.client, "cluster", None), distributed.LocalCluster)
        return True if is_local else None

    def partitions(self, parts: Sequence[Delayed]) -> Partitions:
        """Return partitions, computed on the workers if there is a cluster.

        Parameters
        ----------
        parts : sequence of Delayed
            What each partition is made of.

        Returns
        -------
        Partitions
            The partitions.
        """
        if self.client is None:
            return LocalPartitions([_Compute.of(part) for part in parts])
        with _cluster_errors():
            return ClusterPartitions(self, self.kept(self.client.compute(list(parts))))

    def kept(self, futures: "list[distributed.Future]") -> "list[distributed.Future]":
        """Return futures, and remember them to release them at the end.

        Parameters
        ----------
        futures : list of Future
            The futures.

        Returns
        -------
        list of Future
            The same.
        """
        self._futures += futures
        return futures

    def keep_only(self, kept: Sequence[Partitions]) -> None:
        """Release the futures of all partitions but some, which are computed.

        If a worker dies, what its partitions were made of is computed again.

        Parameters
        ----------
        kept : sequence of Partitions
            The partitions that are still needed.
        """
        on_workers = [each for each in kept if isinstance(each, ClusterPartitions)]
        needed = {future for each in on_workers for future in each.futures}
        _release([future for future in self._futures if future not in needed])
        self._futures = [future for future in self._futures if future in needed]

    def close(self) -> None:
        """Release all futures that are left."""
        futures, self._futures = self._futures, []
        _release(futures)


def _release(futures: "Sequence[distributed.Future]") -> None:
    """Let the scheduler forget tasks, those that are not done too.

    A traceback may hold the futures. (``Client.cancel`` of a task that others depend on breaks
    the connection, in distributed 2026.8.)
    """
    for future in futures:
        future.release()


def client_of(given: "distributed.Client | None") -> "distributed.Client | None":
    """Return the client to use: the one given, or the one that Dask would use.

    Parameters
    ----------
    given : distributed.Client or None
        The parameter of the estimator.

    Returns
    -------
    distributed.Client or None
        The client. None where there is none, or Dask is set to a local scheduler.

    Raises
    ------
    ValueError
        If the client is asynchronous.
    """
    client = given
    if client is None and dask.config.get("scheduler", None) in _OF_CLUSTERS:
        with suppress(ValueError):
            client = distributed.default_client()
    if client is not None and client.asynchronous:
        raise ValueError("client must not be asynchronous. Got a Client(asynchronous=True).")
    return client
