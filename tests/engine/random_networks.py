"""Compare the kernels with the NumPy modules for random networks and examples.

    python tests/engine/random_networks.py [n_networks] [seed]

Sizes, activations, losses, dtypes, memory layouts, sample weights, orders, batches and update
rules are random, and each network is computed with all instruction sets of the processor. It is
meant for a build with sanitizers: see .ci/sanitize.
"""

import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from kernel_cases import PAIRS, averages_of, fields_of

from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.engine.compiled import kernels
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.solvers.update_rules import Adam, Momentum

TOLERANCES = {np.float32: 1e-3, np.float64: 1e-9}


# ------------------------------------------------------------------------- memory layouts


def wider(matrix):
    """Return a view into longer rows."""
    return with_steps(matrix, 1, 1, 3)


def with_steps(matrix, row_step, column_step, n_more=0):
    """Return a view with these steps into a larger array."""
    m, n = matrix.shape
    memory = np.zeros((max(m, 1) * abs(row_step), n * abs(column_step) + n_more), matrix.dtype)
    view = memory[: m * abs(row_step) : abs(row_step), : n * abs(column_step) : abs(column_step)]
    view = view[:: np.sign(row_step), :: np.sign(column_step)]
    view[:] = matrix
    return view


LAYOUTS = [
    np.ascontiguousarray,
    np.asfortranarray,
    wider,
    lambda matrix: with_steps(matrix, 2, 1),
    lambda matrix: with_steps(matrix, 1, 3),
    lambda matrix: with_steps(matrix, -1, 1),
    lambda matrix: with_steps(matrix, -2, -2),
]


# ------------------------------------------------------------------------------- problems


@dataclass(frozen=True)
class Problem:
    """A random network and examples for it."""

    generator: np.random.Generator

    def choose(self, values):
        return values[self.generator.integers(len(values))]

    @cached_property
    def dtype(self):
        return self.choose([np.float32, np.float64])

    @cached_property
    def pair(self):
        return self.choose(PAIRS)

    @cached_property
    def sizes(self):
        """Sizes around those of vectors; some layers are large enough for BLAS."""
        sizes = [self.size() for _ in range(self.choose([2, 3, 3, 4, 6]))]
        if self.generator.random() < 0.15:
            start = self.generator.integers(len(sizes) - 1)
            sizes[start : start + 2] = self.generator.integers(380, 700, 2)
        if self.pair[0] == "softmax":
            sizes[-1] = max(sizes[-1], 2)
        return tuple(int(size) for size in sizes)

    def size(self):
        return self.choose([1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 49, 65, 100])

    @cached_property
    def n_rows(self):
        return int(self.choose([0, 1, 2, 3, 4, 5, 8, 63, 64, 65, 200, 515]))

    @cached_property
    def activations(self):
        return tuple(self.choose(list(kernels.HIDDEN)) for _ in self.sizes[2:])

    @cached_property
    def network(self):
        return Network(self.sizes, self.activations, self.pair[0])

    @cached_property
    def plan(self):
        g = tuple(kernels.HIDDEN[activation] for activation in self.activations)
        output, loss = self.pair
        return self.sizes, g, kernels.OUTPUTS[output], kernels.LOSSES[loss]

    @cached_property
    def theta(self):
        return self.generator.normal(0, 0.3, self.network.n_parameters).astype(self.dtype)

    @cached_property
    def examples(self):
        """X, Y and the weights, which may be None."""
        m, n_in, n_out = self.n_rows, self.sizes[0], self.sizes[-1]
        X = self.generator.normal(0, n_in**-0.5, (m, n_in)).astype(self.dtype)
        Y = self.generator.dirichlet(np.ones(n_out + 1), m)[:, :n_out].astype(self.dtype)
        weights = self.generator.integers(0, 3, m).astype(self.dtype)
        return self.laid_out(X), Y, self.choose([None, weights])

    @cached_property
    def exact(self):
        """Theta, X, Y and the weights in double precision."""
        X, Y, weights = self.examples
        weights = np.ones(len(X)) if weights is None else weights
        return [array.astype(np.float64) for array in (self.theta, X, Y, weights)]

    def laid_out(self, matrix):
        if len(matrix) and self.generator.random() < 0.1:
            return np.broadcast_to(matrix[:1], matrix.shape)
        return self.choose(LAYOUTS)(matrix)

    @cached_property
    def order(self):
        m = self.n_rows
        repeated = self.generator.integers(m, size=m) if m else None
        return self.choose([None, self.generator.permutation(m), repeated])

    @cached_property
    def batches(self):
        return {
            "lambda_m": self.choose([0.0, 0.1]),
            "mean_weight": self.generator.uniform(0.5, 2),
            "max_norm": self.choose([-1.0, 0.0, 0.1, 10.0]),
            "batch_size": int(self.choose([1, 2, 3, 4, 7, 64, 200, 10_000])),
        }

    @cached_property
    def rule(self):
        # a small epsilon would turn the rounding errors of small gradients into whole steps
        adam = Adam(*self.generator.uniform(0.5, 0.99, 2), epsilon=0.01)
        return self.choose([Momentum(0.0, False), Momentum(0.7, False), Momentum(0.7, True), adam])

    @cached_property
    def eta(self):
        return 0.01 / max(1.0, self.n_rows / self.batches["batch_size"])

    def __str__(self):
        X, _, weights = self.examples
        return (
            f"{self.sizes}, {self.activations}, {self.pair}, {self.dtype.__name__}, "
            f"X of {X.shape} with strides {X.strides}, weights={weights is not None}, "
            f"order={self.order is not None}, {self.batches}, {self.rule}"
        )


# ------------------------------------------------------------------------------ with NumPy


def loss_and_gradient(problem, theta, X, Y, weights):
    """Return the sum of the weighted losses, and Δ."""
    activations, z = problem.network.forward(theta, X)
    loss, a = LOSSES[problem.pair], activations[-1]
    delta = loss.delta(z, a, Y) * weights[:, np.newaxis]
    return weights @ loss.per_row(z, a, Y), problem.network.backward(theta, activations, delta)


def without_biases(problem, theta):
    """Return a copy of theta with 0 for the biases."""
    theta = theta.copy()
    for Theta in problem.network.unpack(theta):
        Theta[:, 0] = 0
    return theta


def cost_and_gradient(problem, theta, rows):
    """Return J and D, which is clipped, of a batch, whose rows these are."""
    batches, m = problem.batches, problem.batches["mean_weight"] * len(rows)
    _, X, Y, weights = problem.exact
    loss, Delta = loss_and_gradient(problem, theta, X[rows], Y[rows], weights[rows])
    penalized = without_biases(problem, theta)
    J = loss / m + batches["lambda_m"] / 2 * (penalized @ penalized)
    D = Delta / m + batches["lambda_m"] * penalized
    norm = np.linalg.norm(D)
    if norm > batches["max_norm"] >= 0:
        D *= batches["max_norm"] / norm
    return J, D


def epoch(problem):
    """Return the sum of J times the number of rows, theta, and the state of the rule."""
    theta, _, _, weights = problem.exact
    theta, state, losses = theta.copy(), problem.rule.init(theta), 0.0
    order = np.arange(problem.n_rows) if problem.order is None else problem.order
    for start in range(0, problem.n_rows, problem.batches["batch_size"]):
        rows = order[start : start + problem.batches["batch_size"]]
        J, D = cost_and_gradient(problem, theta, rows)
        losses += J * len(rows)
        if weights[rows].any():
            theta += problem.rule.update(D, state, problem.eta)
    return losses, theta, state


def outputs(problem, kind):
    theta, X, _, _ = problem.exact
    z = problem.network.decision(theta, X)
    if kind == "decision":
        return z
    a = OUTPUT_ACTIVATIONS["softmax" if kind == "softmax" else "logistic"].g(z)
    if kind == "binary":
        return np.hstack([1 - a, a])
    return a / a.sum(axis=1, keepdims=True) if kind == "shares" else a


# --------------------------------------------------------------------------- with kernels


def assert_close(found, expected, tolerance):
    """Compare, relative to the largest number of an array, because sums may cancel."""
    assert np.isfinite(found).all()
    size = 1 + np.abs(expected).max(initial=0)
    assert np.abs(found - expected).max(initial=0) <= tolerance * size


def check_outputs(problem, kind, expected):
    Thetas = problem.network.unpack(problem.theta)
    coefs = [problem.choose(LAYOUTS)(Theta[:, 1:].T) for Theta in Thetas]
    out = np.full(expected.shape, np.nan, problem.dtype)
    intercepts = [Theta[:, 0] for Theta in Thetas]
    X = problem.examples[0]
    kernels.outputs(coefs, intercepts, problem.plan[1], kernels.KINDS[kind], X, out)
    assert_close(out, expected, TOLERANCES[problem.dtype])


def check_gradient(problem, expected):
    Delta = np.full_like(problem.theta, np.nan)
    loss = kernels.loss_and_gradient(problem.plan, problem.theta, problem.examples, Delta)
    for found, part in zip((loss, Delta), expected, strict=True):
        assert_close(found, part, TOLERANCES[problem.dtype])


def check_epoch(problem, expected):
    losses, right_theta, right_state = expected
    theta, state = problem.theta.copy(), problem.rule.init(problem.theta)
    rule, averages = fields_of(problem.rule, problem.eta), averages_of(state)
    found, state["t"] = kernels.epoch(
        problem.plan, theta, problem.examples, problem.order, problem.batches, rule, averages
    )
    tolerance = TOLERANCES[problem.dtype]
    assert_close(found, losses, tolerance)
    assert_close(theta, right_theta, tolerance)
    for name, right in right_state.items():
        assert_close(state[name], right, tolerance)


def check(problem):
    """Compare all that the kernels compute, for each instruction set."""
    kinds = [kind for kind in kernels.KINDS if kind != "binary" or problem.sizes[-1] == 1]
    right_outputs = {kind: outputs(problem, kind) for kind in kinds}
    right_gradient, right_epoch = loss_and_gradient(problem, *problem.exact), epoch(problem)
    for name in kernels.instruction_sets():
        kernels.use(name)
        for kind in kinds:
            check_outputs(problem, kind, right_outputs[kind])
        check_gradient(problem, right_gradient)
        check_epoch(problem, right_epoch)


def main(n_networks=300, seed=0):
    n_networks, seed = int(n_networks), int(seed)
    for number in range(n_networks):
        problem = Problem(np.random.default_rng([seed, number]))
        try:
            check(problem)
        except AssertionError as error:
            raise AssertionError(f"Network {number} of seed {seed}: {problem}") from error
    names = ", ".join(kernels.instruction_sets())
    print(f"{n_networks} networks of seed {seed} agree with NumPy ({names}).")


if __name__ == "__main__":
    main(*sys.argv[1:])
