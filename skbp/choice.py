"""From parameters to a solver: what the names and the "auto" values stand for."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from skbp.activations import ACTIVATIONS
from skbp.solvers import (
    LBFGS,
    Adam,
    Adaptive,
    ConjugateGradient,
    Constant,
    GradientDescent,
    InverseScaling,
    LearningRate,
    MiniBatchDescent,
    Momentum,
    Solver,
)
from skbp.solvers.update_rules import UpdateRule


def choose_solver(
    parameters: Mapping[str, Any], n_rows: int, random_state: np.random.RandomState
) -> Solver:
    """Return the solver that a classifier's parameters describe.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of training rows.
    random_state : RandomState instance
        What shuffles the rows.

    Returns
    -------
    LBFGS, ConjugateGradient, GradientDescent or MiniBatchDescent
        The solver.
    """
    common: dict[str, Any] = {"max_iter": parameters["max_iter"], "tol": parameters["tol"]}
    match parameters["solver"]:
        case "lbfgs":
            return LBFGS(max_fun=parameters["max_fun"], **common)
        case "cg":
            return ConjugateGradient(**common)
        case "gd":
            return GradientDescent(learning_rate=_initial_rate(parameters), **common)
    return MiniBatchDescent(
        rule=_update_rule(parameters),
        learning_rate=_learning_rate(parameters),
        batch_size=_batch_size(parameters["batch_size"], n_rows),
        random_state=random_state if parameters["shuffle"] else None,
        n_iter_no_change=parameters["n_iter_no_change"],
        **common,
    )


def _update_rule(parameters: Mapping[str, Any]) -> UpdateRule:
    if parameters["solver"] == "sgd":
        return Momentum(parameters["momentum"], parameters["nesterovs_momentum"])
    return Adam(parameters["beta_1"], parameters["beta_2"], parameters["epsilon"])


def _learning_rate(parameters: Mapping[str, Any]) -> LearningRate:
    initial = _initial_rate(parameters)
    # as in MLPClassifier, Adam's is constant
    schedule = parameters["learning_rate"] if parameters["solver"] == "sgd" else "constant"
    match schedule:
        case "invscaling":
            return InverseScaling(initial, parameters["power_t"])
        case "adaptive":
            return Adaptive(initial)
    return Constant(initial)


def _initial_rate(parameters: Mapping[str, Any]) -> float:
    if parameters["learning_rate_init"] != "auto":
        return float(parameters["learning_rate_init"])
    if parameters["solver"] == "adam":
        return 0.003
    # where activations are not bounded, the gradient grows with the weights
    rate = 0.2 if ACTIVATIONS[parameters["activation"]].bounded else 0.1
    if parameters["solver"] == "gd":
        return rate
    # Momentum multiplies a step by 1 / (1 − momentum) in the long run, and the gradient of a
    # small batch is noisy. The size is the one asked for, so that rows that are repeated make
    # the same steps as rows that are weighted.
    batch_size = 200 if parameters["batch_size"] == "auto" else parameters["batch_size"]
    return rate * max(1 - parameters["momentum"], 0.01) * min(1, batch_size / 32)


def _batch_size(batch_size: int | str, n_rows: int) -> int:
    if batch_size == "auto":
        return min(200, n_rows)
    if int(batch_size) > n_rows:
        warnings.warn(
            f"batch_size={batch_size} is larger than the number of samples, {n_rows}; "
            f"batches of {n_rows} rows are used.",
            stacklevel=5,
        )
    return min(int(batch_size), n_rows)
