"""Functions that prepare a measurement for a peer and return a function that measures it once.

A peer is a module of `peers`. The returned function takes no arguments, and returns a number of
seconds or bytes.
"""

import os
import re
import subprocess
import sys
from importlib import import_module
from math import ceil
from mmap import PAGESIZE
from pathlib import Path
from statistics import mean

import numpy as np
from clock import clocked
from processes import new_process
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

N_CLASSES = 10
WARM_UP_ROWS = 300
MOST_ITERATIONS = 100

# All fits run to their last iteration. The same alpha is not the same penalty in all libraries, but
# takes the same work.
SETTINGS = {"alpha": 1e-4, "tol": 0, "early_stopping": False, "random_state": 0}
STOCHASTIC = SETTINGS | {"learning_rate_init": 0.001, "n_iter_no_change": np.inf}
FIT_ONCE = STOCHASTIC | {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "solver": "adam",
    "batch_size": 200,
    "max_iter": 1,
}


def digits(dtype):
    """Return the handwritten digits, 1797 × 64, in [0, 1]."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(dtype), y


def table(n_rows, n_features, dtype):
    """Return random numbers; the class is the index of the largest of the first ten."""
    X = np.random.default_rng(0).standard_normal((n_rows, n_features), dtype)
    return X, X[:, :N_CLASSES].argmax(axis=1)


def sparse_table(n_rows, n_features, dtype):
    """Return a CSR matrix with 1 % of random entries, and random classes."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_rows, n_features), dtype)
    X[generator.random(X.shape) > 0.01] = 0
    return csr_array(X), generator.integers(N_CLASSES, size=n_rows)


def wide_table(n_features, dtype):
    """Return a CSR matrix of 200 rows with 20 random entries each, and random classes."""
    generator = np.random.default_rng(0)
    columns = generator.integers(n_features, size=(200, 20))
    entries = generator.standard_normal(columns.size, dtype)
    X = csr_array((entries, columns.ravel(), 20 * np.arange(201)), shape=(200, n_features))
    return X, generator.integers(N_CLASSES, size=200)


def epoch(peer, load, **settings):
    """Prepare the measurement of the time of an epoch of sgd or Adam."""
    X, y = load()
    model = peer.classifier(**STOCHASTIC, **settings)
    n_rows = None if hasattr(peer, "COMPILES_FOR_SHAPES") else WARM_UP_ROWS
    model.fit(X[:n_rows], y[:n_rows])
    fit = clocked(lambda: model.fit(X, y))
    return lambda: fit() / settings["max_iter"]


def step(peer, load, **settings):
    """Prepare the measurement of the time of a step of sgd or Adam."""
    X, _ = load()
    n_steps = ceil(X.shape[0] / settings["batch_size"])
    seconds = epoch(peer, load, **settings)
    return lambda: seconds() / n_steps


def evaluation(peer, load, **settings):
    """Prepare the measurement of the time of a cost evaluation in L-BFGS."""
    X, y = load()
    n_evaluations = peer.evaluations(X, y, **SETTINGS, **settings)
    model = peer.classifier(**SETTINGS, **settings)
    fit = clocked(lambda: model.fit(X, y))
    return lambda: fit() / n_evaluations


def descent(peer, load, loss, n_starts, **settings):
    """Prepare the measurement of the mean time to reach a loss, over some start weights."""
    X, y = load()
    settings |= {"alpha": 0, "tol": 0, "early_stopping": False, "max_iter": MOST_ITERATIONS}
    descents = [
        peer.descent(X, y, loss, random_state=start, **settings) for start in range(n_starts)
    ]
    return lambda: mean(seconds() for seconds in descents)


def gradient(peer, load, hidden_layer_sizes):
    """Prepare the measurement of the time of the cost and its gradient on all rows."""
    X, y = load()
    seconds = peer.gradient(X, y, hidden_layer_sizes)
    seconds()
    return seconds


def search(peer, load, grid, n_folds, n_jobs, **settings):
    """Prepare the measurement of the time of a search over a grid."""
    X, y = load()
    model = peer.classifier(**SETTINGS | settings)
    grid_search = GridSearchCV(model, grid, cv=n_folds, n_jobs=n_jobs)
    grid_search.fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])
    return clocked(lambda: grid_search.fit(X, y))


def probabilities(peer, load, n_rows):
    """Prepare the measurement of the time of `predict_proba` on some rows."""
    X, y = load()
    model = peer.classifier(**FIT_ONCE).fit(X, y)
    rows = X[np.arange(n_rows) % len(X)]
    return clocked(lambda: model.predict_proba(rows))


def sparse_row(peer, load, **settings):
    """Prepare the measurement of the time of `predict_proba` on one sparse row."""
    X, y = load()
    model = peer.classifier(**FIT_ONCE | settings).fit(X, y)
    row = X[:1]
    return clocked(lambda: model.predict_proba(row))


def chunk(peer, load, **settings):
    """Prepare the measurement of the time of `partial_fit` on all rows."""
    X, y = load()
    model = peer.classifier(**FIT_ONCE | settings)
    model.partial_fit(X, y, classes=np.arange(N_CLASSES))
    return clocked(lambda: model.partial_fit(X, y))


def import_time(peer):
    """Prepare the measurement of the time of an import, in a new interpreter."""
    code = (
        "from time import perf_counter; start = perf_counter(); "
        f"import {peer.MODULE}; print(perf_counter() - start)"
    )
    command = [sys.executable, "-P", "-c", code]  # -P: ignore the current directory
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds():
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        return float(done.stdout)

    seconds()  # writes the bytecode and fills the file cache
    return seconds


def memory(peer, load, **settings):
    """Prepare the measurement of the memory of a fit in a new process."""

    def n_bytes():
        with new_process() as process:
            return process.submit(rise_of_peak, peer.__name__, load, settings).result()

    return n_bytes


def rise_of_peak(peer, load, settings):
    """Return the increase of the peak memory of this process in a fit, at least one page."""
    X, y = load()
    model = import_module(peer).classifier(**SETTINGS, **settings)
    model.fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])  # load all code
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak to the current use
    before = peak()
    model.fit(X, y)
    return max(peak() - before, PAGESIZE)


def peak():
    """Return the peak memory of this process in bytes (Linux only)."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return 1024 * int(kilobytes)
