"""From parameters to a solver: what the names and the "auto" values stand for."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from skbp.activations import ACTIVATIONS, look_up
from skbp.solvers import (
    LBFGS,
    Adaptive,
    ConjugateGradient,
    Constant,
    Cosine,
    GradientDescent,
    InverseScaling,
    LearningRate,
    MiniBatchDescent,
    OneCycle,
    Progress,
    Solver,
    update_rules,
)

UPDATE_RULES: Mapping[str, Callable[[Mapping[str, Any]], update_rules.UpdateRule]] = {
    "sgd": lambda given: update_rules.Momentum(given["momentum"], given["nesterovs_momentum"]),
    "adam": lambda given: update_rules.Adam(given["beta_1"], given["beta_2"], given["epsilon"]),
}
"""The update rule that the parameters describe, by the name of the solver."""

MINI_BATCH_SOLVERS = tuple(UPDATE_RULES)
"""The names of the solvers that take a batch of rows at a time."""

# of the rules whose steps do not grow with the gradient
_INITIAL_RATES = {"adam": 0.003}

PLANNED_LEARNING_RATES = ("cosine", "one_cycle")
"""The names of the learning rates that are planned for ``max_iter`` iterations."""


def choose_solver(
    parameters: Mapping[str, Any],
    n_rows: int,
    random_state: np.random.RandomState,
    progress: Progress | None = None,
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
    progress : Progress, default=None
        Where a minimisation stands that is to go on. None for a new one.

    Returns
    -------
    LBFGS, ConjugateGradient, GradientDescent or MiniBatchDescent
        The solver.

    Raises
    ------
    ValueError
        If it cannot do with dropout.
    """
    _check_dropout(parameters["dropout"], parameters["solver"])
    common: dict[str, Any] = {
        "max_iter": parameters["max_iter"],
        "tol": parameters["tol"],
        "progress": progress,
    }
    match parameters["solver"]:
        case "lbfgs":
            return LBFGS(max_fun=parameters["max_fun"], **common)
        case "cg":
            return ConjugateGradient(**common)
    common["learning_rate"] = _learning_rate(parameters)
    common["max_grad_norm"] = parameters["max_grad_norm"]
    if parameters["solver"] == "gd":
        return GradientDescent(**common)
    return MiniBatchDescent(
        rule=UPDATE_RULES[parameters["solver"]](parameters),
        batch_size=_batch_size(parameters["batch_size"], n_rows),
        random_state=random_state if parameters["shuffle"] else None,
        random_objective=bool(np.any(parameters["dropout"])),
        **common,
    )


def _check_dropout(dropout: Any, solver: str) -> None:
    if np.any(dropout) and solver not in MINI_BATCH_SOLVERS:
        raise ValueError(
            f"dropout={dropout!r} needs a solver in {MINI_BATCH_SOLVERS}. "
            f"Got solver={solver!r} instead."
        )


def _learning_rate(parameters: Mapping[str, Any]) -> LearningRate:
    common = {
        "initial": _initial_rate(parameters),
        "tol": parameters["tol"],
        "n_iter_no_change": parameters["n_iter_no_change"],
    }
    match parameters["learning_rate"]:
        case "adaptive":
            return Adaptive(**common)
        case "cosine":
            return Cosine(**common, n_epochs=parameters["max_iter"])
        case "one_cycle":
            return OneCycle(**common, n_epochs=parameters["max_iter"])
    if parameters["solver"] == "gd" or parameters["early_stopping"]:
        # the gradient or the validation set decides when to stop, not the training loss
        common["n_iter_no_change"] = math.inf
    if parameters["learning_rate"] == "invscaling":
        return InverseScaling(**common, power_t=parameters["power_t"])
    return Constant(**common)


def _initial_rate(parameters: Mapping[str, Any]) -> float:
    if parameters["learning_rate_init"] != "auto":
        return float(parameters["learning_rate_init"])
    if parameters["solver"] in _INITIAL_RATES:
        return _INITIAL_RATES[parameters["solver"]]
    # where activations are not bounded, the gradient grows with the weights
    rate = 0.2 if _is_bounded(parameters["activation"]) else 0.1
    if parameters["solver"] == "gd":
        return rate
    # Momentum multiplies a step by 1 / (1 − momentum) in the long run, and the gradient of a
    # small batch is noisy. The size is the one asked for, so that rows that are repeated make
    # the same steps as rows that are weighted.
    batch_size = 200 if parameters["batch_size"] == "auto" else parameters["batch_size"]
    return rate * max(1 - parameters["momentum"], 0.01) * min(1, batch_size / 32)


def _is_bounded(activation: Any) -> bool:
    """Tell whether the activations of all hidden layers stay within bounds."""
    given = activation if isinstance(activation, list | tuple) else [activation]
    return all(look_up(ACTIVATIONS, each, "activation").bounded for each in given)


def _batch_size(batch_size: int | str, n_rows: int) -> int:
    if batch_size == "auto":
        return min(200, n_rows)
    if int(batch_size) > n_rows:
        warnings.warn(
            f"batch_size={batch_size} is larger than the number of samples, {n_rows}; "
            f"batches of {n_rows} rows are used.",
            stacklevel=6,
        )
    return min(int(batch_size), n_rows)
