"""How large the works of run.py are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How large the works are; the defaults are those of a full run.

    Parameters
    ----------
    rounds, import_rounds, memory_rounds : int
        How often each work is measured.
    dtypes : tuple of str
        The dtypes of X.
    seconds : float
        What a measurement takes at least: a shorter work is repeated.
    epochs : int
        The epochs of a fit with batches of one row. Larger batches get more.
    iterations : int
        The iterations of a fit with L-BFGS.
    starts : int
        From how many start weights L-BFGS and CG descend to a loss.
    table_rows, sparse_rows, gradient_rows, memory_rows : int
        The rows of the random tables.
    lambdas, hidden : tuple
        The grid of a search.
    folds, search_iterations : int
        Its folds, and the iterations of its fits.
    predicted_rows : tuple of int
        The rows of `predict_proba`.
    rows, widths, depths : tuple of int
        Over what the growth is measured: each with the others' second size, but one layer.
    """

    rounds: int = 5
    import_rounds: int = 21
    memory_rounds: int = 5
    dtypes: tuple = ("float64", "float32")
    seconds: float = 0.2
    epochs: int = 5
    iterations: int = 50
    starts: int = 5
    table_rows: int = 20_000
    sparse_rows: int = 5000
    gradient_rows: int = 60_000
    memory_rows: int = 200_000
    lambdas: tuple = (0.01, 0.1, 1, 10)
    hidden: tuple = ((10,), (25,), (50,))
    folds: int = 5
    search_iterations: int = 25
    predicted_rows: tuple = (1, 100, 100_000)
    rows: tuple = (2000, 8000, 32_000)
    widths: tuple = (32, 128, 512)
    depths: tuple = (1, 2, 4)


FULL = Sizes()
QUICK = Sizes(
    rounds=3,
    import_rounds=3,
    memory_rounds=2,
    dtypes=("float64",),
    seconds=0.01,
    epochs=1,
    iterations=5,
    starts=1,
    table_rows=500,
    sparse_rows=1000,
    gradient_rows=1000,
    memory_rows=5000,
    lambdas=(0.1, 1),
    hidden=((10,), (25,)),
    folds=2,
    search_iterations=5,
    predicted_rows=(1, 100, 5000),
    rows=(500, 1000, 2000),
    widths=(8, 32, 128),
)
