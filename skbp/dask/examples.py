"""Training and validation sets whose rows stay in their partitions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil
from typing import Any

import numpy as np
from dask.sizeof import sizeof

from skbp._typing import Floats, Labels, Matrix, Rows
from skbp.dask.checks import Facts, WithTargets, facts, joined
from skbp.dask.objective import Cost, PartitionedObjective
from skbp.dask.partitions import Partitions
from skbp.estimator.data import Dataset
from skbp.losses import Loss, is_log_loss
from skbp.network import Network
from skbp.objective import log_loss_of_means, losses_of_means


def _size_of(part: Dataset) -> int:
    """Return the bytes of a partition: by them a worker decides when to write to the disk."""
    return sum(sizeof(each) for each in vars(part).values())


sizeof.register(Dataset, _size_of)


@dataclass(frozen=True)
class PartitionedExamples:
    """Examples in partitions, for `skbp.estimator.training.train`.

    Parameters
    ----------
    partitions : Partitions
        The partitions, each a `Dataset`; none is empty.
    facts : sequence of Facts
        What is known of each.
    labels : {ndarray, sparse matrix}
        Labels; each class that is there is among them.
    dtype : dtype
        The dtype to compute in.
    """

    partitions: Partitions
    facts: Sequence[Facts]
    labels: Labels
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, partitions: Partitions, labels: Labels, dtype: np.dtype[Any]
    ) -> "PartitionedExamples":
        """Return the examples of partitions, without those that are empty.

        Parameters
        ----------
        partitions : Partitions
            The partitions, each a `Dataset`.
        labels : {ndarray, sparse matrix}
            Labels; each class that is there is among them.
        dtype : dtype
            The dtype to compute in.

        Returns
        -------
        PartitionedExamples
            The examples.
        """
        found = partitions.map(facts, [None] * len(partitions))
        filled = [i for i, each in enumerate(found) if each.n_rows]
        return cls(partitions.pick(filled), [found[i] for i in filled], labels, dtype)

    @property
    def n_rows(self) -> int:
        """The number of examples."""
        return sum(each.n_rows for each in self.facts)

    @property
    def largest_batch(self) -> int:
        """The number of rows of the largest partition, since a batch lies in one."""
        return max(each.n_rows for each in self.facts)

    @property
    def n_counted(self) -> int:
        """The number of examples whose weight is not 0."""
        return sum(each.n_counted for each in self.facts)

    @cached_property
    def m(self) -> float:
        """The sum of the weights."""
        return float(sum(each.m for each in self.facts))

    @property
    def has_weight(self) -> bool:
        """Whether any example has a weight other than 0."""
        return self.n_counted > 0

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of columns of X, and that of Y."""
        return self.first.shape[1], len(self.facts[0].Y)

    @property
    def target_means(self) -> Floats:
        """The weighted means of the targets, of shape (s_L,)."""
        return np.sum([each.Y for each in self.facts], axis=0) / self.m

    @property
    def first(self) -> Matrix:
        """The first row of X."""
        return self.facts[0].first

    def changed(
        self, function: Callable[..., Dataset], own: Sequence[Any]
    ) -> "PartitionedExamples":
        """Return examples that are made of these, partition by partition.

        Parameters
        ----------
        function : callable
            Maps a partition and its entry of ``own`` to the new one.
        own : sequence
            What each partition has of its own.

        Returns
        -------
        PartitionedExamples
            The examples.
        """
        return self.of(self.partitions.derive(function, own), self.labels, self.dtype)

    def with_targets(self, function: Callable[[Floats], Floats]) -> "PartitionedExamples":
        """Return the same examples with other targets.

        Parameters
        ----------
        function : callable
            Maps Y to the new ones.

        Returns
        -------
        PartitionedExamples
            The examples.
        """
        return self.changed(WithTargets(function), [None] * len(self.partitions))

    def objective(self, network: Network, loss: str | Loss, alpha: float) -> PartitionedObjective:
        """Return the cost of a network on these examples.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.
        alpha : float
            λ.

        Returns
        -------
        PartitionedObjective
            The cost.
        """
        cost = Cost(network, loss, alpha, (self.m, self.n_rows))
        rows = [each.n_rows for each in self.facts]
        return PartitionedObjective(self.partitions, rows, cost, self.dtype)

    def constant_cost(self, network: Network, loss: str | Loss) -> float:
        """Return the cost of a model that ignores x, without a penalty.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.

        Returns
        -------
        float
            The cost.
        """
        if not 0 < self.m < np.inf:
            return np.inf  # the cost tells what is wrong
        if is_log_loss(loss):
            return log_loss_of_means(network, self.target_means)
        losses = _ConstantLosses(network, self.target_means, loss, self.m)
        return float(sum(self.partitions.map(losses, [None] * len(self.partitions))))

    def sample(self, n: int) -> Dataset:
        """Return some of the examples that have a weight, evenly spread over all partitions.

        Parameters
        ----------
        n : int
            The largest number of them.

        Returns
        -------
        Dataset
            The examples, in memory here.
        """
        step = -(-self.n_counted // n)
        counts = [each.n_counted for each in self.facts]
        # of each partition, the first row that is a multiple of the step, counted from the first
        offsets = [-before % step for before in accumulate(counts[:-1], initial=0)]
        return joined(self.partitions.map(_spread, [(offset, step) for offset in offsets]))

    def shares(self, fraction: float, random_state: np.random.RandomState) -> Rows:
        """Draw how many rows each partition holds out, and a seed to draw them with.

        Parameters
        ----------
        fraction : float
            The share of all rows that count.
        random_state : RandomState instance
            Source of randomness.

        Returns
        -------
        ndarray of int of shape (n_partitions, 2)
            The numbers, whose sum is that of a set in one place; and the seeds.
        """
        counts = np.array([each.n_counted for each in self.facts])
        ends = [ceil(fraction * end) for end in accumulate(counts.tolist())]
        numbers = np.diff([0, *ends])
        seeds = random_state.randint(np.iinfo(np.int32).max, size=len(counts))
        return np.column_stack([numbers, seeds])


@dataclass(frozen=True)
class _ConstantLosses:
    """Sums up the losses of a constant model over a partition, divided by m."""

    network: Network
    means: Floats
    loss: str | Loss
    m: float

    def __call__(self, parts: list[Dataset], own: list[None]) -> list[float]:
        return [self._of(part) for part in parts]

    def _of(self, part: Dataset) -> float:
        weight = None if part.weight is None else part.weight.astype(float) / self.m
        return losses_of_means(self.network, self.means, part.Y, self.loss, self.m, weight)


def _spread(parts: list[Dataset], own: list[tuple[int, int]]) -> list[Dataset]:
    """Return rows that have a weight, a number of them apart."""
    found = []
    for part, (offset, step) in zip(parts, own, strict=True):
        counted = np.arange(part.n_rows) if part.weight is None else np.flatnonzero(part.weight)
        found.append(part.take(counted[offset::step]))
    return found
