"""Choosing by cross-validation: the best network and λ, the simplest near it, an ensemble."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skbp._typing import Floats

Choice = tuple[int, int]
"""The index of a network, and that of a λ."""


def mean_scores(scores: Floats) -> Floats:
    """Return the mean scores over folds.

    Parameters
    ----------
    scores : ndarray of shape (n_folds, n_networks, n_alphas)
        The scores; NaN where a path ended before.

    Returns
    -------
    ndarray of shape (n_networks, n_alphas)
        The means; NaN where the path of any fold ended before.
    """
    return np.asarray(scores.mean(axis=0))


def best(scores: Floats) -> Choice:
    """Return the network and the λ with the best mean score.

    Parameters
    ----------
    scores : ndarray of shape (n_folds, n_networks, n_alphas)
        The scores.

    Returns
    -------
    tuple of (int, int)
        The first one of the best.
    """
    means = mean_scores(scores)
    i, j = np.unravel_index(np.nanargmax(means), means.shape)
    return int(i), int(j)


def one_standard_error(scores: Floats) -> Choice:
    """Return the network of the best mean score, with the largest λ within a standard error.

    Parameters
    ----------
    scores : ndarray of shape (n_folds, n_networks, n_alphas)
        The scores, with λ in descending order.

    Returns
    -------
    tuple of (int, int)
        The network and the λ.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", second edition,
    Springer 2009, section 7.10.
    """
    i, j = best(scores)
    means, error = mean_scores(scores)[i], standard_error(scores[:, i, j])
    return i, int(np.argmax(means >= means[j] - error))


def standard_error(scores: Floats) -> float:
    """Return the standard error of the mean of some scores.

    Parameters
    ----------
    scores : ndarray of shape (n_folds,)
        The scores of the folds.

    Returns
    -------
    float
        Their standard deviation, as `cv_results_` has it, divided by √n_folds.
    """
    return float(np.std(scores) / np.sqrt(len(scores)))


SELECTIONS = {"best": best, "one_standard_error": one_standard_error}
"""The rules by the values of ``selection``."""


def greedy_ensemble(
    likelihoods: Sequence[Floats], weight: Floats | None, n_members: int
) -> NDArray[np.intp]:
    """Choose members whose mean probabilities have the lowest log-loss, one after the other.

    Parameters
    ----------
    likelihoods : sequence of ndarray of shape (m, n_labels)
        For each model the probabilities that it gives to what is true, for rows that it was
        not trained with.
    weight : ndarray of shape (m,) or None
        The weights of the rows.
    n_members : int
        The number of members to choose. A model may be chosen several times.

    Returns
    -------
    ndarray of int of shape (n_models,)
        How often each model was chosen.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models",
    ICML 2004.
    """
    models = np.asarray(likelihoods, dtype=float)
    total = np.zeros_like(models[0])
    counts = np.zeros(len(models), dtype=np.intp)
    for n in range(1, n_members + 1):
        log_p = np.log(np.maximum((total + models) / n, np.finfo(float).tiny))
        losses = -np.average(log_p.sum(axis=2), axis=1, weights=weight)
        chosen = losses.argmin()
        counts[chosen] += 1
        total += models[chosen]
    return counts
