"""Errors that name the columns of a data frame that are not numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def naming_columns(X: Any) -> Iterator[None]:
    """Let a failed conversion of a frame to numbers name the columns.

    Nothing is looked at before it has failed.

    Parameters
    ----------
    X : object
        What is converted, such as a frame of pandas or polars, or an array.

    Yields
    ------
    None
        While it is converted.

    Raises
    ------
    ValueError
        If the conversion fails, and X is a frame with columns of text, categories, dates or
        other objects.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        names = _columns_without_numbers(X)
        if not names:
            raise
        raise ValueError(
            f"X has columns that are not numbers: {', '.join(map(repr, names))}. Put an encoder "
            "before the network in a pipeline: OneHotEncoder or OrdinalEncoder of "
            "sklearn.preprocessing, in a ColumnTransformer for these columns, or "
            "skrub.TableVectorizer for the whole frame."
        ) from error


def _columns_without_numbers(X: Any) -> list[Any]:
    if not (hasattr(X, "columns") and hasattr(X, "__getitem__")):
        return []
    return [name for name in dict.fromkeys(X.columns) if not _are_numbers(np.asarray(X[name]))]


def _are_numbers(values: Any) -> bool:
    if values.dtype.kind == "O":
        return all(map(_is_number_or_missing, values.ravel()))
    return values.dtype.kind in "biufc"


def _is_number_or_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # that of pandas, which may be missing
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
