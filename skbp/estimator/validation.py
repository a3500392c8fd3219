"""Validation sets: the rows kept out of training, and the loss and score of a network on them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np

from skbp import weights
from skbp._typing import Floats, Rows
from skbp.engine import resolve_engine
from skbp.engine.blocks import map_blocks
from skbp.engine.interface import Output
from skbp.engine.layout import rows_of
from skbp.estimator.data import Dataset
from skbp.estimator.targets import Targets
from skbp.losses import Loss
from skbp.network import Network


def held_out(
    examples: Dataset, targets: Targets, fraction: float, random_state: np.random.RandomState
) -> Rows:
    """Draw the rows of a validation set, and leave every class in the training set.

    Each class of two rows or more has one in it, if it has as many rows as there are classes.

    Parameters
    ----------
    examples : Dataset
        The examples; those of weight 0 are neither drawn nor counted.
    targets : Targets
        Draws among the rows that count.
    fraction : float
        The share of them to draw, in (0, 1).
    random_state : RandomState instance
        Source of randomness.

    Returns
    -------
    ndarray of int
        The rows, in ascending order; fewer than ``fraction`` where the training set
        would lose a class.

    Raises
    ------
    ValueError
        If no row can be spared.
    """
    n_counted = examples.n_counted
    n = ceil(fraction * n_counted)
    rows = drawn(examples, targets, n, random_state)
    check_held_out(fraction, n_counted, len(rows))
    return rows


def drawn(examples: Dataset, targets: Targets, n: int, random_state: np.random.RandomState) -> Rows:
    """Draw some rows that count, and leave some of every class.

    Parameters
    ----------
    examples : Dataset
        The examples.
    targets : Targets
        Draws among the rows that count.
    n : int
        The number of rows to draw.
    random_state : RandomState instance
        Source of randomness.

    Returns
    -------
    ndarray of int
        The rows, in ascending order; fewer than ``n`` where a class would be lost.
    """
    weight, Y = examples.weight, examples.Y
    counted = np.arange(len(Y)) if weight is None else np.flatnonzero(weight)
    order = random_state.permutation(len(counted))
    return np.sort(counted[targets.draw(Y[counted], n, order) if n else order[:0]])


def check_held_out(fraction: float, n_counted: int, n_drawn: int) -> None:
    """Raise an error if no row could be held out.

    Parameters
    ----------
    fraction : float
        The ``validation_fraction``.
    n_counted : int
        The number of rows that it is a share of.
    n_drawn : int
        The number of rows that were drawn.

    Raises
    ------
    ValueError
        If it is 0.
    """
    if n_drawn == 0:
        raise ValueError(
            f"validation_fraction={fraction} of {n_counted} rows leaves none for validation: "
            "each class needs one for training. Pass X_val and y_val, or more data."
        )


class ValidationSet(ABC):
    """Loss and score of a network on a validation set, wherever its rows are."""

    scorer: Callable[[Floats], float] | None

    @abstractmethod
    def means(self, theta: Floats) -> tuple[float, float]:
        """Return the means of the loss and of the log-loss.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights of the network.

        Returns
        -------
        loss : float
            The mean loss.
        log_loss : float
            The mean log-loss.
        """

    @abstractmethod
    def lacking(self) -> str:
        """Return the classes that the set lacks.

        Returns
        -------
        str
            The classes in words; empty if nothing is lacking.
        """

    def __call__(self, theta: Floats) -> tuple[float, float]:
        """Return the loss and the score of a network.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            Its weights.

        Returns
        -------
        loss : float
            The mean of the losses, without a penalty.
        score : float
            The score; greater is better.

        Raises
        ------
        ValueError
            If the loss or the score is not a finite number. The message says which classes
            the validation set lacks.
        """
        loss, log_loss = self.means(theta)
        if not isfinite(loss):
            raise ValueError(
                f"The loss of the validation set must be finite. Got {loss} instead. Standardise X "
                "and X_val (for example with sklearn.preprocessing.StandardScaler)."
            )
        score = -log_loss if self.scorer is None else self._score(theta)
        if not isfinite(score):
            text = f"The validation score must be finite. Got {score} instead."
            raise ValueError(f"{text}{self._lacking()}")
        return loss, score

    def _score(self, theta: Floats) -> float:
        """Return the scorer's score; if it fails for lack of a class, the error says so."""
        assert self.scorer is not None
        try:
            return float(self.scorer(theta))
        except ValueError as error:
            if not (lacking := self._lacking()):
                raise
            text = str(error).removesuffix(".")
            raise ValueError(f"scoring failed: {text}.{lacking}") from error

    def _lacking(self) -> str:
        """Return a sentence on the classes that the validation set lacks, or nothing."""
        lacking = self.lacking()
        return lacking and (
            f" The validation set has no {lacking}. Increase validation_fraction, pass "
            "X_val and y_val that have them, or choose another scoring."
        )


@dataclass(frozen=True)
class Validation(ValidationSet):
    """Loss and score of a network on a validation set, as a function of its weights.

    Parameters
    ----------
    network : Network
        The network.
    examples : Dataset
        The validation set.
    loss : Loss
        The loss that training minimises.
    targets : Targets
        The kind of the targets, which has the default score.
    scorer : callable, default=None
        Maps the weights to a score. None for the negative log-loss.
    """

    network: Network
    examples: Dataset
    loss: Loss
    targets: Targets
    scorer: Callable[[Floats], float] | None = None

    def lacking(self) -> str:
        """Return the classes without a row that has a weight."""
        weight, Y = self.examples.sample_weight, self.examples.Y
        return self.targets.lacking(Y if weight is None else Y[weight > 0])

    def means(self, theta: Floats) -> tuple[float, float]:
        """Return the means of the loss and of the log-loss."""
        losses, log_losses = self.losses(theta)
        return self._mean(losses), self._mean(log_losses)

    def losses(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the loss and the log-loss of each example, computed block by block.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights of the network.

        Returns
        -------
        losses : ndarray of shape (m,)
            The losses.
        log_losses : ndarray of shape (m,)
            The log-losses.
        """
        network, X, Y = self.network, self.examples.X, self.examples.Y
        theta = theta.astype(X.dtype, copy=False)
        theta_views = weights.views(network.unpack(theta))
        engine = resolve_engine("auto", network, X)

        def of_block(rows: slice) -> tuple[Floats, Floats]:
            X_rows = rows_of(X, rows)
            z = np.asarray(engine.outputs(network, theta_views, X_rows, Output.DECISION))
            losses = self.loss.per_row(z, network.h.g(z), Y[rows])
            return losses, self.targets.log_losses(network.h, z, Y[rows])

        blocks = map_blocks(of_block, len(Y), network, self.loss)
        losses, log_losses = zip(*blocks, strict=True)
        return np.concatenate(losses), np.concatenate(log_losses)

    def _mean(self, losses: Floats) -> float:
        return float(np.average(losses.astype(float), weights=self.examples.weight))
