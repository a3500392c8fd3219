"""Networks and examples for the tests of the compiled kernels, and the results of NumPy."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbp import weights
from skbp.engine.compiled import kernels
from skbp.engine.threads import one_blas_thread
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam

GUARD = 12345.0
TOLERANCES = {np.float64: 1e-12, np.float32: 1e-5}

# the NumPy engine computes skbp's other losses
PAIRS = [pair for pair in LOSSES if pair[1] in kernels.LOSSES]

over_activations = pytest.mark.parametrize("activation", kernels.HIDDEN)
over_pairs = pytest.mark.parametrize("pair", PAIRS, ids="-".join)
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def every_instruction_set():
    """Return a fixture that runs each test of a module with every instruction set."""

    @pytest.fixture(scope="module", autouse=True, params=kernels.instruction_sets())
    def instruction_set(request):
        before = kernels.use(request.param)
        with one_blas_thread():  # as in a fit
            yield request.param
        kernels.use(before)

    return instruction_set


@dataclass(frozen=True)
class Case:
    """A network and examples for it, with the results of the kernels and of the NumPy engine."""

    sizes: tuple[int, ...]
    n_rows: int
    activation: str = "tanh"
    pair: tuple[str, str] = ("logistic", "log_loss")
    weighted: bool = False
    dtype: type = np.float64

    @property
    def network(self):
        return Network(self.sizes, self.activation, self.pair[0])

    @property
    def theta(self):
        return start_weights(self.network).astype(self.dtype)

    @property
    def coefs_and_intercepts(self):
        return weights.split(self.network.unpack(self.theta))

    @property
    def plan(self):
        g = (kernels.HIDDEN[self.activation],) * (len(self.sizes) - 2)
        return self.sizes, g, kernels.OUTPUTS[self.pair[0]], kernels.LOSSES[self.pair[1]]

    @property
    def data(self):
        """X, Y and the weights, or None."""
        X, Y, sample_weight = examples(self.n_rows, self.sizes[0], self.sizes[-1])
        columns = (X, Y, sample_weight if self.weighted else None)
        return tuple(None if c is None else c.astype(self.dtype) for c in columns)

    def objective(self, alpha=0.0):
        """Return the cost that NumPy computes."""
        X, Y, sample_weight = self.data
        return Objective(self.network, X, Y, self.pair[1], alpha, sample_weight, engine="numpy")

    def loss_and_gradient(self, X=None):
        """Return the result of the kernel."""
        own_X, Y, sample_weight = self.data
        Delta = np.full_like(self.theta, np.nan)
        data = (own_X if X is None else X, Y, sample_weight)
        return kernels.loss_and_gradient(self.plan, self.theta, data, Delta), Delta

    def outputs(self, kind="decision", X=None, coefs=None):
        """Return the result of the kernel."""
        own_coefs, intercepts = self.coefs_and_intercepts
        coefs, X = own_coefs if coefs is None else coefs, self.data[0] if X is None else X
        out = np.full((len(X), 2 if kind == "binary" else self.sizes[-1]), np.nan, self.dtype)
        kernels.outputs(coefs, intercepts, self.plan[1], kernels.KINDS[kind], X, out)
        return out

    def assert_gradient(self, **changed):
        expected = readable_gradient(self)
        assert_same(self.loss_and_gradient(**changed), expected, self.tolerance, str(self))

    def assert_decision(self, **changed):
        expected = readable_decision(self)
        assert_same([self.outputs(**changed)], [expected], self.tolerance, str(self))

    @property
    def tolerance(self):
        return TOLERANCES[self.dtype]


@cache
def start_weights(network):
    return network.initialize(0)


@cache
def examples(n_rows, n_inputs, n_outputs):
    """Return X, Y and weights; every third row, from the second on, has the weight 0."""
    generator = np.random.default_rng(1)
    X = generator.normal(size=(n_rows, n_inputs))
    classes = generator.integers(n_outputs, size=(n_rows, 1))
    Y = (classes == np.arange(n_outputs)).astype(float)
    if n_outputs == 1:
        Y = generator.integers(2, size=(n_rows, 1))
    return X, Y, generator.uniform(0.1, 3, n_rows) * (np.arange(n_rows) % 3 != 1)


@cache
def readable_gradient(case):
    """Return the sum of the losses, and Δ."""
    objective = case.objective()
    J, D = objective(case.theta)
    return J * objective.m, D * case.dtype(objective.m)


@cache
def readable_decision(case):
    return case.network.decision(case.theta, case.data[0])


def assert_same(found, expected, tolerance, message=""):
    """Compare arrays; sums may cancel, so the tolerance is relative to an array's largest entry."""
    for part, expected_part in zip(found, expected, strict=True):
        size = np.abs(expected_part).max()
        assert_allclose(part, expected_part, tolerance, tolerance * size, err_msg=message)


def fields_of(rule, eta, t=0):
    """Return an update rule and the learning rate as the epoch kernel takes them."""
    unused = {"nesterov": 0, "momentum": 0, "beta_1": 0, "beta_2": 0, "epsilon": 0}
    return {**unused, **vars(rule), "is_adam": isinstance(rule, Adam), "eta": eta, "t": t}


def averages_of(state):
    """Return the arrays in the state of an update rule."""
    return [average for average in state.values() if isinstance(average, np.ndarray)]


def pairs_of(sizes):
    """Return the pairs of output activation and loss that the last layer may have."""
    return [pair for pair in PAIRS if sizes[-1] > 1 or pair[0] == "logistic"]


def guarded(array):
    """Return a copy that lies between guards, and a check that they still stand."""
    memory = np.full(array.size + 128, GUARD, array.dtype)
    inner = memory[64:-64].reshape(array.shape)
    inner[:] = array
    guards = np.r_[:64, -64:0]
    return inner, lambda: (memory[guards] == GUARD).all()
