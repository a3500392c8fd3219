"""The networks that predict after a search: which ones they are, and their training on all rows."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.parallel import delayed

from skbp.estimator.assembly import Attributes, fitted_attributes
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.diagnosis import warnings_of_choice
from skbp.estimator.path import PathFit, fits
from skbp.estimator.search import Candidate, Search, parallel
from skbp.estimator.selection import Choice, greedy_ensemble, mean_scores
from skbp.solvers import Ending

Member = tuple[BackpropClassifier, float]
"""A fitted network, and its weight in the mean."""


def greedy_counts(found: Search, n_members: int) -> dict[Choice, int]:
    """Return how often a greedy ensemble has each network with its λ.

    Parameters
    ----------
    found : Search
        The search, which has kept its predictions.
    n_members : int
        The number of members.

    Returns
    -------
    dict of tuple of (int, int) to int
        The counts, none of which is 0.
    """
    means = mean_scores(found.table("score"))
    models = [(int(i), int(j)) for i, j in np.argwhere(np.isfinite(means))]
    problem = found.plan.candidates[0].problem
    rows = np.concatenate([test for _, test in found.plan.splits[: found.n_folds]])
    left_out = problem.dataset.take(rows)
    likelihoods = [
        problem.targets.likelihoods(np.concatenate(found.probabilities(model)), left_out.Y)
        for model in models
    ]
    counts = greedy_ensemble(likelihoods, left_out.weight, n_members)
    return {model: n for model, n in zip(models, counts.tolist(), strict=True) if n}


def of_folds(found: Search, counts: Mapping[Choice, int]) -> list[Member]:
    """Return the networks of the folds.

    Parameters
    ----------
    found : Search
        The search, which has kept its networks.
    counts : mapping of tuple of (int, int) to int
        How often the ensemble has each network with its λ.

    Returns
    -------
    list of tuple of (BackpropClassifier, float)
        The members, and their weights.
    """
    total = sum(counts.values())
    return [
        (_member(found.plan.candidates[choice[0]], attributes), count / total / found.n_folds)
        for choice, count in counts.items()
        for attributes in found.attributes(choice)
    ]


def of_all_rows(found: Search, counts: Mapping[Choice, int], n_jobs: int | None) -> list[Member]:
    """Train networks on all rows, each from the weights of the λ before its own.

    A network that the ensemble has several times is trained from as many start weights.
    Ctrl-C keeps the networks that are trained; of the first one its last iteration.

    Parameters
    ----------
    found : Search
        The search.
    counts : mapping of tuple of (int, int) to int
        How often the ensemble has each network with its λ.
    n_jobs : int or None
        The number of networks that are trained at a time, as in joblib.

    Returns
    -------
    list of tuple of (BackpropClassifier, float)
        The members, and their weights.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C comes before an iteration has finished.
    """
    tasks = [each for choice, count in counts.items() for each in _refits(found, choice, count)]
    trained = _trained(tasks, n_jobs)
    messages = (m for fit in trained for m in warnings_of_choice(fit.problem, fit.result))
    for category, message in dict.fromkeys(messages):
        warnings.warn(message, category, stacklevel=4)
    if len(trained) < len(tasks):
        warnings.warn(
            f"The training on all rows was interrupted. {len(trained)} of {len(tasks)} networks "
            "are trained, and these predict.",
            stacklevel=4,
        )
    return [
        (_member(task.candidate, _attributes(fit)), 1 / len(trained))
        for task, fit in zip(tasks, trained, strict=False)
    ]


@dataclass(frozen=True)
class _Refit:
    """A network to train on all rows, for one λ after the other."""

    candidate: Candidate
    alphas: Sequence[float]

    def last_fit(self) -> PathFit:
        """Return the fit of the last λ, or of the one at which Ctrl-C came."""
        problem = self.candidate.problem
        *_, last = fits(self.candidate.classifier, problem, self.alphas, problem.m)
        return last


def _refits(found: Search, choice: Choice, count: int) -> Iterator[_Refit]:
    """Yield the trainings of a network, each from another seed."""
    plan, (i, j) = found.plan, choice
    alphas = [plan.alphas[j]] if plan.is_exhaustive else found.last_alphas(choice)
    for n in range(count):
        candidate = plan.candidates[i]
        yield _Refit(replace(candidate, classifier=plan.with_seed(candidate.classifier, n)), alphas)


def _trained(tasks: Sequence[_Refit], n_jobs: int | None) -> list[PathFit]:
    """Train networks until Ctrl-C; return the complete ones, or else the first one so far."""
    trained: list[PathFit] = []
    calls = (delayed(_Refit.last_fit)(task) for task in tasks)
    try:
        for fit in parallel(n_jobs)(calls):
            is_interrupted = fit.result.ending is Ending.INTERRUPTED
            if not (is_interrupted and trained):
                trained.append(fit)
            if is_interrupted:
                break
    except KeyboardInterrupt:
        if not trained:
            raise
    return trained


def _attributes(fit: PathFit) -> Attributes:
    return fitted_attributes(fit.problem, fit.state, fit.result)


def _member(candidate: Candidate, attributes: Attributes) -> BackpropClassifier:
    """Return a fitted classifier."""
    made = BackpropClassifier(**candidate.classifier.get_params())
    made.set_params(alpha=attributes["alpha_"])
    made.__dict__.update(attributes, n_features_in_=candidate.classifier.n_features_in_)
    return made
