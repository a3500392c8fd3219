"""Does every fit end well, or say so? Default settings over many small problems.

    python benchmarks/sturdiness.py            # all cells, about 15 minutes on two cores
    python benchmarks/sturdiness.py --quick    # a few of them, about a minute
    python benchmarks/sturdiness.py --only adam

A cell is a fit of `BackpropClassifier` with one solver, loss, activation and depth on one data
set, everything else by default. It *holds* if its accuracy on the test set is at most 0.05 below
that of logistic regression; on circles and moons, which no linear model learns, if it is at least
0.9. It is *silent* if it does not hold and no ConvergenceWarning was given. Networks that are
linear, those without a hidden layer or with identity units, are not asked to learn circles and
moons, only to be as good as logistic regression. Exits with 1 if a cell is silent, or if fewer
than 95 % hold.
"""

import argparse
import sys
import warnings
from itertools import product
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS

SOLVERS = ("lbfgs", "cg", "gd", "sgd", "adam")
LOSSES = ("log_loss", "squared_error")
DEPTHS = (0, 1, 2, 3)
UNITS = 50
DATA = {
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "breast cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: load_digits(return_X_y=True),
    "circles": lambda: make_circles(300, noise=0.05, factor=0.5, random_state=0),
    "moons": lambda: make_moons(300, noise=0.15, random_state=0),
}
NOT_LINEAR = ("circles", "moons")
LEAST_SHARE = 0.95


class Cell(NamedTuple):
    """A fit: what is trained, and on what."""

    solver: str
    loss: str
    activation: str
    depth: int
    data: str


class Outcome(NamedTuple):
    """How a cell ended."""

    score: float
    floor: float
    n_iter: int
    warned: bool

    @property
    def holds(self) -> bool:
        """Whether the model is good enough."""
        return self.score >= self.floor

    @property
    def is_silent(self) -> bool:
        """Whether the model is not good enough, and no warning said so."""
        return not self.holds and not self.warned


def cells(is_quick: bool) -> list[Cell]:
    """Return the cells."""
    activations = ("logistic", "relu") if is_quick else tuple(ACTIVATIONS)
    depths = (1, 3) if is_quick else DEPTHS
    data = ("iris", "circles") if is_quick else tuple(DATA)
    deep = product(SOLVERS, LOSSES, activations, [d for d in depths if d], data)
    flat = product(SOLVERS, LOSSES, ["identity"], [d for d in depths if not d], data)
    return [Cell(*each) for each in (*flat, *deep)]


def run(cell: Cell, seed: int) -> Outcome:
    """Fit the model of a cell, and compare it with logistic regression."""
    X, y = DATA[cell.data]()
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    linear = LogisticRegression(max_iter=1000).fit(X, y).score(X_test, y_test)
    is_linear = cell.activation == "identity"
    floor = 0.9 if cell.data in NOT_LINEAR and not is_linear else linear - 0.05
    model = BackpropClassifier(
        (UNITS,) * cell.depth,
        cell.activation,
        loss=cell.loss,
        solver=cell.solver,
        random_state=seed,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    warned = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return Outcome(model.score(X_test, y_test), floor, model.n_iter_, warned)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only a few cells")
    parser.add_argument("--only", choices=SOLVERS, help="only the cells of one solver")
    parser.add_argument("--seed", type=int, default=0, help="of the splits and the start weights")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes")
    return parser.parse_args()


def print_failed(failed: list[tuple[Cell, Outcome]]) -> None:
    """Print the cells that do not hold."""
    for cell, outcome in failed:
        ending = "silent" if outcome.is_silent else "warned"
        scores = f"{outcome.score:.3f} < {outcome.floor:.3f}"
        print(f"{ending}  {scores}  n_iter {outcome.n_iter:4}  {cell}")


def print_solver(solver: str, outcomes: list[Outcome]) -> None:
    """Print the counts of the cells of a solver."""
    n_holding, n_warned = (sum(o.holds for o in outcomes), sum(o.warned for o in outcomes))
    mean = np.mean([outcome.n_iter for outcome in outcomes])
    counts = f"{n_holding} of {len(outcomes)} hold, {n_warned} warned"
    print(f"{solver:6} {counts}, {mean:.0f} iterations")


def main() -> int:
    """Fit all cells, and return 1 if too few hold or one is silent."""
    options = parse_arguments()
    chosen = [each for each in cells(options.quick) if options.only in (None, each.solver)]
    outcomes = Parallel(n_jobs=options.jobs)(delayed(run)(cell, options.seed) for cell in chosen)
    pairs = list(zip(chosen, outcomes, strict=True))
    failed = [(cell, outcome) for cell, outcome in pairs if not outcome.holds]
    print_failed(failed)
    for solver in SOLVERS:
        if of_solver := [outcome for cell, outcome in pairs if cell.solver == solver]:
            print_solver(solver, of_solver)
    n_silent = sum(outcome.is_silent for _, outcome in failed)
    share = 1 - len(failed) / len(chosen)
    print(f"{len(chosen)} cells: {share:.1%} hold, {n_silent} silent")
    return int(n_silent > 0 or share < LEAST_SHARE)


if __name__ == "__main__":
    sys.exit(main())
