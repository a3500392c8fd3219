"""Training on Dask collections: data larger than memory, on one machine or several.

Partitions of rows stay where they are. Dask is optional: install it with
``pip install ".[dask]"`` from a checkout.
"""

try:
    from dask import array, dataframe  # noqa: F401
    from distributed import Client  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skbp.dask needs Dask with its arrays, data frames and distributed. Install them with: "
        'pip install ".[dask]" from a checkout of skbp, or '
        'pip install "dask[array,dataframe]" distributed'
    ) from error

from skbp.dask.classifier import DaskBackpropClassifier

__all__ = ["DaskBackpropClassifier"]
