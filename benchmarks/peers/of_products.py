"""The matrix products of a gradient, and nothing else: what SciPy's BLAS leaves to reach.

They are X Θᵀ of each layer forward, δᵀ a of each layer, and δ Θ of each layer but the first.
An array of rows in C order is its transpose in the order of Fortran, which BLAS expects: so here
an example is a column, and nothing is copied.
"""

from itertools import pairwise

import numpy as np
from clock import clocked
from scipy.linalg.blas import get_blas_funcs

BLOCKS = (512, 1024)


class Products:
    """The products of one gradient, in blocks of examples.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The examples.
    layers : sequence of int
        The units of each layer, with those of the input and the output.
    block : int
        The examples of a block.
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
        """Compute them."""
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
    """Return a matrix of ones in the order of Fortran."""
    return np.ones((n_rows, n_columns), dtype, order="F")


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes the products once, and returns the seconds.

    It takes what was fastest once: all rows together, or blocks of 512 or 1024 rows.
    """
    layers = layer_sizes(X, y, hidden_layer_sizes)
    return min(
        (clocked(Products(X, layers, block)) for block in (*BLOCKS, len(X))),
        key=lambda seconds: seconds(),
    )


def layer_sizes(X, y, hidden_layer_sizes):
    """Return the units of each layer, for X and class numbers y."""
    return (X.shape[1], *hidden_layer_sizes, int(y.max()) + 1)


def n_operations(n_rows, layers):
    """Return how many additions and multiplications the products of a gradient take."""
    sizes = [inputs * outputs for inputs, outputs in pairwise(layers)]
    return 2 * n_rows * (3 * sum(sizes) - sizes[0])
