"""Arrays of other libraries than NumPy, such as PyTorch's on a GPU, as the rest of skbp sees them.

They follow the array API standard (https://data-apis.org/array-api/), whose functions are those
of a namespace ``xp``. Shapes, dtypes and rows are asked for as with NumPy; the numbers stay in
their library and on their device until someone asks for an array of NumPy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from skbp._typing import Rows


@dataclass(frozen=True, eq=False)
class NamespaceArray:
    """An array in its namespace and on its device.

    Parameters
    ----------
    array : array
        The array.
    xp : module
        Its namespace.
    to_numpy : callable
        Returns an array of the namespace as one of NumPy.

    Examples
    --------
    NumPy's namespace is one, too:

    >>> import numpy as np
    >>> from skbp.engine.arrays import NamespaceArray
    >>> X = NamespaceArray(np.array([[1.0, 2.0], [3.0, 4.0]]), np, np.asarray)
    >>> X.shape, X.dtype.name, len(X)
    ((2, 2), 'float64', 2)
    >>> np.asarray(X[np.array([1])])
    array([[3., 4.]])
    """

    array: Any
    xp: Any
    to_numpy: Callable[[Any], NDArray[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return tuple(self.array.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype of the same name."""
        return np.dtype(str(self.array.dtype).rpartition(".")[2])

    @property
    def device(self) -> Any:
        """The device."""
        return self.array.device

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: "slice | Rows | NamespaceArray") -> "NamespaceArray":
        if isinstance(rows, slice):
            rows = slice(*rows.indices(len(self)))  # the standard leaves open what is beyond
            return self._with(self.array[(rows, *[slice(None)] * (self.ndim - 1))])
        there = rows if isinstance(rows, NamespaceArray) else self.like(_numbers(rows))
        return self._with(self.xp.take(self.array, there.array, axis=0))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.to_numpy(self.array), dtype, copy=copy)

    def astype(self, dtype: DTypeLike, copy: bool = True) -> "NamespaceArray":
        """Return the array in another dtype.

        Parameters
        ----------
        dtype : dtype
            NumPy's dtype.
        copy : bool, default=True
            Whether to copy an array that has the dtype.

        Returns
        -------
        NamespaceArray
            The array.
        """
        named = getattr(self.xp, np.dtype(dtype).name)
        return self._with(self.xp.astype(self.array, named, copy=copy))

    def like(self, values: NDArray[Any]) -> Any:
        """Return a copy of an array of NumPy in this namespace and on this device.

        Parameters
        ----------
        values : ndarray
            The array.

        Returns
        -------
        NamespaceArray
            The copy, of the same dtype.
        """
        # some libraries know no negative strides, and warn of arrays that cannot be written
        values = np.array(values, order="C")
        return self._with(self.xp.asarray(values, device=self.device))

    def _with(self, array: Any) -> "NamespaceArray":
        return NamespaceArray(array, self.xp, self.to_numpy)


def _numbers(rows: Rows) -> Rows:
    """Return the numbers of rows that are chosen by a number or by a bool each."""
    return np.flatnonzero(rows) if rows.dtype.kind == "b" else rows
