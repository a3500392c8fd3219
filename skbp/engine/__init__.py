"""Engines compute the sums over examples: loss and gradient, an epoch of updates, outputs.

The first engine of `ENGINES` that supports a network and its X is used, unless another one is
asked for by its name. Engines know nothing of each other; tests hold each one equal to the
readable `NumPyEngine`. To add one, write its class in a module of its own, and list it here.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from skbp._typing import Floats, Matrix
from skbp.engine.arrays import NamespaceArray
from skbp.engine.blocks import map_blocks
from skbp.engine.compiled import CompiledEngine
from skbp.engine.interface import Engine, Output, Weights
from skbp.engine.layout import rows_of
from skbp.engine.namespace import NamespaceEngine, without_formula
from skbp.engine.numpy import NumPyEngine

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network

__all__ = ["ENGINES", "Engine", "resolve_engine"]

_NUMPY = NumPyEngine()

ENGINES: tuple[Engine, ...] = (
    CompiledEngine(fallback=_NUMPY),
    NamespaceEngine(fallback=_NUMPY),
    _NUMPY,
)
"""The engines, the fastest first.

The compiled kernels, that for arrays of other libraries, and that of NumPy, which supports all
that is in NumPy or SciPy.
"""


def resolve_engine(
    engine: str | Engine, network: "Network", X: Matrix, loss: "Loss | None" = None
) -> Engine:
    """Return the engine to use.

    Parameters
    ----------
    engine : {"auto", "compiled", "namespace", "numpy"} or Engine
        ``"auto"`` is the fastest one that supports the network; an object stands for itself.
    network : Network
        The network.
    X : {ndarray, sparse matrix} of shape (m, s_1)
        The examples.
    loss : Loss, default=None
        The loss. None where only outputs are needed.

    Returns
    -------
    Engine
        The engine.

    Raises
    ------
    ValueError
        If there is no engine of that name, or it does not support the network.

    Examples
    --------
    A sparse X by columns is computed with NumPy:

    >>> from scipy.sparse import csc_array
    >>> from skbp.engine import resolve_engine
    >>> from skbp.network import Network
    >>> resolve_engine("auto", Network((2, 3, 1)), csc_array([[0.0, 1.0]])).name
    'numpy'
    """
    if not isinstance(engine, str):
        return engine
    for known in ENGINES:
        if engine in ("auto", known.name) and known.supports(network, X, loss):
            return known
    names = ["auto", *(known.name for known in ENGINES)]
    if engine not in names:
        raise ValueError(f"engine must be one of {names} or an Engine. Got {engine!r} instead.")
    if isinstance(X, NamespaceArray) and (parts := without_formula(network, loss)):
        raise ValueError(
            f"{', '.join(parts)} cannot be computed for arrays of {X.xp.__name__}: skbp has no "
            "formula for it there. Pass X as a NumPy array, or choose one of skbp's own."
        )
    needs = {
        "compiled": "needs the compiled extension, a dense or CSR X, and activations and a loss of "
        "skbp's own",
        "namespace": "needs an array of another library than NumPy",
        "numpy": "needs an array of NumPy, or a sparse matrix",
    }
    raise ValueError(
        f"engine={engine!r} cannot compute this network: it {needs[engine]}. Use engine='auto'."
    )


def outputs(
    network: "Network",
    weights: Weights,
    X: Matrix,
    output: Output = Output.DECISION,
    decode: Callable[[Floats], Any] | None = None,
) -> Any:
    """Return outputs of a network, or what they stand for, computed block by block.

    Parameters
    ----------
    network : Network
        The network.
    weights : tuple of two lists of ndarray
        Its weights.
    X : {ndarray, sparse matrix, NamespaceArray} of shape (m, s_1)
        The examples, of float32 or float64, which is computed in.
    output : Output, default=Output.DECISION
        What to compute.
    decode : callable, default=None
        Maps the outputs of a block of rows to an array or a sparse matrix with as many
        rows, which is returned instead. So the outputs of all rows are never in memory.

    Returns
    -------
    ndarray of shape (m, n_columns), or what ``decode`` makes of it
        The outputs; a NamespaceArray if X is one.
    """
    engine = resolve_engine("auto", network, X)
    if isinstance(X, NamespaceArray):
        with np.errstate(under="ignore"):
            found = engine.outputs(network, weights, X, output)
        return found if decode is None else decode(np.asarray(found))
    coefs, intercepts = ([np.asarray(array, X.dtype) for array in arrays] for arrays in weights)
    if sparse.issparse(X) and X.nnz > X.shape[1]:  # else SciPy would copy them for each block
        coefs[0] = np.ascontiguousarray(coefs[0])

    n_rows = X.shape[0]

    def of_block(rows: slice) -> Floats:
        X_rows = rows_of(X, rows) if rows.stop - rows.start < n_rows else X
        return engine.outputs(network, (coefs, intercepts), X_rows, output)

    with np.errstate(under="ignore"):
        if decode is None:
            return _filled(of_block, network, output.n_columns(network), X)
        return _joined(map_blocks(lambda rows: decode(of_block(rows)), n_rows, network), n_rows)


def _filled(
    of_block: Callable[[slice], Floats], network: "Network", n_columns: int, X: Matrix
) -> Floats:
    """Return the outputs of all blocks, written to one array as soon as they are known."""
    found = np.empty((X.shape[0], n_columns), X.dtype)

    def write(rows: slice) -> None:
        found[rows] = of_block(rows)

    for _ in map_blocks(write, X.shape[0], network):
        pass
    return found


def _joined(found: Iterator[Any], n_rows: int) -> Any:
    """Return the rows of all blocks."""
    first = next(found)
    if first.shape[0] == n_rows:
        return first
    if sparse.issparse(first):
        return sparse.vstack([first, *found], format="csr")
    return np.concatenate([first, *found])
