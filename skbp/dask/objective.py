"""The cost over partitions: sums that are computed where the rows are, and added up in order.

The blocks of rows are those of `BackpropClassifier` on all rows, cut where a partition ends. So
the same partitions give the same bits, whatever the number of workers and threads; and where no
partition holds more than one block, or one holds all, the bits are those of `BackpropClassifier`.

Many partitions with a large Δ each would keep the client busy. Then the sums of neighbours are
added up first, on the workers; which, the number of partitions and the size of Δ decide alone.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, islice, pairwise
from typing import Any

import distributed
import numpy as np
from sklearn.utils.random import sample_without_replacement

from skbp._typing import Floats, Rows
from skbp.dask.checks import joined, take
from skbp.dask.partitions import Partitions, n_levels
from skbp.engine.blocks import blocks
from skbp.engine.builtin import is_builtin
from skbp.engine.threads import on_all_threads, one_blas_thread
from skbp.estimator.data import Dataset
from skbp.losses import Loss
from skbp.network import Network
from skbp.objective import Objective, Sum, add_up, check_m, mean_and_penalty
from skbp.solvers.update_rules import State, Update

_BYTES = np.dtype(float).itemsize
# of Δ, that come to the client in an evaluation
_MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class Cost:
    """A cost without its rows and Θ, which is sent to the workers.

    Parameters
    ----------
    network : Network
        The network, with dropout where there is some.
    loss : {"log_loss", "squared_error"} or Loss
        The loss of an example.
    alpha : float
        λ.
    whole : tuple of (float, int)
        m and the number of rows of all partitions.
    """

    network: Network
    loss: str | Loss
    alpha: float
    whole: tuple[float, int]

    def on(self, rows: Dataset) -> Objective:
        """Return the cost on some rows, with the λ/m of all.

        Parameters
        ----------
        rows : Dataset
            The rows.

        Returns
        -------
        Objective
            The cost.
        """
        loss, alpha, whole = self.loss, self.alpha, self.whole
        return Objective(self.network, rows.X, rows.Y, loss, alpha, rows.weight, whole=whole)


class PartitionedObjective:
    """The cost over partitions, a function of Θ like `skbp.objective.Objective`.

    Parameters
    ----------
    partitions : Partitions
        The partitions, each a `Dataset`; none is empty.
    rows : sequence of int
        The number of rows of each.
    cost : Cost
        The cost.
    dtype : dtype
        The dtype to compute in.
    """

    def __init__(
        self, partitions: Partitions, rows: Sequence[int], cost: Cost, dtype: np.dtype[Any]
    ) -> None:
        check_m(cost.whole[0], cost.alpha, dtype)
        self.partitions, self.rows, self.cost, self.dtype = partitions, rows, cost, dtype
        self._pieces = pieces(rows, cost.network.n_parameters)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return sum(self.rows)

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the cost J(Θ) and its gradient D.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights.

        Returns
        -------
        J : float
            The cost.
        D : ndarray of shape (n_parameters,)
            Its gradient, of the dtype of ``theta``.
        """
        given_dtype, (m, n_rows) = theta.dtype, self.cost.whole
        theta = theta.astype(self.dtype, copy=False)
        Thetas = self.cost.network.unpack(theta)
        losses, Delta = add_up(self._sums(theta))
        sums = losses, Delta.astype(self.dtype, copy=False)
        m_rows = m / n_rows * self.n_rows
        J, D = mean_and_penalty(self.cost.network, Thetas, sums, m_rows, self.cost.alpha / m)
        return J, D.astype(given_dtype, copy=False)

    def _sums(self, theta: Floats) -> list[Sum]:
        """Return the sums of the partitions, or of neighbours where Δ of each would be much."""
        n_bytes = _BYTES * self.cost.network.n_parameters
        levels = n_levels(len(self.partitions), max(1, _MOST_BYTES // n_bytes))
        sums = _Sums(self.cost, theta)
        if levels:
            return self.partitions.fold(sums, self._pieces, add_up, levels)
        return self.partitions.map(sums, self._pieces)

    def sample(self, n_rows: int, random_state: np.random.RandomState) -> "PartitionedObjective":
        """Return the same cost on random rows, which are brought to one worker.

        Parameters
        ----------
        n_rows : int
            The number of rows; all, where there are fewer.
        random_state : RandomState instance
            Draws the rows.

        Returns
        -------
        PartitionedObjective
            The cost on these rows, one partition.
        """
        drawn = _some_of(self.n_rows, n_rows, random_state)
        starts = np.array([0, *accumulate(self.rows)])
        numbers = np.searchsorted(starts, drawn, side="right") - 1
        used = np.unique(numbers).tolist()
        own = [drawn[numbers == i] - starts[i] for i in used]
        back = np.argsort(np.argsort(numbers, kind="stable"), kind="stable")
        together = self.partitions.pick(used).join(take, own, _InOrder(back))
        return PartitionedObjective(together, [len(drawn)], self.cost, self.dtype)

    def new_order(self, before: Rows | None, random_state: np.random.RandomState) -> Rows:
        """Draw the order of the partitions in an epoch, and a seed for the rows of each.

        Parameters
        ----------
        before : ndarray or None
            The order of the last epoch, which does not matter.
        random_state : RandomState instance
            Source of randomness.

        Returns
        -------
        ndarray of int of shape (n_partitions, 2)
            The numbers of the partitions, and the seeds.
        """
        n = len(self.partitions)
        return np.column_stack([random_state.permutation(n), _seeds(n, random_state)])

    def epoch(self, theta: Floats, batch_size: int, order: Rows | None, update: Update) -> float:
        """Update the weights after each batch of rows, in one partition after the other.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights; changed in place.
        batch_size : int
            The number of rows of a batch; the last one of a partition may have fewer.
        order : ndarray of int of shape (n_partitions, 2) or None
            What `new_order` has drawn. None for all rows as they are.
        update : Update
            Maps the gradient of a batch to the step; its state is updated.

        Returns
        -------
        float
            The mean of the batches' J, weighted by their rows.
        """
        n = len(self.partitions)
        visits = [(i, None) for i in range(n)] if order is None else order.tolist()
        masks = [None] * n
        if self.cost.network.is_random:
            network: Any = self.cost.network  # one with dropout has a random state
            masks = _seeds(n, network.random_state).tolist()
        steps = [(i, (seed, mask)) for (i, seed), mask in zip(visits, masks, strict=True)]
        epoch = _Epoch(self.cost, batch_size, replace(update, state={}))
        state = _Travelling(theta, update.state, 0.0)
        state = self.partitions.walk(epoch, steps, state)
        theta[:] = state.theta
        update.state.update(_copied(state.averages))
        return state.losses / self.n_rows


def pieces(rows: Iterable[int], n_parameters: int) -> list[list[slice]]:
    """Return the blocks of rows of each partition.

    Parameters
    ----------
    rows : iterable of int
        The number of rows of each partition.
    n_parameters : int
        The number of the network's weights.

    Returns
    -------
    list of list of slice
        The blocks of all rows, cut where a partition ends; their rows are counted from the
        first of the partition.
    """
    starts = [0, *accumulate(rows)]
    ends = [block.stop for block in blocks(starts[-1], n_parameters)]
    cuts = sorted({*starts, *ends})
    found: list[list[slice]] = [[] for _ in starts[1:]]
    i = 0
    for start, stop in pairwise(cuts):
        while stop > starts[i + 1]:
            i += 1
        found[i].append(slice(start - starts[i], stop - starts[i]))
    return found


@dataclass(frozen=True)
class _Sums:
    """Computes Σ_i w_i loss and Δ of partitions, on the worker that has them."""

    cost: Cost
    theta: Floats

    def __call__(self, parts: list[Dataset], pieces: list[list[slice]]) -> list[Sum]:
        objectives = [self.cost.on(part) for part in parts]
        items = [
            (objective, piece)
            for objective, own in zip(objectives, pieces, strict=True)
            for piece in own
        ]
        with one_blas_thread(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
            found = iter(self._threads(objectives[0].loss)(self._of_piece, items))
            return [add_up(islice(found, len(own))) for own in pieces]

    def _of_piece(self, item: tuple[Objective, slice]) -> Sum:
        objective, piece = item
        if piece.stop - piece.start < objective.n_rows:
            objective = objective.take(piece)
        return objective.engine.loss_and_gradient(objective, self.theta)

    def _threads(self, loss: Loss) -> Callable[..., Iterable[Any]]:
        if not is_builtin(self.cost.network, loss):
            return map
        try:
            n_threads = distributed.get_worker().state.nthreads
        except ValueError:  # this is no worker
            return on_all_threads
        return _pool(n_threads) if n_threads > 1 else map


@cache
def _pool(n_threads: int) -> Callable[..., Iterable[Any]]:
    """Return a map on as many threads as the worker may use; Dask leaves BLAS only one."""
    executor = ThreadPoolExecutor(n_threads, "dask-skbp")

    def on_threads(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        contexts = [copy_context() for _ in items]  # for np.errstate
        return executor.map(lambda context, item: context.run(function, item), contexts, items)

    return on_threads


@dataclass(frozen=True)
class _Travelling:
    """Θ, the averages and the sum of the losses, which go from partition to partition."""

    theta: Floats
    averages: State
    losses: float


@dataclass(frozen=True)
class _Epoch:
    """Makes the steps of an epoch on the batches of one partition."""

    cost: Cost
    batch_size: int
    update: Update

    def __call__(
        self, part: Dataset, seeds: tuple[int | None, int | None], state: _Travelling
    ) -> _Travelling:
        order_seed, mask_seed = seeds
        cost = self.cost
        if mask_seed is not None:
            masks: Any = {"random_state": np.random.RandomState(mask_seed)}
            cost = replace(cost, network=replace(cost.network, **masks))
        order = None
        if order_seed is not None:
            order = np.random.RandomState(order_seed).permutation(part.n_rows)
        # the state may be needed again, where a worker dies
        theta, averages = np.array(state.theta), _copied(state.averages)
        update, size = replace(self.update, state=averages), min(self.batch_size, part.n_rows)
        with one_blas_thread(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
            loss = cost.on(part).epoch(theta, size, order, update)
        return _Travelling(theta, averages, state.losses + loss * part.n_rows)


def _copied(averages: State) -> State:
    return {
        name: np.array(value) if isinstance(value, np.ndarray) else value
        for name, value in averages.items()
    }


@dataclass(frozen=True)
class _InOrder:
    """Joins rows of several partitions in the order in which they were drawn."""

    back: Rows

    def __call__(self, parts: list[Dataset]) -> Dataset:
        return joined(parts).take(self.back)


def _some_of(n_rows: int, n: int, random_state: np.random.RandomState) -> Rows:
    """Draw some row numbers without an array of all."""
    drawn = sample_without_replacement(n_rows, min(n, n_rows), random_state=random_state)
    random_state.shuffle(drawn)
    return np.asarray(drawn)


def _seeds(n: int, random_state: np.random.RandomState) -> Rows:
    return random_state.randint(np.iinfo(np.int32).max, size=n)
