"""Callbacks to set with ``BackpropClassifier.set_callbacks`` (scikit-learn 1.9 or later)."""

import os
import pickle
from contextlib import suppress
from copy import copy
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from skbp.estimator.callbacks import ITERATION
from skbp.estimator.state import mark_unfinished

__all__ = ["Checkpoint"]


class Checkpoint:
    """Callback that saves the model during training, so that a killed fit can be resumed.

    Set it with ``BackpropClassifier.set_callbacks`` (scikit-learn 1.9 or later). The file
    is replaced as a whole: written beside it, flushed to the disk, and renamed. Whenever
    the process is killed, there is either the old checkpoint or the new one.

    Parameters
    ----------
    path : str or path-like
        The file. It is a pickle: load only files that you trust.
    every : int, default=1
        Save after each iteration whose number is a multiple of this.

    Raises
    ------
    ValueError
        If ``every`` is not a positive integer.

    Notes
    -----
    A clone has the same callbacks, so in a search all fits would write to the one file.

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
        """Check before the fit that the folder of the file exists.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task of the fit.

        Raises
        ------
        FileNotFoundError
            If it does not.
        """
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder for path={str(self.path)!r}.")

    def teardown(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing; see `sklearn.callback.FitCallback`.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task of the fit.
        """

    def on_fit_task_begin(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing; see `sklearn.callback.FitCallback`.

        Parameters
        ----------
        estimator : BackpropClassifier
            The estimator that is fitted.
        context : CallbackContext
            The task that begins.
        """

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
            _replace(self.path, pickle.dumps(model))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Any:
        """Load a model whose next ``fit`` resumes the one in which it was saved.

        Parameters
        ----------
        path : str or path-like
            The file. It is a pickle: load only files that you trust.

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
            If the file holds something else.

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
        ...     solver="adam", learning_rate="cosine", max_iter=30
        ... )
        >>> if hasattr(model, "set_callbacks"):  # scikit-learn 1.9 or later
        ...     path = Path(tempfile.mkdtemp()) / "iris.checkpoint"
        ...     _ = model.set_callbacks(Checkpoint(path, every=20)).fit(X, y)
        ...     loaded = Checkpoint.load(path)
        ...     assert loaded.predict(X).shape == (150,)
        ...     assert (loaded.n_iter_, loaded.fit(X, y).n_iter_) == (20, 30)
        """
        model = pickle.loads(Path(path).read_bytes())
        if not mark_unfinished(model):
            raise ValueError(f"path={str(path)!r} is not a checkpoint of an unfinished fit.")
        return model


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that at any moment there is the whole old or the whole new one."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    """Make a rename last through a power failure, where directories can be opened."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
