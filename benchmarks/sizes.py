"""Sizes of the works of run.py."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of the works; the defaults are those of a full run.

    Parameters
    ----------
    rounds, import_rounds, memory_rounds : int
        Number of measurements of each work.
    dtypes : tuple of str
        Dtypes of X.
    seconds : float
        Minimum duration of a measurement; shorter works are repeated.
    epochs : int
        Epochs of a fit with batches of one row. Larger batches get more.
    iterations : int
        Iterations of a fit with L-BFGS.
    starts : int
        Number of start weights from which L-BFGS and CG descend to a loss.
    table_rows, sparse_rows, gradient_rows, memory_rows : int
        Numbers of rows of the random tables.
    lambdas, hidden : tuple
        Grid of a search.
    folds, search_iterations : int
        Folds of a search, and iterations of its fits.
    predicted_rows : tuple of int
        Numbers of rows for `predict_proba`.
    features : tuple of (int, int)
        Numbers of features of wide and sparse tables.
    rows, widths, depths : tuple of int
        Sizes to vary in the growth works. The other sizes are the second rows and widths, and one
        layer.
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
    features: tuple = (20_000, 262_144)
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
    features=(500, 1000),
    rows=(500, 1000, 2000),
    widths=(8, 32, 128),
)
