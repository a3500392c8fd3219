"""The peak speed of SciPy's BLAS, measured in a large square product."""

from clock import clocked
from scipy.linalg.blas import get_blas_funcs

from peers.of_products import layer_sizes, n_operations, ones

SIDE = 2048


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes a square product, and returns seconds.

    These are the seconds that the products of a gradient would take at the same speed.
    """
    (gemm,) = get_blas_funcs(["gemm"], [X])
    square, out = ones(SIDE, SIDE, X.dtype), ones(SIDE, SIDE, X.dtype)
    product = clocked(lambda: gemm(1, square, square, c=out, overwrite_c=True))
    ratio = n_operations(len(X), layer_sizes(X, y, hidden_layer_sizes)) / (2 * SIDE**3)
    return lambda: ratio * product()
