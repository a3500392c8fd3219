"""Works that run.py measures."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import tasks

LIBRARIES = ("skbp", "skbp NumPy", "MLPClassifier", "PyTorch")
WITHOUT_TORCH = LIBRARIES[:3]
WITH_JAX = (*LIBRARIES, "JAX")
LIMITS = ("products", "square product")

SMALL = {"hidden_layer_sizes": (25,), "activation": "logistic"}
WIDE = {"hidden_layer_sizes": (100,), "activation": "relu"}
NARROW = {"hidden_layer_sizes": (50,), "activation": "relu"}
DEEP = {"hidden_layer_sizes": (50, 50), "activation": "relu"}
WIDE_AND_DEEP = {"hidden_layer_sizes": (512, 512), "activation": "relu"}

LOSS = 0.05  # target of L-BFGS and CG


@dataclass(frozen=True)
class Work:
    """A task to measure.

    Parameters
    ----------
    group : {"steps", "full batch", "gradient", "search", "predict_proba", "wide", "process", \
            "growth"}
        Group of works that share a table.
    name : str
        Description with the sizes.
    dtype : str
        Dtype of X, or "" if there is none.
    prepare : callable
        Function that prepares it for a peer, see `tasks`.
    peers : tuple of str
        Libraries that support it.
    target : str
        Goal for skbp.
    also_one_thread : bool
        Whether to measure it with one BLAS thread too.
    unit : {"s", "bytes"}
        Unit of the measurement.
    rounds : int, default=None
        Number of measurements, if different from the default.
    """

    group: str
    name: str
    dtype: str
    prepare: Callable
    peers: tuple = LIBRARIES
    target: str = ""
    also_one_thread: bool = True
    unit: str = "s"
    rounds: int | None = None

    @property
    def title(self):
        """Unique title, the name with the dtype."""
        return f"{self.name} {self.dtype}".rstrip()


@dataclass(frozen=True)
class Data:
    """Data of ten classes.

    Parameters
    ----------
    name : str
        Name of the data.
    n_features : int
        Number of columns of X.
    load : callable
        Function that takes a dtype and returns X and y.
    """

    name: str
    n_features: int
    load: Callable

    def with_network(self, hidden_layer_sizes, activation):
        """Return a description such as "digits, 64-25-10 logistic"."""
        layers = [self.n_features, *hidden_layer_sizes, tasks.N_CLASSES]
        return f"{self.name}, {'-'.join(map(str, layers))} {activation}"


DIGITS = Data("digits", 64, tasks.digits)


def table(n_rows, n_features):
    """Return a table of random numbers."""
    load = partial(tasks.table, n_rows, n_features)
    return Data(f"{n_rows} × {n_features}", n_features, load)


def sparse_table(n_rows):
    """Return a sparse table of random numbers."""
    return Data(f"{n_rows} × 2000 sparse", 2000, partial(tasks.sparse_table, n_rows, 2000))


def works(sizes):
    """Return all works, in the order of the tables."""
    groups = [steps, full_batch, gradients, searches, predictions, wide, processes, growth]
    return [work for group in groups for work in group(sizes)]


def steps(sizes):
    """Yield fits with sgd and Adam, measured per step."""
    once, often = sizes.epochs, 4 * sizes.epochs
    random, sparse = table(sizes.table_rows, 50), sparse_table(sizes.sparse_rows)
    for data, network, solver, batch_size, epochs, peers, target in [
        (DIGITS, SMALL, "sgd", 1, once, LIBRARIES, "60×; PyTorch: 100×"),
        (DIGITS, SMALL, "sgd", 32, often, LIBRARIES, "10×"),
        (DIGITS, SMALL, "adam", 32, often, WITH_JAX, "JAX: 3×"),
        (DIGITS, WIDE, "adam", 32, often, WITH_JAX, "5×; JAX: 3×"),
        (DIGITS, WIDE, "adam", 200, often, WITH_JAX, "2.5×; JAX: 3×"),
        (random, DEEP, "sgd", 1, 1, LIBRARIES, ""),
        (random, DEEP, "sgd", 32, once, LIBRARIES, ""),
        (sparse, NARROW, "adam", 200, once, WITHOUT_TORCH, ""),
    ]:
        for dtype in sizes.dtypes:
            yield Work(
                "steps",
                f"{data.with_network(**network)}, {solver}, batch {batch_size}",
                dtype,
                partial(
                    tasks.step,
                    load=partial(data.load, dtype),
                    solver=solver,
                    batch_size=batch_size,
                    max_iter=epochs,
                    **network,
                ),
                peers,
                target,
            )


def full_batch(sizes):
    """Yield fits with L-BFGS, measured per cost evaluation, and descents to a loss."""
    for (data, network, target), dtype in product(
        [
            (DIGITS, SMALL, "1.8×, one thread"),
            (DIGITS, WIDE, "1.8×, one thread"),
            (sparse_table(sizes.sparse_rows), NARROW, ""),
        ],
        sizes.dtypes,
    ):
        yield Work(
            "full batch",
            f"{data.with_network(**network)}, lbfgs, an evaluation",
            dtype,
            partial(
                tasks.evaluation,
                load=partial(data.load, dtype),
                solver="lbfgs",
                max_iter=sizes.iterations,
                **network,
            ),
            WITHOUT_TORCH,
            target,
        )
    for solver, dtype in product(["lbfgs", "cg"], sizes.dtypes):
        yield descent(sizes, solver, dtype)


def descent(sizes, solver, dtype):
    """Return the descent of a solver to a loss without penalty, the same for all libraries."""
    return Work(
        "full batch",
        f"{DIGITS.with_network(**SMALL)}, {solver} to a loss of {LOSS}",
        dtype,
        partial(
            tasks.descent,
            load=partial(tasks.digits, dtype),
            loss=LOSS,
            n_starts=sizes.starts,
            solver=solver,
            output_activation="softmax",
            **SMALL,
        ),
        WITHOUT_TORCH,
    )


def gradients(sizes):
    """Yield evaluations of the cost and its gradient on all rows."""
    data = table(sizes.gradient_rows, 784)
    for (network, peers), dtype in product(
        [(WIDE, LIBRARIES + LIMITS), (WIDE_AND_DEEP, ("skbp", *LIMITS))], sizes.dtypes
    ):
        yield Work(
            "gradient",
            data.with_network(**network),
            dtype,
            partial(
                tasks.gradient,
                load=partial(data.load, dtype),
                hidden_layer_sizes=network["hidden_layer_sizes"],
            ),
            peers,
            "80 % of the products",
        )


def searches(sizes):
    """Yield searches over λ and the hidden units."""
    n_settings = len(sizes.lambdas) * len(sizes.hidden)
    for n_jobs, target in [(1, "5×"), (2, "2×")]:
        yield Work(
            "search",
            f"digits, lbfgs, {n_settings} settings × {sizes.folds} folds, n_jobs={n_jobs}",
            "float64",
            partial(
                tasks.search,
                load=partial(tasks.digits, "float64"),
                grid={"alpha": sizes.lambdas, "hidden_layer_sizes": sizes.hidden},
                n_folds=sizes.folds,
                n_jobs=n_jobs,
                solver="lbfgs",
                activation="logistic",
                max_iter=sizes.search_iterations,
            ),
            WITHOUT_TORCH,
            target,
            also_one_thread=False,
        )


def predictions(sizes):
    """Yield calls of `predict_proba`."""
    targets = ["1.8×", "", "2×"]
    for (n_rows, target), dtype in product(
        zip(sizes.predicted_rows, targets, strict=True), sizes.dtypes
    ):
        yield Work(
            "predict_proba",
            f"64-100-10 relu, rows: {n_rows}",
            dtype,
            partial(tasks.probabilities, load=partial(tasks.digits, dtype), n_rows=n_rows),
            target=target,
        )


def wide(sizes):
    """Yield predictions of one sparse row, and updates by 200 rows, with many features."""
    fewer, more = sizes.features
    for task, does, n_features, network in [
        (tasks.sparse_row, "predict_proba of a row", fewer, WIDE),
        (tasks.sparse_row, "predict_proba of a row", more, NARROW),
        (tasks.chunk, "partial_fit of 200 rows", more, NARROW),
    ]:
        data = Data("wide and sparse", n_features, partial(tasks.wide_table, n_features))
        for dtype in sizes.dtypes:
            yield Work(
                "wide",
                f"{data.with_network(**network)}, {does}",
                dtype,
                partial(task, load=partial(data.load, dtype), **network),
                WITHOUT_TORCH,
                "1×",
            )


def processes(sizes):
    """Yield works that need a separate process: an import, and the memory of a fit."""
    yield Work(
        "process",
        "import",
        "",
        tasks.import_time,
        target="0.95×",
        also_one_thread=False,
        rounds=sizes.import_rounds,
    )
    data = table(sizes.memory_rows, 100)
    for dtype in sizes.dtypes * (sys.platform == "linux"):
        yield Work(
            "process",
            f"{data.with_network(**WIDE)}, lbfgs, peak memory",
            dtype,
            partial(
                tasks.memory,
                load=partial(data.load, dtype),
                solver="lbfgs",
                max_iter=2,
                **WIDE,
            ),
            WITHOUT_TORCH,
            "4×",
            also_one_thread=False,
            unit="bytes",
            rounds=sizes.memory_rounds,
        )


def growth(sizes):
    """Yield epochs of Adam with increasing numbers of rows, units and layers."""
    n, width, depth = sizes.rows[1], sizes.widths[1], sizes.depths[0]
    cases = [(n_rows, width, depth) for n_rows in sizes.rows]
    cases += [(n, units, depth) for units in sizes.widths]
    cases += [(n, width, n_layers) for n_layers in sizes.depths]
    for n_rows, units, n_layers in dict.fromkeys(cases):  # each once
        data = table(n_rows, 50)
        network = {"hidden_layer_sizes": (units,) * n_layers, "activation": "relu"}
        yield Work(
            "growth",
            data.with_network(**network),
            "float64",
            partial(
                tasks.epoch,
                load=partial(data.load, "float64"),
                solver="adam",
                batch_size=200,
                max_iter=1,
                **network,
            ),
            WITHOUT_TORCH,
        )
