"""skbp.solvers.trial: a rate that learns, found from the start weights alone."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    Adam,
    LossPlateau,
    MiniBatchDescent,
    Momentum,
    Progress,
    RateTrial,
)

X, y = load_iris(return_X_y=True)
X, Y = scale(X), np.eye(3)[y]
NETWORK = Network((4, 6, 3), "tanh")
OBJECTIVE = Objective(NETWORK, X, Y, alpha=0.1)
THETA = NETWORK.initialize(0)
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def best(rates=RATES, rule=None, batch_size=20, seed=0, objective=OBJECTIVE):
    rule = Momentum() if rule is None else rule
    return RateTrial(rates).best(objective, THETA, rule, batch_size, np.random.RandomState(seed))


@pytest.mark.parametrize("rule", [Momentum(), Momentum(0), Adam()], ids=str)
@pytest.mark.parametrize("batch_size", [1, 20, 150, 1000])
def test_training_with_the_rate_lowers_the_cost(rule, batch_size):
    solver = MiniBatchDescent(
        rule=rule,
        trial=RateTrial(RATES),
        batch_size=batch_size,
        max_iter=20,
        stopping=(LossPlateau(patience=np.inf),),
    )
    progress = Progress(random_state=np.random.RandomState(0))
    result = solver.minimize(OBJECTIVE, THETA, progress=progress)
    assert OBJECTIVE(result.theta)[0] < 0.7 * OBJECTIVE(THETA)[0]


def test_the_rate_below_the_one_with_the_lowest_cost_is_taken():
    def cost_after_30_steps(rate):
        theta = THETA.copy()
        for _ in range(30):
            theta -= rate * OBJECTIVE(theta)[1]
        return OBJECTIVE(theta)[0]

    costs = [cost_after_30_steps(rate) for rate in RATES]
    expected = RATES[int(np.argmin(costs)) - 1]
    assert best(rule=Momentum(0), batch_size=150) == expected


def test_a_rate_that_diverges_is_not_taken():
    assert best((0.01, 0.1, 1e200)) == 0.01
    assert best((1e200, 1e250)) == 1e200


def test_it_neither_changes_the_start_nor_depends_on_anything_but_the_seed():
    before = THETA.copy()
    assert best(seed=3) == best(seed=3)
    np.testing.assert_array_equal(THETA, before)


def test_a_fit_that_is_resumed_keeps_its_rate():
    progress = Progress(random_state=np.random.RandomState(0))
    solver = MiniBatchDescent(trial=RateTrial(RATES), batch_size=20, max_iter=3)
    first = solver.minimize(OBJECTIVE, THETA, progress=progress)
    rate = progress.rate
    longer = MiniBatchDescent(trial=RateTrial((rate * 2,)), batch_size=20, max_iter=6)
    longer.minimize(OBJECTIVE, first.theta, progress=progress)
    assert progress.rate == rate
