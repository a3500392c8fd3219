"""From Dask collections to raw partitions: X, y and the weights of the same rows, not yet read."""

from collections.abc import Sequence
from typing import Any

import dask.array
import dask.dataframe
import numpy as np
from dask.delayed import Delayed

Collection = Any
"""A Dask array, data frame or series (Dask has no types)."""


def is_collection(given: Any) -> bool:
    """Return whether an argument is a Dask collection.

    Parameters
    ----------
    given : object
        The argument.

    Returns
    -------
    bool
        Whether it is.
    """
    return bool(dask.is_dask_collection(given))


def is_frame(collection: Collection) -> bool:
    """Return whether a collection is a data frame or a series.

    Parameters
    ----------
    collection : Dask collection
        The collection.

    Returns
    -------
    bool
        Whether it is.
    """
    return isinstance(collection, dask.dataframe.DataFrame | dask.dataframe.Series)


def check_collections(given: dict[str, Any]) -> None:
    """Check that arguments are all Dask arrays or data frames.

    Parameters
    ----------
    given : dict of str to object
        The arguments by name.

    Raises
    ------
    TypeError
        If one is something else.
    """
    for name, each in given.items():
        if each is not None and not (isinstance(each, dask.array.Array) or is_frame(each)):
            others = " and ".join(other for other in given if other != name)
            raise TypeError(
                f"{name} must be a Dask array, data frame or series, as {others}. Got a "
                f"{type(each).__name__} instead. Convert it with dask.array.from_array."
            )


def whole_rows(X: Collection, name: str = "X") -> Collection:
    """Return X with all columns of a row in one chunk.

    Parameters
    ----------
    X : Dask array or data frame
        The examples.
    name : str, default="X"
        The name of the argument, for the error message.

    Returns
    -------
    Dask array or data frame
        The examples.

    Raises
    ------
    ValueError
        If an array does not have two dimensions.
    """
    if X.ndim != 2:
        raise ValueError(f"{name} must have two dimensions. Got {X.ndim} instead.")
    if is_frame(X) or len(X.chunks[1]) == 1:
        return X
    return X.rechunk({1: -1})


def raw_partitions(given: dict[str, Collection]) -> list[dict[str, Delayed]]:
    """Return the partitions of arguments that belong together.

    Parameters
    ----------
    given : dict of str to Dask collection
        X, y and, if there are any, the weights by their names; X comes first.

    Returns
    -------
    list of dict of str to Delayed
        For each partition, what it has of each argument.

    Raises
    ------
    ValueError
        If the arguments are not divided alike, as far as that is known without reading them.
    """
    names = [name for name, each in given.items() if each is not None]
    first, *others = names
    collections = {name: _joined_columns(given[name]) for name in names}
    for name in others:
        _check_partitions(first, collections[first], name, collections[name])
    delayed = [np.ravel(collections[name].to_delayed()).tolist() for name in names]
    return [dict(zip(names, parts, strict=True)) for parts in zip(*delayed, strict=True)]


def _joined_columns(collection: Collection) -> Collection:
    if is_frame(collection) or collection.ndim == 1:
        return collection
    return whole_rows(collection)


def _check_partitions(first: str, one: Collection, name: str, other: Collection) -> None:
    advice = f"Divide them alike, for example with {name}.rechunk or {name}.repartition."
    n_first, n_other = (len(_rows_of_partitions(each)) for each in (one, other))
    if n_first != n_other:
        raise ValueError(
            f"{first} has {n_first} partitions, and {name} has {n_other}: partition "
            f"{min(n_first, n_other)} is missing in one of them. {advice}"
        )
    pairs = zip(_rows_of_partitions(one), _rows_of_partitions(other), strict=True)
    for i, (rows, found) in enumerate(pairs):
        if rows != found and not (np.isnan(rows) or np.isnan(found)):
            raise ValueError(
                f"Partition {i} of {first} has {rows} rows, and that of {name} has {found}. "
                f"{advice}"
            )


def _rows_of_partitions(collection: Collection) -> Sequence[float]:
    """Return the number of rows of each partition; NaN where it is not known."""
    if is_frame(collection):
        return [np.nan] * int(collection.npartitions)
    return list(collection.chunks[0])
