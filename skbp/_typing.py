"""Names for the arrays that travel between the modules."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
"""A float32 or float64 array."""

Rows: TypeAlias = NDArray[Any]
"""An array of row numbers, or of a bool for each row."""

Matrix: TypeAlias = Any
"""A two-dimensional NumPy array or SciPy sparse container (SciPy has no common type for both)."""
