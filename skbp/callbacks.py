"""Callbacks to set with ``BackpropClassifier.set_callbacks`` (scikit-learn 1.9 or later)."""

import os
from collections.abc import Callable
from copy import copy
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from skbp.estimator import checkpoint_file
from skbp.estimator.callbacks import ITERATION
from skbp.estimator.state import mark_unfinished

__all__ = ["Checkpoint", "LogMetrics"]

_FIT = "{fit}"

# scikit-learn's name for the fit of one candidate on one split
_OF_A_SEARCH = "candidate-split-evaluation"


class _Callback:
    """Callback that does nothing; see `sklearn.callback.FitCallback`."""

    def setup(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing before the fit."""

    def teardown(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing after the fit."""

    def on_fit_task_begin(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing at the beginning of a task."""


class Checkpoint(_Callback):
    """Callback that saves the model during training, so that a killed fit can be resumed.

    Set it with ``BackpropClassifier.set_callbacks`` (scikit-learn 1.9 or later). The file
    is replaced as a whole: written beside it, flushed to the disk, and renamed. Whenever
    the process is killed, there is either the old checkpoint or the new one.

    Parameters
    ----------
    path : str or path-like
        The file. It holds a pickle: load only files that you trust. ``{fit}`` in its name
        stands for an identifier that no other fit has, see Notes.
    every : int, default=1
        Save after each iteration whose number is a multiple of this.

    Raises
    ------
    ValueError
        If ``every`` is not a positive integer.

    Notes
    -----
    A clone has the same callbacks, so the fits of a search share ``path``. Each has a file of
    its own: with ``path="model.checkpoint"``, the fit of candidate i (of ``cv_results_``) on
    split j writes ``model-k.checkpoint``, where k = i · n_splits + j, and the fit of the best
    one on all data ``model.checkpoint``. Other fits, for example those of
    :func:`sklearn.model_selection.cross_val_score` or of the halving searches, cannot be told
    apart so. With ``{fit}`` in ``path`` each of them has its own file, in every run a new one;
    without it, the file is that of the fit that wrote last.

    An existing file keeps its mode, and the target of a symbolic link is replaced, not the
    link. If a process is killed while it writes, an unfinished hidden file is left in the
    folder, which the next fit there removes (not on Windows).

    Examples
    --------
    Here the fit is not killed, but stopped after 20 of 30 epochs:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skbp import BackpropClassifier
    >>> from skbp.callbacks import Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> def classifier():
    ...     return BackpropClassifier(
    ...         solver="adam",
    ...         learning_rate="cosine",
    ...         max_iter=30,
    ...         random_state=0,
    ...     )
    >>> undisturbed = classifier().fit(X, y)
    >>> if hasattr(undisturbed, "set_callbacks"):  # scikit-learn 1.9 or later
    ...     path = Path(tempfile.mkdtemp()) / "iris.checkpoint"
    ...     _ = classifier().set_callbacks(Checkpoint(path, every=20)).fit(X, y)
    ...     resumed = Checkpoint.load(path)
    ...     assert resumed.n_iter_ == 20
    ...     _ = resumed.fit(X, y)
    ...     assert np.array_equal(resumed.coefs_[0], undisturbed.coefs_[0])
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if not (isinstance(every, Integral) and every >= 1):
            raise ValueError(f"every must be a positive integer. Got {every!r} instead.")
        self.path: Path = Path(path)
        self.every: int = every

    def setup(self, estimator: BaseEstimator, context: Any) -> None:
        """Check before the fit that the file can be written.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task of the fit.

        Raises
        ------
        OSError
            If it cannot: FileNotFoundError if there is no folder for it.
        ValueError
            If there is something else than a file in its place.
        """
        checkpoint_file.check_place(_file_of_fit(self.path, context))

    def on_fit_task_end(
        self, estimator: BaseEstimator, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Save the model after each iteration whose number is a multiple of ``every``.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task that ended.
        fitted_estimator : BackpropClassifier
            The model as it is now.
        """
        if context.task_name == ITERATION and fitted_estimator.n_iter_ % self.every == 0:
            model = copy(fitted_estimator)
            # these belong to the fit that is running
            for name in [name for name in vars(model) if "callback" in name]:
                delattr(model, name)
            checkpoint_file.write(_file_of_fit(self.path, context), model)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Any:
        """Load a model whose next ``fit`` resumes the one in which it was saved.

        Parameters
        ----------
        path : str or path-like
            The file. It holds a pickle: load only files that you trust.

        Returns
        -------
        BackpropClassifier
            The model as it was when it was saved, which can predict already. Call its
            ``fit`` with the same data. With "sgd", "adam" and "gd" it ends bitwise where
            the undisturbed fit does; "cg" and "lbfgs" continue from the weights. ``max_iter``
            may be another one, unless the learning rate is planned for it; the other
            parameters, and whether there is an ``X_val``, may not. It has no callbacks; to
            save it again, set them again.

        Raises
        ------
        ValueError
            If the file holds something else, is damaged, or was written by another version
            of skbp that this one cannot read.

        Examples
        --------
        The model of the 20th of 30 epochs predicts, and its ``fit`` does the other ten:

        >>> import tempfile
        >>> from pathlib import Path
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> from skbp.callbacks import Checkpoint
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier(
        ...     solver="adam", learning_rate="cosine", max_iter=30, random_state=0
        ... )
        >>> if hasattr(model, "set_callbacks"):  # scikit-learn 1.9 or later
        ...     path = Path(tempfile.mkdtemp()) / "iris.checkpoint"
        ...     _ = model.set_callbacks(Checkpoint(path, every=20)).fit(X, y)
        ...     loaded = Checkpoint.load(path)
        ...     assert loaded.predict(X).shape == (150,)
        ...     assert (loaded.n_iter_, loaded.fit(X, y).n_iter_) == (20, 30)
        """
        model = checkpoint_file.read(Path(path))
        if not mark_unfinished(model):
            raise ValueError(f"path={str(path)!r} is not a checkpoint of an unfinished fit.")
        return model


class LogMetrics(_Callback):
    """Callback that hands the loss of each iteration to a function, to log it.

    Set it with ``BackpropClassifier.set_callbacks`` (scikit-learn 1.9 or later).

    Parameters
    ----------
    log : callable
        Called as ``log(metrics, step=n)`` after iteration n (from 1). ``metrics`` is a dict with
        the ``"loss"``, and where there is a validation set also with the ``"validation_loss"``
        and the ``"validation_score"``. ``mlflow.log_metrics`` is such a function.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbp import BackpropClassifier
    >>> from skbp.callbacks import LogMetrics
    >>> X, y = load_iris(return_X_y=True)
    >>> lines = []
    >>> def log(metrics, step):
    ...     lines.append((step, metrics["loss"]))
    >>> model = BackpropClassifier((5,), random_state=0)
    >>> if hasattr(model, "set_callbacks"):  # scikit-learn 1.9 or later
    ...     _ = model.set_callbacks(LogMetrics(log)).fit(X, y)
    ...     assert lines == list(enumerate(model.loss_curve_, start=1))
    """

    def __init__(self, log: Callable[..., Any]) -> None:
        self.log = log

    def on_fit_task_end(
        self, estimator: BaseEstimator, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Log the loss after each iteration.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task that ended.
        fitted_estimator : BackpropClassifier
            The model as it is now.
        """
        if context.task_name != ITERATION:
            return
        curves = {
            "loss": fitted_estimator.loss_curve_,
            "validation_loss": fitted_estimator.validation_loss_curve_,
            "validation_score": fitted_estimator.validation_scores_,
        }
        metrics = {name: float(curve[-1]) for name, curve in curves.items() if curve}
        self.log(metrics, step=fitted_estimator.n_iter_)


def _file_of_fit(path: Path, context: Any) -> Path:
    """Return the file of the fit that a task belongs to."""
    fit = context.parent if context.task_name == ITERATION else context
    tasks = []
    while fit.parent is not None:
        tasks.append(fit)
        fit = fit.parent
    tasks.reverse()
    if _FIT in path.name:
        identifier = "-".join([fit.root_uuid.hex[:12], *(str(task.task_id) for task in tasks)])
        return path.with_name(path.name.replace(_FIT, identifier))
    numbers = [str(task.task_id) for task in tasks if task.source_task_name == _OF_A_SEARCH]
    return path.with_stem("-".join([path.stem, *numbers])) if numbers else path
