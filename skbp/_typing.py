"""Names for the types of arrays."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
"""A float32 or float64 array."""

Rows: TypeAlias = NDArray[Any]
"""An array of row numbers, or of a bool for each row."""

Labels: TypeAlias = Any
"""Labels as users pass them: an array-like, or for multilabel y also a sparse matrix."""

Matrix: TypeAlias = Any
"""A two-dimensional NumPy array or SciPy sparse container (SciPy has no common type for both)."""
