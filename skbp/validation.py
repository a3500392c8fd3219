"""The validation set: which rows are kept out of training, and how a network does on them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np

from skbp import weights
from skbp._typing import Floats, Rows
from skbp.data import Dataset
from skbp.fast import decision
from skbp.losses import Loss
from skbp.probabilities import log_losses


def held_out(
    examples: Dataset, fraction: float, random_state: np.random.RandomState, y_type: str
) -> Rows:
    """Draw the rows of a validation set, and leave every class in the training set.

    Parameters
    ----------
    examples : Dataset
        The examples; those of weight 0 are neither drawn nor counted.
    fraction : float
        The share of them to draw, in (0, 1).
    random_state : RandomState instance
        What draws.
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        The draw is stratified if classes exclude each other. For multilabel y, an example
        with and one without each label stay in the training set.

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
    weight, Y = examples.weight, examples.Y
    counted = np.arange(len(Y)) if weight is None else np.flatnonzero(weight)
    n = ceil(fraction * len(counted))
    order = random_state.permutation(len(counted))
    draw = _of_labels if y_type == "multilabel-indicator" else _stratified
    rows = counted[draw(Y[counted], n, order) if n else order]
    if len(rows) == 0:
        raise ValueError(
            f"validation_fraction={fraction} of {len(counted)} rows leaves none for validation: "
            "each class needs one for training. Pass X_val and y_val, or more data."
        )
    return np.sort(rows)


def _of_labels(Y: Floats, n: int, order: Rows) -> Rows:
    """Return n rows, but not the first one, in this order, that has or lacks a label."""
    needed = order[[(Y[order] == value).argmax(axis=0) for value in (0, 1)]]
    return order[~np.isin(order, needed)][:n]


def _stratified(Y: Floats, n: int, order: Rows) -> Rows:
    """Return n rows that are shared out among the classes in proportion to their sizes."""
    classes = Y[:, 0].astype(int) if Y.shape[1] == 1 else Y.argmax(axis=1)
    sizes = np.bincount(classes)
    spare = np.maximum(sizes - 1, 0)
    exact = n * sizes / len(Y)
    shares = np.minimum(exact.astype(int), spare)
    for _ in range(min(n, spare.sum()) - shares.sum()):
        # to the class that is furthest below its share, and has rows to spare
        shares[np.where(shares < spare, exact - shares, -np.inf).argmax()] += 1
    return np.concatenate([order[classes[order] == k][:share] for k, share in enumerate(shares)])


@dataclass(frozen=True)
class Validation:
    """How a network does on a validation set.

    Parameters
    ----------
    network : Network
        The network.
    examples : Dataset
        The validation set.
    loss : Loss
        The loss that training minimises.
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        What the output units stand for.
    scorer : callable, default=None
        Maps the weights to a score. None for the negative log-loss.
    """

    network: Any
    examples: Dataset
    loss: Loss
    y_type: str
    scorer: Callable[[Floats], float] | None = None

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
            If the score is not a finite number.
        """
        X, Y, h = self.examples.X, self.examples.Y, self.network.h
        coefs, intercepts = weights.split(self.network.unpack(theta))
        z = decision(self.network, coefs, intercepts, X)
        loss = self._mean(self.loss.per_row(z, h.g(z), Y))
        if self.scorer is None:
            score = -self._mean(log_losses(h, z, Y, self.y_type))
        else:
            score = float(self.scorer(theta))
        if not isfinite(score):
            raise ValueError(f"The validation score must be finite. Got {score} instead.")
        return loss, score

    def _mean(self, losses: Floats) -> float:
        return float(np.average(losses.astype(float), weights=self.examples.weight))
