"""scikit-learn's callbacks: the tasks of a fit that they are called for.

Callbacks came with scikit-learn 1.9. With earlier versions there is no
``set_callbacks``, and a fit calls none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from skbp.estimator.training import FitResult

try:
    from sklearn.callback import CallbackSupportMixin as _Mixin
except ImportError:  # before scikit-learn 1.9
    _Mixin = type("NoCallbackSupport", (), {})

CallbackSupportMixin: Any = _Mixin
"""scikit-learn's mixin with ``set_callbacks``; an empty class before scikit-learn 1.9."""

ITERATION = "iteration"
"""The name of the tasks of iterations."""


class FitTasks:
    """Tasks of a fit: one for the fit, and below it one for each iteration or part.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropClassifierCV
        The estimator that is fitted.
    X : array-like
        The training examples, as the user passed them.
    y : array-like
        Their labels, as the user passed them.
    sample_weight : array-like or None
        Their weights.
    n_subtasks : int or None
        The largest number of tasks below that of the fit; None if it is not known.
    """

    def __init__(
        self, estimator: BaseEstimator, X: Any, y: Any, sample_weight: Any, n_subtasks: int | None
    ) -> None:
        self._estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = None
        if hasattr(estimator, "set_callbacks"):
            self._root = estimator._init_callback_context(max_subtasks=n_subtasks)
            self._root.call_on_fit_task_begin(**self._arguments)

    def iteration(
        self,
        attributes: Callable[["FitResult"], dict[str, Any]],
        so_far: Callable[[], "FitResult"],
    ) -> bool:
        """Call the callbacks after an iteration.

        SciPy's optimisers report when an iteration has ended, not when one begins; so its
        task begins and ends here.

        Parameters
        ----------
        attributes : callable
            Maps a result to the attributes of an estimator that was fitted with it.
        so_far : callable
            Returns the result that training would have if it ended now.

        Returns
        -------
        bool
            Whether a callback wants the fit to stop.
        """
        return self._report(ITERATION, reconstruction_attributes=lambda: attributes(so_far()))

    def part(self, name: str) -> bool:
        """Call the callbacks after a part of the fit that has no model to show.

        Parameters
        ----------
        name : str
            The name of the task.

        Returns
        -------
        bool
            Whether a callback wants the fit to stop.
        """
        return self._report(name)

    def _report(self, name: str, **fitted: Callable[[], dict[str, Any]]) -> bool:
        """Begin and end a task, with what a fitted estimator can be made of, if there is one."""
        if self._root is None or not hasattr(self._estimator, "_skl_callbacks"):
            return False
        task = self._root.subcontext(task_name=name)
        task.call_on_fit_task_begin(**self._arguments)
        return bool(task.call_on_fit_task_end(**self._arguments, **fitted))

    def end(self) -> None:
        """Call the callbacks at the end of the fit."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments, reconstruction_attributes=dict)
