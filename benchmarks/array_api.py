"""Time fits of arrays of PyTorch against the kernels, and against a plain loop in PyTorch.

    python benchmarks/array_api.py [--quick] [--device cuda]

Two networks of rectified linear units in float32: 60000 × 784-512-512-10 and one million ×
100-256-256-10. For each, an evaluation of the cost and the gradient of all rows, and an epoch of
Adam in batches of 4096. The loop does the same with torch.nn, autograd and torch.optim. ``--quick``
takes small problems, to see that all is well; the tables are of no use then. The figures of the
kernels are those of the processor, with all its cores.

The script sets SCIPY_ARRAY_API=1 itself. It needs PyTorch, and scikit-learn 1.9 or later.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported

import numpy as np
import torch
from sklearn import config_context

sys.path.insert(0, str(Path(__file__).parents[1]))

from skbp.estimator.namespaces import foreign
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam
from skbp.solvers.update_rules import Update

BATCH_SIZE = 4096
ALPHA = 1.0
RATE = 0.001


@dataclass(frozen=True)
class Problem:
    """A network and the number of its rows."""

    n_rows: int
    layer_sizes: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.n_rows} × {'-'.join(map(str, self.layer_sizes))}"

    @property
    def network(self) -> Network:
        """The network."""
        return Network(self.layer_sizes, "relu", "softmax")

    def draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return X, the one-hot Y and start weights."""
        generator = np.random.default_rng(0)
        X = generator.standard_normal((self.n_rows, self.layer_sizes[0]), np.float32)
        classes = generator.integers(self.layer_sizes[-1], size=self.n_rows)
        Y = np.eye(self.layer_sizes[-1], dtype=np.float32)[classes]
        return X, Y, self.network.initialize(0).astype(np.float32)


FULL = [Problem(60_000, (784, 512, 512, 10)), Problem(1_000_000, (100, 256, 256, 10))]
QUICK = [Problem(6_000, (64, 32, 32, 10))]


class Loop:
    """The same cost in PyTorch: the mean cross entropy, and λ/2m Σ Θ² of all but the biases."""

    def __init__(self, problem: Problem, X: torch.Tensor, Y: torch.Tensor, theta: np.ndarray):
        self.X, self.classes, self.m = X, Y.argmax(dim=1), len(X)
        layers: list[torch.nn.Module] = []
        for Theta in problem.network.unpack(theta):
            layers += [torch.nn.Linear(Theta.shape[1] - 1, Theta.shape[0]), torch.nn.ReLU()]
            with torch.no_grad():
                layers[-2].weight.copy_(torch.from_numpy(Theta[:, 1:].copy()))
                layers[-2].bias.copy_(torch.from_numpy(Theta[:, 0].copy()))
        self.model = torch.nn.Sequential(*layers[:-1]).to(X.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def evaluate(self, rows: torch.Tensor | slice = slice(None)) -> torch.Tensor:
        """Compute the cost of some rows, and its gradient."""
        self.model.zero_grad(set_to_none=True)
        z = self.model(self.X[rows])
        J = torch.nn.functional.cross_entropy(z, self.classes[rows])
        matrices = (p for p in self.model.parameters() if p.ndim == 2)
        J = J + ALPHA / 2 / self.m * sum((p * p).sum() for p in matrices)
        J.backward()
        return J.detach()

    def epoch(self, order: np.ndarray) -> float:
        """Update the weights after each batch; return the mean of the batches' costs."""
        there = torch.from_numpy(order).to(self.X.device)
        costs = []
        for start in range(0, self.m, BATCH_SIZE):
            rows = there[start : start + BATCH_SIZE]
            costs.append(self.evaluate(rows) * len(rows))
            self.optimizer.step()
        return float(torch.stack(costs).sum() / self.m)


def of_skbp(
    objective: Objective, theta: np.ndarray, order: np.ndarray
) -> dict[str, Callable[[], float]]:
    """Return what is timed, of an objective."""
    rule, weights = Adam(), theta.copy()
    update = Update(rule, rule.init(weights), RATE)
    return {
        "all rows": lambda: objective(theta)[0],
        "epoch of adam": lambda: objective.epoch(weights, BATCH_SIZE, order, update),
    }


def contenders(problem: Problem, device: str) -> dict[str, dict[str, Callable[[], float]]]:
    """Return what is timed, of each contender."""
    X, Y, theta = problem.draw()
    order = np.random.default_rng(1).permutation(problem.n_rows)
    there, targets = torch.asarray(X, device=device), torch.asarray(Y, device=device)
    with config_context(array_api_dispatch=True):
        placed = foreign(there)
    loop, stepping = (Loop(problem, there, targets, theta) for _ in range(2))
    return {
        "skbp, kernels": of_skbp(Objective(problem.network, X, Y, alpha=ALPHA), theta, order),
        "skbp, PyTorch": of_skbp(Objective(problem.network, placed, Y, alpha=ALPHA), theta, order),
        "loop in PyTorch": {
            "all rows": lambda: float(loop.evaluate()),
            "epoch of adam": lambda: stepping.epoch(order),
        },
    }


def seconds(call: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Return the cost of the first call, and the median time of the others.

    A call returns a number of Python, so the device has finished.
    """
    cost, times = call(), []
    for _ in range(repeats):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return cost, float(np.median(times))


def compare(problem: Problem, device: str, repeats: int) -> None:
    """Print a table of one problem; stop where the contenders do not compute the same."""
    print(f"\n{problem}, float32\n\n| | all rows | epoch of adam |\n| --- | ---: | ---: |")
    known: dict[str, float] = {}
    for name, tasks in contenders(problem, device).items():
        cells = []
        for task, call in tasks.items():
            cost, time = seconds(call, repeats)
            if abs(cost - known.setdefault(task, cost)) > 1e-3 * abs(cost):
                raise RuntimeError(f"{name}, {task}: the cost is {cost}, not {known[task]}.")
            cells.append(f"{1000 * time:.1f} ms")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Time all problems."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small problems")
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=default, help="of the tensors (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    is_gpu = arguments.device.startswith("cuda")
    card = torch.cuda.get_device_name(arguments.device) if is_gpu else "no GPU"
    print(f"{card}; {platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print(f"torch {torch.__version__}, NumPy {np.__version__}")
    for problem in QUICK if arguments.quick else FULL:
        compare(problem, arguments.device, arguments.repeats)


if __name__ == "__main__":
    main()
