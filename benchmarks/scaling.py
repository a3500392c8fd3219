"""How the cost of an evaluation and a fit grows on a Dask cluster, beside one process.

    python benchmarks/scaling.py             # two to ten minutes, and 2 GB of memory
    python benchmarks/scaling.py --quick     # small sets, one round: to see that all is well

A cluster of one and of two processes on this machine, each with one thread, and one process with as
many threads as the cluster has workers: the cost and gradient of a network with 64 hidden units on
rows of 100 features, and a fit of four iterations of L-BFGS. The cluster and the process take
turns, and medians are compared. Then evaluations of few rows, whose time is all overhead, give the
constants of the model in ``scaling_model.py``; it is drawn for up to 1000 workers.

It needs the extras dask and plot.
"""

import argparse
import os
import platform
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from unittest.mock import patch

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait
from processes import new_process
from scaling_model import Overhead, draw, fitted
from tables import print_table

from skbp import BackpropClassifier
from skbp.dask import DaskBackpropClassifier, objective
from skbp.dask.objective import Cost, PartitionedObjective
from skbp.dask.partitions import Session
from skbp.estimator.data import Dataset
from skbp.network import Network
from skbp.objective import Objective

N_FEATURES, N_HIDDEN, N_CLASSES = 100, 64, 10
WORKERS = (1, 2)
PARTITIONS_OF_FIT = 16
FEW_ROWS = 20  # of a partition, where the overhead is measured
HIDDEN = (4, 64, 512)  # for its constants
FIT = {"hidden_layer_sizes": (N_HIDDEN,), "max_iter": 4, "early_stopping": False, "random_state": 0}


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    rows: tuple[int, ...] = (100_000, 300_000, 1_000_000)
    partitions: tuple[int, ...] = (2, 16, 128)
    rounds: int = 3
    most_rows_of_rounds: int = 100_000  # larger sets have one round
    rounds_of_few: int = 10

    def rounds_of(self, n_rows):
        """Return how often sets of a size are measured."""
        return self.rounds if n_rows <= self.most_rows_of_rounds else 1


QUICK = Plan(rows=(5_000,), partitions=(2, 8), rounds=1, rounds_of_few=3)


def network_of(n_hidden):
    """Return the network."""
    return Network((N_FEATURES, n_hidden, N_CLASSES), "relu", "softmax")


def drawn(seed, n_rows):
    """Return X and labels."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, N_FEATURES)), rng.integers(N_CLASSES, size=n_rows)


def drawn_set(seed, n_rows):
    """Return the same as a data set for training."""
    X, y = drawn(seed, n_rows)
    return Dataset(X, y, np.eye(N_CLASSES)[y], None, None)


def sizes(n_rows, n_partitions):
    """Return the number of rows of each partition."""
    return np.diff(np.arange(n_partitions + 1) * n_rows // n_partitions).tolist()


# ------------------------------------------------------------------------------- in one process


@cache
def in_process(n_rows):
    """Return all rows, kept in this process, and the cost."""
    whole = drawn_set(0, n_rows)
    return whole, Objective(network_of(N_HIDDEN), whole.X, whole.Y)


def evaluate_here(n_rows):
    """Return the seconds and the CPU seconds of an evaluation."""
    _, cost = in_process(n_rows)
    theta = cost.network.initialize(0)
    start, cpu = perf_counter(), process_time()
    cost(theta)
    return perf_counter() - start, process_time() - cpu


def fit_here(n_rows):
    """Return the seconds of a fit."""
    whole, _ = in_process(n_rows)
    return seconds_of_fit(BackpropClassifier(**FIT), whole.X, whole.y)


def seconds_of_fit(model, X, y):
    """Return the seconds of a fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # four iterations are few
        start = perf_counter()
        model.fit(X, y)
    return perf_counter() - start


# --------------------------------------------------------------------------------- on a cluster


@contextmanager
def started(n_workers):
    """Start workers with a thread each, and yield their client."""
    options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster) as client:
        yield client


@contextmanager
def on_workers(client, rows, n_hidden):
    """Yield the cost on partitions with so many rows, which the workers hold, and Θ."""
    network, session = network_of(n_hidden), Session(client)
    partitions = session.partitions([dask.delayed(drawn_set)(i, n) for i, n in enumerate(rows)])
    cost = Cost(network, "log_loss", 1.0, (float(sum(rows)), sum(rows)))
    theta = network.initialize(0)
    whole = PartitionedObjective(partitions, rows, cost, theta.dtype)
    whole(theta)
    yield whole, theta
    session.close()


def cpu_of(client):
    """Return the CPU seconds of all workers so far."""
    return sum(client.run(process_time).values())


def evaluate(client, whole, theta):
    """Return the seconds of an evaluation, and the CPU seconds of the workers.

    Asking the workers for their seconds takes some too, which are measured and left out.
    """
    asked, cpu = cpu_of(client), cpu_of(client)
    start = perf_counter()
    whole(theta)
    seconds = perf_counter() - start
    return seconds, cpu_of(client) - cpu - (cpu - asked)


def fit(client, n_rows):
    """Return the seconds of a fit, once the rows are there."""
    rows = sizes(n_rows, PARTITIONS_OF_FIT)
    parts = [dask.delayed(drawn, nout=2)(i, n) for i, n in enumerate(rows)]
    X = [
        da.from_delayed(part[0], (n, N_FEATURES), float)
        for part, n in zip(parts, rows, strict=True)
    ]
    y = [da.from_delayed(part[1], (n,), int) for part, n in zip(parts, rows, strict=True)]
    X, y = dask.persist(da.concatenate(X), da.concatenate(y))
    wait([X, y])
    return seconds_of_fit(DaskBackpropClassifier(**FIT, client=client), X, y)


# ---------------------------------------------------------------------------------------- tables


def rows_of_evaluations(client, process, n_rows, plan):
    """Yield a row of the table for each number of partitions."""
    for n_partitions in plan.partitions:
        with on_workers(client, sizes(n_rows, n_partitions), N_HIDDEN) as (whole, theta):
            pairs = [
                (evaluate(client, whole, theta), process.submit(evaluate_here, n_rows).result())
                for _ in range(plan.rounds_of(n_rows))
            ]
        (wall, cpu), (wall_here, cpu_here) = (
            [median(values) for values in zip(*each, strict=True)]
            for each in zip(*pairs, strict=True)
        )
        yield [
            f"{n_rows:,}",
            len(client.scheduler_info(n_workers=-1)["workers"]),
            n_partitions,
            f"{1e3 * wall:.0f} ms",
            f"{1e3 * wall_here:.0f} ms",
            f"{1e3 * (wall - wall_here):+.0f} ms",
            f"{cpu / cpu_here:.2f}",
        ]


def row_of_fit(client, process, n_rows, plan):
    """Return a row of the table of fits."""
    pairs = [
        (fit(client, n_rows), process.submit(fit_here, n_rows).result())
        for _ in range(plan.rounds_of(n_rows))
    ]
    there, here = (median(times) for times in zip(*pairs, strict=True))
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    return [f"{n_rows:,}", workers, f"{there:.2f} s", f"{here:.2f} s", f"{there / here:.2f}"]


def measure_all(plan):
    """Return the rows of both tables."""
    evaluations, fits = [], []
    for n_workers in WORKERS:
        os.environ["OMP_NUM_THREADS"] = str(n_workers)  # a new process reads it
        for n_rows in plan.rows:
            with new_process() as process, started(n_workers) as client:
                process.submit(evaluate_here, n_rows).result()
                evaluations += rows_of_evaluations(client, process, n_rows, plan)
                fits.append(row_of_fit(client, process, n_rows, plan))
                print("Measured:", *evaluations[-len(plan.partitions) :], fits[-1], file=sys.stderr)
    return evaluations, fits


def overheads(plan):
    """Yield the times of evaluations of few rows, with and without the tree."""
    for n_workers in WORKERS:
        with started(n_workers) as client:
            for n_hidden in HIDDEN:
                for n_partitions in plan.partitions:
                    rows = [FEW_ROWS] * n_partitions
                    with on_workers(client, rows, n_hidden) as (whole, theta):
                        yield from overheads_of(n_workers, whole, theta, plan.rounds_of_few)


def overheads_of(n_workers, whole, theta, n_rounds):
    """Yield the times of evaluations with the tree, and without it."""
    for most in (1, 1 << 60):
        times = []
        with patch.object(objective, "_MOST_BYTES", most):
            for _ in range(n_rounds):
                start = perf_counter()
                whole(theta)
                times.append(perf_counter() - start)
        yield Overhead(n_workers, len(whole.rows), theta.nbytes, most == 1, median(times))


def main():
    """Print the tables and the model, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sets, one round")
    parser.add_argument("--plot", type=Path, default=Path("scaling.png"), help="file for the plot")
    given = parser.parse_args()
    plan = QUICK if given.quick else Plan()
    packages = ["skbp", "numpy", "dask", "distributed"]
    print(", ".join(f"{package} {version(package)}" for package in packages))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    load = os.getloadavg()[0]
    model = fitted(list(overheads(plan)))
    print(model.report(), flush=True)
    draw(model, given.plot)
    evaluations, fits = measure_all(plan)
    cells = ["rows", "workers"]
    compared = ["cluster", "one process", "cluster − process", "CPU, workers ÷ process"]
    print_table("An evaluation", [*cells, "partitions", *compared], evaluations)
    print_table("A fit", [*cells, "cluster", "one process", "cluster ÷ process"], fits)
    print(f"\nLoad: {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
