"""The loss and score on a validation set whose rows stay in their partitions."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _BaseScorer

from skbp._typing import Floats
from skbp.dask.checks import joined
from skbp.dask.examples import PartitionedExamples
from skbp.estimator.assembly import Problem, network_attributes
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.data import Dataset
from skbp.estimator.targets import Targets
from skbp.estimator.validation import Validation, ValidationSet
from skbp.losses import Loss, get_loss
from skbp.network import Network

if TYPE_CHECKING:
    from skbp.dask.classifier import DaskBackpropClassifier


@dataclass(frozen=True)
class PartitionedValidation(ValidationSet):
    """Loss and score of a network on partitions, as a function of its weights.

    Parameters
    ----------
    network : Network
        The network.
    examples : PartitionedExamples
        The validation set.
    loss : Loss
        The loss that training minimises.
    targets : Targets
        The kind of the targets, which has the default score.
    scorer : callable, default=None
        Maps the weights to a score. None for the negative log-loss.
    """

    network: Network
    examples: PartitionedExamples
    loss: Loss
    targets: Targets
    scorer: Callable[[Floats], float] | None = None

    def lacking(self) -> str:
        """Return the classes without a row that has a weight."""
        partitions = self.examples.partitions
        return self.targets.lacking(
            np.concatenate(partitions.map(_weighted_targets, [None] * len(partitions)))
        )

    def means(self, theta: Floats) -> tuple[float, float]:
        """Return the means of the loss and of the log-loss."""
        partitions = self.examples.partitions
        theta = theta.astype(self.examples.dtype, copy=False)
        sums = _LossSums(self.network, self.loss, self.targets, theta)
        found = partitions.map(sums, [None] * len(partitions))
        losses, log_losses = (float(sum(each)) for each in zip(*found, strict=True))
        return losses / self.examples.m, log_losses / self.examples.m


@dataclass(frozen=True)
class _LossSums:
    """Sums up the losses of partitions."""

    network: Network
    loss: Loss
    targets: Targets
    theta: Floats

    def __call__(self, parts: list[Dataset], own: list[None]) -> list[tuple[float, float]]:
        return [self._of(part) for part in parts]

    def _of(self, part: Dataset) -> tuple[float, float]:
        weight = np.ones(part.n_rows) if part.weight is None else part.weight.astype(float)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            each = Validation(self.network, part, self.loss, self.targets).losses(self.theta)
            losses, log_losses = (float(weight @ one.astype(float)) for one in each)
        return losses, log_losses


def _weighted_targets(parts: list[Dataset], own: list[None]) -> list[Floats]:
    """Return the targets of rows that have a weight."""
    return [
        part.Y if part.sample_weight is None else part.Y[part.sample_weight > 0] for part in parts
    ]


def check_scoring_of_partitions(scoring: object) -> None:
    """Check that a score can be computed without X.

    Parameters
    ----------
    scoring : object
        The parameter of the estimator.

    Raises
    ------
    ValueError
        If it may need X.
    """
    if scoring is None or isinstance(scoring, str | _BaseScorer):
        return
    raise ValueError(
        f"scoring={scoring!r} gets X_val, and the rows of a Dask collection are not gathered. Use "
        "the name of a scorer, sklearn.metrics.make_scorer, or an X_val and y_val in memory."
    )


def validation_of(
    classifier: "DaskBackpropClassifier", problem: Problem, examples: PartitionedExamples
) -> PartitionedValidation:
    """Return the loss and score on a validation set in partitions.

    Parameters
    ----------
    classifier : DaskBackpropClassifier
        The classifier.
    problem : Problem
        The problem.
    examples : PartitionedExamples
        The validation set.

    Returns
    -------
    PartitionedValidation
        A function of the weights.
    """
    network, targets = problem.network, problem.targets
    loss = get_loss(network.h.name, problem.parameters["loss"])
    check_scoring_of_partitions(classifier.scoring)
    scorer = None if classifier.scoring is None else _Score(classifier, problem, examples)
    return PartitionedValidation(network, examples, loss, targets, scorer)


@dataclass(frozen=True)
class _Score:
    """The score of weights by a scorer of scikit-learn, which is computed here.

    The outputs z and the labels of all rows are gathered, and not X: the scorer gets z as X,
    and a network that is only the output units.
    """

    classifier: "DaskBackpropClassifier"
    problem: Problem
    examples: PartitionedExamples

    def __call__(self, theta: Floats) -> float:
        partitions, network = self.examples.partitions, self.problem.network
        theta = theta.astype(self.examples.dtype, copy=False)
        found = joined(partitions.map(_Outputs(network, theta), [None] * len(partitions)))
        scorer = check_scoring(self._output_units(), self.classifier.scoring)
        weight = found.sample_weight
        given = {} if weight is None else {"sample_weight": weight}
        return float(scorer(self._output_units(), found.X, found.y, **given))

    def _output_units(self) -> BackpropClassifier:
        """Return a classifier that gets z, and has the outputs of the network."""
        K = self.problem.network.layer_sizes[-1]
        network = Network((K, K), (), self.problem.network.h)
        theta = network.pack([np.eye(K, K + 1, 1)])
        fitted = copy(self.classifier._local())
        fitted.__dict__.update(
            network_attributes(_with_network(self.problem, network), theta), n_features_in_=K
        )
        return fitted


def _with_network(problem: Problem, network: Network) -> Problem:
    return replace(problem, network=network)


@dataclass(frozen=True)
class _Outputs:
    """Returns z in the place of X, with the labels and weights of the rows."""

    network: Network
    theta: Floats

    def __call__(self, parts: list[Dataset], own: list[None]) -> list[Dataset]:
        return [self._of(part) for part in parts]

    def _of(self, part: Dataset) -> Dataset:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            z = self.network.decision(self.theta, part.X)
        return Dataset(z, part.y, part.Y, part.sample_weight, part.weight)
