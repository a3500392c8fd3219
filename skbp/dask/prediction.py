"""Lazy predictions: arrays become Dask arrays, and data frames become frames and series.

Each partition is predicted where it is, when the result is computed.
"""

from dataclasses import dataclass
from typing import Any

import dask
import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
from scipy import sparse

from skbp._typing import Floats
from skbp.dask.collections import Collection, is_frame, whole_rows
from skbp.estimator.classifier import BackpropClassifier


@dataclass(frozen=True)
class Call:
    """A method of a fitted model, called with some rows, of which there may be none.

    Parameters
    ----------
    method : str
        The name of the method.
    layer : int or None, default=None
        The argument of ``transform``.
    """

    method: str
    layer: int | None = None

    def __call__(self, X: Any, model: BackpropClassifier) -> Any:
        """Return what the method returns.

        Parameters
        ----------
        X : {ndarray, sparse matrix, DataFrame} of shape (n_rows, n_features)
            The rows.
        model : BackpropClassifier
            The model.

        Returns
        -------
        {ndarray, sparse matrix}
            An array or matrix with as many rows.
        """
        kwargs = {} if self.layer is None else {"layer": self.layer}
        method = getattr(model, self.method)
        if X.shape[0]:
            return method(X, **kwargs)
        return method(_a_row(X), **kwargs)[:0]


def _a_row(X: Any) -> Any:
    """Return a row of zeros like those of X."""
    if isinstance(X, pd.DataFrame):
        # X may have no row whose dtypes could be kept
        return pd.DataFrame({name: np.zeros(1, _number(X[name].dtype)) for name in X.columns})
    return np.zeros((1, X.shape[1]), X.dtype)


def _number(dtype: Any) -> Any:
    return dtype if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else float


@dataclass(frozen=True)
class _CallWithFrame:
    """The same for a part of a data frame, whose index is kept."""

    call: Call
    name: str | None
    columns: list[Any] | None

    def __call__(self, X: pd.DataFrame, model: BackpropClassifier) -> Any:
        found = self.call(X, model)
        if sparse.issparse(found):
            found = found.toarray()
        if found.ndim == 1:
            return pd.Series(found, index=X.index, name=self.name)
        return pd.DataFrame(found, index=X.index, columns=self.columns)


def lazily(model: BackpropClassifier, call: Call, X: Collection, prefix: str) -> Collection:
    """Return the predictions for a Dask collection, to be computed later.

    Parameters
    ----------
    model : BackpropClassifier
        A fitted model, which knows nothing of Dask.
    call : Call
        What to predict.
    X : Dask array or data frame of shape (n_samples, n_features)
        The examples.
    prefix : str
        What the names of the columns of ``transform`` begin with.

    Returns
    -------
    Dask array, data frame or series
        The predictions, of as many partitions.

    Raises
    ------
    ValueError
        If X has another number of columns than the model, or other names.
    """
    model.set_output(transform="default")
    X = whole_rows(X)
    remote = dask.delayed(model, pure=False)  # once in the graph, and not in each task
    if not is_frame(X):
        return _of_array(model, remote, call, X)
    named = _named(model, call, prefix)
    meta = named(_a_row(X._meta), model).iloc[:0]
    return X.map_partitions(named, remote, meta=meta)


def _of_array(
    model: BackpropClassifier, remote: Any, call: Call, X: "dask.array.Array"
) -> "dask.array.Array":
    one = call(_a_row(X), model)
    rows = X.chunks[0]
    options: dict[str, Any] = {"dtype": one.dtype}
    if one.ndim == 1:
        options |= {"drop_axis": 1, "chunks": (rows,)}
    else:
        options |= {"chunks": (rows, (one.shape[1],))}
    meta = sparse.csr_array((0, 0), dtype=one.dtype) if sparse.issparse(one) else one[:0]
    return dask.array.map_blocks(call, X, model=remote, meta=meta, **options)


def _named(model: BackpropClassifier, call: Call, prefix: str) -> _CallWithFrame:
    """Return a call whose frames have names for their columns."""
    if call.method == "transform":
        number = model.n_layers_ - 1 if call.layer is None else call.layer
        n_units = model.network_.layer_sizes[number - 1]
        columns: list[Any] = [f"{prefix}{i}" for i in range(n_units)]
    else:
        columns = list(model.classes_)
    return _CallWithFrame(call, call.method, columns)


def counts_of_right(X: Any, y: Any, weight: Any, model: BackpropClassifier) -> Floats:
    """Return the weight of the rows that are predicted rightly, and that of all.

    Parameters
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_rows, n_features)
        The examples.
    y : array-like of shape (n_rows,) or (n_rows, n_labels)
        Their labels.
    weight : array-like of shape (n_rows,) or None
        Their weights.
    model : BackpropClassifier
        The model.

    Returns
    -------
    ndarray of shape (2,)
        The two sums.
    """
    if not X.shape[0]:
        return np.zeros(2)
    weights = np.ones(X.shape[0]) if weight is None else np.asarray(weight, float)
    share = model.score(X, y, sample_weight=weight) if weights.any() else 0.0
    total = float(weights.sum())
    return np.array([share * total, total])
