"""The matrix products of a gradient alone, in SciPy's BLAS, as a lower bound of the time.

They are a Θᵀ of each layer forward, δᵀ a of each layer, and δ Θ of each layer except the first. An
array in C order is its transpose in Fortran order, which BLAS expects: so here a sample is a
column, and nothing is copied.
"""

from itertools import pairwise

import numpy as np
from clock import clocked
from scipy.linalg.blas import get_blas_funcs

BLOCKS = (512, 1024)


class Products:
    """The products of one gradient, in blocks of samples.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Samples.
    layers : sequence of int
        Number of units of each layer, including input and output.
    block : int
        Number of samples per block.
    """

    def __init__(self, X, layers, block):
        (self.gemm,) = get_blas_funcs(["gemm"], [X])
        self.blocks = [X[start : start + block].T for start in range(0, len(X), block)]
        self.Theta = [ones(*shape, X.dtype) for shape in pairwise(layers)]
        self.D = [ones(*shape, X.dtype) for shape in pairwise(layers)]
        # of all layers but the first
        self.a = [ones(n, block, X.dtype) for n in layers[1:]]
        self.delta = [ones(n, block, X.dtype) for n in layers[1:]]

    def __call__(self):
        """Compute the products."""
        for x in self.blocks:
            examples = slice(x.shape[1])
            a = [x, *(each[:, examples] for each in self.a)]
            self._of_block(a, [each[:, examples] for each in self.delta])

    def _of_block(self, a, delta):
        for layer, Theta in enumerate(self.Theta):
            self._product(Theta, a[layer], a[layer + 1], trans_a=True)
        for layer in reversed(range(len(self.Theta))):
            self._product(a[layer], delta[layer], self.D[layer], trans_b=True, beta=1)
            if layer > 0:
                self._product(self.Theta[layer], delta[layer], delta[layer - 1])

    def _product(self, first, second, out, **how):
        self.gemm(1, first, second, c=out, overwrite_c=True, **how)


def ones(n_rows, n_columns, dtype):
    """Return a matrix of ones in Fortran order."""
    return np.ones((n_rows, n_columns), dtype, order="F")


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes the products once, and returns the seconds.

    It uses the fastest of blocks of 512 rows, 1024 rows, or all rows, measured once.
    """
    layers = layer_sizes(X, y, hidden_layer_sizes)
    return min(
        (clocked(Products(X, layers, block)) for block in (*BLOCKS, len(X))),
        key=lambda seconds: seconds(),
    )


def layer_sizes(X, y, hidden_layer_sizes):
    """Return the number of units of each layer, for X and class numbers y."""
    return (X.shape[1], *hidden_layer_sizes, int(y.max()) + 1)


def n_operations(n_rows, layers):
    """Return the number of additions and multiplications in the products of a gradient."""
    sizes = [inputs * outputs for inputs, outputs in pairwise(layers)]
    return 2 * n_rows * (3 * sum(sizes) - sizes[0])
