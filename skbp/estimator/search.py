"""The search of cross-validation: every network on every fold, and the table of its scores.

The tasks are independent of each other and of the number of jobs. Each one copies the rows of
its fold once, for the whole path. In a race, the first fold tries every λ, and the others begin a
little above its best one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import compress, cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata
from sklearn.utils.parallel import Parallel, delayed

from skbp._typing import Floats, Rows
from skbp.estimator.assembly import Attributes, Problem
from skbp.estimator.path import Fold, Scored, scored_path
from skbp.estimator.selection import Choice, mean_scores

if TYPE_CHECKING:
    from skbp.estimator.classifier import BackpropClassifier

_N_SEEDS = 1 << 32
_N_LARGER = 2
# how many times the best λ of the first fold the others begin with, if there is such a value
_RACE_FROM = 4
_NOT_TRIED = Scored(np.nan, np.nan, np.nan, np.nan)

Split = tuple[Rows, Rows]
"""The rows to train with, and those to score."""


@dataclass(frozen=True)
class Candidate:
    """A network to choose from.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier that has it.
    problem : Problem
        The problem of all examples.
    """

    classifier: "BackpropClassifier"
    problem: Problem


@dataclass(frozen=True)
class Plan:
    """The networks, the values of λ and the folds of a search.

    Parameters
    ----------
    candidates : sequence of Candidate
        The networks.
    alphas : sequence of float
        The values of λ, in descending order.
    splits : sequence of tuple of (ndarray, ndarray)
        The rows of each fold to train with, and those to score.
    seed : int
        The ``random_state`` of all networks.
    score_params : callable
        Maps the rows to score to what a scorer gets beside them; None for their sample weights.
    is_exhaustive : bool
        Whether each fit starts anew, and no path ends early.
    keeps_predictions : bool
        Whether the weights and the class probabilities of all fits are kept.
    is_race : bool, default=False
        Whether the first fold decides with which λ the others begin.
    dtype : dtype or None, default=None
        The dtype in which the folds are trained. None for that of X.
    scored_path : callable
        `skbp.estimator.path.scored_path`, or that with a memory of what it returned.
    """

    candidates: Sequence[Candidate]
    alphas: Sequence[float]
    splits: Sequence[Split]
    seed: int
    score_params: Callable[[Rows], Mapping[str, Any] | None]
    is_exhaustive: bool
    keeps_predictions: bool
    is_race: bool = False
    dtype: np.dtype[Any] | None = None
    scored_path: Callable[..., list[Scored]] = scored_path

    @property
    def n_tasks(self) -> int:
        """The number of paths."""
        return len(self.splits) * len(self.candidates)

    @property
    def all_alphas(self) -> list[Sequence[float]]:
        """All values of λ for each network."""
        return [self.alphas] * len(self.candidates)

    def folds(self, numbers: Iterable[int]) -> Iterator[Fold]:
        """Yield the tasks, fold by fold.

        Parameters
        ----------
        numbers : iterable of int
            The numbers of the folds.

        Yields
        ------
        Fold
            A fold for each network.
        """
        for k in numbers:
            train, test = self.splits[k]
            # A seed for each fold, so that the choice is not one for particular start weights.
            # A grid search has the same ones.
            seed = 0 if self.is_exhaustive else k + 1
            for each in self.candidates:
                classifier = self.with_seed(each.classifier, seed)
                params = self.score_params(test)
                yield Fold(classifier, each.problem, train, test, params, self.dtype)

    def with_seed(self, classifier: "BackpropClassifier", n: int) -> "BackpropClassifier":
        """Return a classifier with the n-th seed.

        Parameters
        ----------
        classifier : BackpropClassifier
            The classifier.
        n : int
            The number of the seed; 0 for that of the search.

        Returns
        -------
        BackpropClassifier
            The classifier, or a copy.
        """
        if n == 0:
            return classifier
        seeded = copy(classifier)
        seeded.random_state = (self.seed + n) % _N_SEEDS
        return seeded


@dataclass(frozen=True)
class Search:
    """A search, or the part of it that was finished.

    Parameters
    ----------
    plan : Plan
        What was tried.
    paths : list of list of Scored
        The finished paths, fold by fold, of folds that are complete.
    is_over : bool, default=False
        Whether a callback or Ctrl-C has ended it.
    was_interrupted : bool, default=False
        Whether Ctrl-C has.
    """

    plan: Plan
    paths: list[list[Scored]]
    is_over: bool = False
    was_interrupted: bool = False

    @property
    def n_folds(self) -> int:
        """The number of complete folds."""
        return len(self.paths) // len(self.plan.candidates)

    def path(self, fold: int, network: int) -> list[Scored]:
        """Return the path of a network on a fold.

        Parameters
        ----------
        fold : int
            The number of the fold.
        network : int
            The number of the network.

        Returns
        -------
        list of Scored
            The fits, which may be fewer than there are values of λ.
        """
        return self.paths[fold * len(self.plan.candidates) + network]

    def table(self, name: str) -> Floats:
        """Return a number of every fit.

        Parameters
        ----------
        name : {"score", "loss", "fit_time", "score_time"}
            The name of the number.

        Returns
        -------
        ndarray of shape (n_folds, n_networks, n_alphas)
            The numbers; NaN where a path ended before.
        """
        shape = (self.n_folds, len(self.plan.candidates), len(self.plan.alphas))
        values = np.full(shape, np.nan)
        for fold, network in np.ndindex(shape[:2]):
            path = self.path(fold, network)
            values[fold, network, : len(path)] = [getattr(each, name) for each in path]
        return values

    @property
    def best_of_networks(self) -> list[int]:
        """The number of the best λ of each network, of those that no fold ended before."""
        return [int(i) for i in np.nanargmax(mean_scores(self.table("score")), axis=1)]

    @property
    def starts(self) -> list[int]:
        """The number of the first λ of each network that all folds have tried."""
        tried = np.isfinite(mean_scores(self.table("score")))
        return [int(i) for i in tried.argmax(axis=1)]

    def last_alphas(self, choice: Choice) -> list[float]:
        """Return a chosen λ, after the one before it if all folds have tried that.

        Parameters
        ----------
        choice : tuple of (int, int)
            The numbers of a network and a λ.

        Returns
        -------
        list of float
            One or two values.
        """
        network, last = choice
        first = max(last - 1, self.starts[network])
        return list(self.plan.alphas[first : last + 1])

    def probabilities(self, choice: Choice) -> list[Floats]:
        """Return the class probabilities of the rows that each fold left out.

        Parameters
        ----------
        choice : tuple of (int, int)
            The numbers of a network and a λ that no fold ended before.

        Returns
        -------
        list of ndarray of shape (n_test, n_classes) or (n_test, n_labels)
            They are there if predictions were kept.
        """
        return [each.probabilities for each in self._fits(choice) if each.probabilities is not None]

    def attributes(self, choice: Choice) -> list[Attributes]:
        """Return the fitted attributes of the networks of all folds.

        Parameters
        ----------
        choice : tuple of (int, int)
            The numbers of a network and a λ that no fold ended before.

        Returns
        -------
        list of dict of str to object
            They are there if predictions were kept.
        """
        return [each.attributes for each in self._fits(choice) if each.attributes is not None]

    def mean_probabilities(self, counts: Mapping[Choice, int]) -> Floats:
        """Return the class probabilities of each row by networks that were not trained with it.

        Parameters
        ----------
        counts : mapping of tuple of (int, int) to int
            How often the mean has each network with its λ.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            The probabilities; NaN for rows that no fold has left out.
        """
        n_rows = len(self.plan.candidates[0].problem.dataset.Y)
        by_fold = [
            np.average(of_fold, axis=0, weights=list(counts.values()))
            for of_fold in zip(*map(self.probabilities, counts), strict=True)
        ]
        total = np.zeros((n_rows, np.shape(by_fold[0])[1]))
        n_times = np.zeros((n_rows, 1))
        for (_, test), p in zip(self.plan.splits, by_fold, strict=False):
            total[test] += p
            n_times[test] += 1
        with np.errstate(invalid="ignore"):
            return np.asarray(total / n_times)

    def _fits(self, choice: Choice) -> list[Scored]:
        network, alpha = choice
        return [self.path(fold, network)[alpha] for fold in range(self.n_folds)]

    def results(self) -> dict[str, Any]:
        """Return the table that searches of scikit-learn have as ``cv_results_``.

        Returns
        -------
        dict of str to ndarray or list
            A column each, a row for each network and λ.
        """
        plan = self.plan
        params = [
            {
                "activation": each.classifier.activation,
                "alpha": alpha,
                "hidden_layer_sizes": each.classifier.hidden_layer_sizes,
            }
            for each in plan.candidates
            for alpha in plan.alphas
        ]
        found: dict[str, Any] = {}
        for name in ("fit_time", "score_time"):
            found |= _moments(name, self._rows_of(name))
        for name in params[0]:
            column = np.empty(len(params), dtype=float if name == "alpha" else object)
            for i, values in enumerate(params):
                column[i] = values[name]
            found[f"param_{name}"] = np.ma.array(column, mask=False)
        scores = self._rows_of("score")
        found["params"] = params
        found |= {f"split{k}_test_score": column for k, column in enumerate(scores.T)}
        found |= _moments("test_score", scores)
        worst_last = np.nan_to_num(-found["mean_test_score"], nan=np.inf)
        found["rank_test_score"] = rankdata(worst_last, method="min").astype(np.int32)
        return found

    def _rows_of(self, name: str) -> Floats:
        """Return a number of every fit: a row for each network and λ, a column for each fold."""
        table = self.table(name)
        return table.reshape(len(table), -1).T


def _moments(name: str, values: Floats) -> dict[str, Floats]:
    return {f"mean_{name}": values.mean(axis=1), f"std_{name}": values.std(axis=1)}


def search(plan: Plan, n_jobs: int | None, after_path: Callable[[], bool]) -> Search:
    """Fit and score every network on every fold.

    Ctrl-C, and ``after_path``, end the search with the folds that are complete; not so under the
    back ends "multiprocessing" and "ray" of joblib, which return no path before all are there.

    Parameters
    ----------
    plan : Plan
        What to try.
    n_jobs : int or None
        The number of paths at a time, as in joblib.
    after_path : callable
        Called after each path; returns whether to begin no other fold.

    Returns
    -------
    Search
        The search.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C comes before a fold is complete.
    """
    if plan.is_race:
        found = _tried(plan, range(1), plan.all_alphas, n_jobs, after_path)
        for step in (with_larger_alphas, _with_other_folds, _with_skipped_alphas):
            found = step(found, n_jobs, after_path)
    else:
        found = _tried(plan, range(len(plan.splits)), plan.all_alphas, n_jobs, after_path)
    if not found.paths:
        raise KeyboardInterrupt
    return found


def _with_other_folds(found: Search, n_jobs: int | None, after_path: Callable[[], bool]) -> Search:
    """Return a search over all folds, which begin near the best λ of the first one."""
    if found.is_over:
        return found
    plan = found.plan
    starts = [_start(plan.alphas, best) for best in found.best_of_networks]
    alphas = [plan.alphas[start:] for start in starts]
    more = _tried(plan, range(1, len(plan.splits)), alphas, n_jobs, after_path)
    begun = [
        [*[_NOT_TRIED] * start, *path]
        for start, path in zip(cycle(starts), more.paths, strict=False)
    ]
    return replace(more, paths=[*found.paths, *begun])


def _start(alphas: Sequence[float], best: int) -> int:
    """Return the number of the λ to begin with: the one before the best, or one a little larger."""
    near = sum(alpha > _RACE_FROM * alphas[best] for alpha in alphas)
    return max(0, min(best - 1, near))


def _with_skipped_alphas(
    found: Search, n_jobs: int | None, after_path: Callable[[], bool]
) -> Search:
    """Return a search that has tried, of what was skipped, the λ before one that is best."""
    for i in range(len(found.plan.candidates)):
        while not found.is_over and 0 < found.starts[i] == found.best_of_networks[i]:
            found = _with_alpha(found, (i, found.starts[i] - 1), n_jobs, after_path)
    return found


def _with_alpha(
    found: Search, choice: Choice, n_jobs: int | None, after_path: Callable[[], bool]
) -> Search:
    """Return a search with the scores of a network and a λ on the folds that have not tried it."""
    plan, (i, j) = found.plan, choice
    numbers = [k for k in range(found.n_folds) if found.path(k, i)[j] is _NOT_TRIED]
    alone = replace(plan, candidates=[plan.candidates[i]])
    more = _tried(alone, numbers, [[plan.alphas[j]]], n_jobs, after_path)
    if more.is_over:
        return replace(found, is_over=True, was_interrupted=more.was_interrupted)
    paths = [list(path) for path in found.paths]
    for k, [scored] in zip(numbers, more.paths, strict=True):
        paths[k * len(plan.candidates) + i][j] = scored
    return replace(found, paths=paths)


def _tried(
    plan: Plan,
    numbers: Iterable[int],
    alphas: Sequence[Sequence[float]],
    n_jobs: int | None,
    after_path: Callable[[], bool],
) -> Search:
    """Return a search over some folds, with values of λ for each network."""
    n_networks = len(plan.candidates)
    paths: list[list[Scored]] = []
    is_over = False

    def tasks() -> Iterator[Any]:
        for k, fold in enumerate(plan.folds(numbers)):
            if is_over and k % n_networks == 0:
                return
            yield delayed(plan.scored_path)(
                fold, alphas[k % n_networks], plan.is_exhaustive, plan.keeps_predictions
            )

    try:
        for path in parallel(n_jobs)(tasks()):
            paths.append(path)
            is_over = after_path() or is_over
    except KeyboardInterrupt:
        complete = paths[: len(paths) // n_networks * n_networks]
        return Search(plan, complete, is_over=True, was_interrupted=True)
    return Search(plan, paths, is_over)


def parallel(n_jobs: int | None) -> Parallel:
    """Return what runs tasks, and yields each result as soon as those before it are there.

    Parameters
    ----------
    n_jobs : int or None
        The number of tasks at a time, as in joblib.

    Returns
    -------
    Parallel
        A callable of tasks.
    """
    try:
        return Parallel(n_jobs=n_jobs, prefer="processes", return_as="generator")
    except ValueError:  # "multiprocessing" and "ray" return all of them at the end
        return Parallel(n_jobs=n_jobs, prefer="processes")


def with_larger_alphas(found: Search, n_jobs: int | None, after_path: Callable[[], bool]) -> Search:
    """Return a search that has tried larger λ too, for the networks whose largest one was best.

    Parameters
    ----------
    found : Search
        The search, over values of λ on a log scale.
    n_jobs : int or None
        The number of paths at a time, as in joblib.
    after_path : callable
        Called after each path; returns whether to begin no other fold.

    Returns
    -------
    Search
        The search over two more values, on the same scale; other networks have no scores for
        them. Without them, if the largest λ was best for none, or if either search was ended
        before.
    """
    plan = found.plan
    if found.is_over or len(plan.alphas) < 2:
        return found
    at_the_end = [best == 0 for best in found.best_of_networks]
    if not any(at_the_end):
        return found
    ratio = plan.alphas[0] / plan.alphas[1]
    larger = [plan.alphas[0] * ratio**power for power in range(_N_LARGER, 0, -1)]
    candidates = list(compress(plan.candidates, at_the_end))
    chosen, numbers = replace(plan, candidates=candidates), range(found.n_folds)
    more = _tried(chosen, numbers, [larger] * len(candidates), n_jobs, after_path)
    if more.n_folds < found.n_folds:
        return replace(found, is_over=True, was_interrupted=more.was_interrupted)
    paths = iter(more.paths)
    joined = [
        [*(next(paths) if is_it else [_NOT_TRIED] * _N_LARGER), *path]
        for is_it, path in zip(cycle(at_the_end), found.paths, strict=False)
    ]
    # `more` knows whether a callback or Ctrl-C came after its last path
    return replace(more, plan=replace(plan, alphas=[*larger, *plan.alphas]), paths=joined)
