"""The solvers by name: how each one is made from the parameters of `BackpropClassifier`.

To add a solver, write its class in `skbp.solvers` and add it to `SOLVERS`; to add a learning
rate schedule, add it to `LEARNING_RATES`. The valid values of the parameters follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from skbp.activations import ACTIVATIONS, resolve
from skbp.solvers import (
    LBFGS,
    Adaptive,
    ConjugateGradient,
    Constant,
    Cosine,
    GradientDescent,
    GradientTolerance,
    InverseScaling,
    LossPlateau,
    MiniBatchDescent,
    OneCycle,
    PlannedLength,
    RatePlateau,
    Schedule,
    Solver,
    StoppingRule,
    update_rules,
)
from skbp.solvers.stopping import one_pass

Parameters = Mapping[str, Any]
"""The constructor parameters of `BackpropClassifier`, valid."""

_AUTO_BATCH_SIZE = 200


@dataclass(frozen=True)
class SolverKind:
    """A solver that can be chosen by name.

    Parameters
    ----------
    make : callable
        Returns the solver, given the parameters and the number of rows.
    has_batches : bool, default=False
        Whether it takes a batch of rows at a time. Only such a solver has ``partial_fit``
        and dropout.
    """

    make: Callable[[Parameters, int], Solver]
    has_batches: bool = False


Rules = Callable[[Schedule, Parameters, bool], tuple[StoppingRule, ...]]


def _loss_plateau(
    schedule: Schedule, parameters: Parameters, is_exact: bool
) -> tuple[StoppingRule, ...]:
    return (LossPlateau(parameters["tol"], parameters["n_iter_no_change"], is_exact),)


def _rate_plateau(
    schedule: Schedule, parameters: Parameters, is_exact: bool
) -> tuple[StoppingRule, ...]:
    assert isinstance(schedule, Adaptive)
    return (RatePlateau(schedule, parameters["tol"], parameters["n_iter_no_change"], is_exact),)


def _planned_length(
    schedule: Schedule, parameters: Parameters, is_exact: bool
) -> tuple[StoppingRule, ...]:
    return (PlannedLength(parameters["max_iter"]),)


@dataclass(frozen=True)
class ScheduleKind:
    """A learning rate schedule that can be chosen by name, with its stopping rules.

    Parameters
    ----------
    make : callable
        Returns the schedule, given η₀ and the parameters.
    rules : callable, default=_loss_plateau
        Returns the stopping rules, given the schedule, the parameters, and whether the
        training loss is exact.
    """

    make: Callable[[float, Parameters], Schedule]
    rules: Rules = _loss_plateau

    @property
    def is_planned(self) -> bool:
        """Whether it is planned for ``max_iter`` iterations."""
        return self.rules is _planned_length

    @property
    def ends_by_loss(self) -> bool:
        """Whether a plateau of the training loss alone ends training."""
        return self.rules is _loss_plateau


LEARNING_RATES: Mapping[str, ScheduleKind] = {
    "constant": ScheduleKind(lambda initial, given: Constant(initial)),
    "invscaling": ScheduleKind(lambda initial, given: InverseScaling(initial, given["power_t"])),
    "adaptive": ScheduleKind(lambda initial, given: Adaptive(initial), _rate_plateau),
    "cosine": ScheduleKind(
        lambda initial, given: Cosine(initial, given["max_iter"]), _planned_length
    ),
    "one_cycle": ScheduleKind(
        lambda initial, given: OneCycle(initial, given["max_iter"]), _planned_length
    ),
}
"""The schedules by the values of ``learning_rate``."""


def _descent_options(
    parameters: Parameters, auto_rate: float, ends_by_loss: bool, is_exact: bool = False
) -> dict[str, Any]:
    """Return the options that all gradient descents share."""
    kind, given = LEARNING_RATES[parameters["learning_rate"]], parameters["learning_rate_init"]
    schedule = kind.make(auto_rate if given == "auto" else float(given), parameters)
    has_rules = ends_by_loss or not kind.ends_by_loss
    return {
        "learning_rate": schedule,
        "stopping": kind.rules(schedule, parameters, is_exact) if has_rules else (),
        "max_iter": parameters["max_iter"],
        "max_grad_norm": parameters["max_grad_norm"],
    }


def _lbfgs(parameters: Parameters, n_rows: int) -> LBFGS:
    max_iter, tol = parameters["max_iter"], parameters["tol"]
    return LBFGS(max_iter=max_iter, tol=tol, max_fun=parameters["max_fun"])


def _conjugate_gradient(parameters: Parameters, n_rows: int) -> ConjugateGradient:
    return ConjugateGradient(max_iter=parameters["max_iter"], tol=parameters["tol"])


def _gradient_descent(parameters: Parameters, n_rows: int) -> GradientDescent:
    # the gradient tells whether a constant rate has converged, and not the loss
    options = _descent_options(parameters, _rate_of_full_steps(parameters), ends_by_loss=False)
    rules = (GradientTolerance(parameters["tol"]), *options.pop("stopping"))
    return GradientDescent(stopping=rules, **options)


def _mini_batches(
    rule: Callable[[Parameters], update_rules.UpdateRule], auto_rate: Callable[[Parameters], float]
) -> SolverKind:
    """Return the kind of a mini-batch solver with an update rule and an automatic rate."""

    def make(parameters: Parameters, n_rows: int) -> MiniBatchDescent:
        batch_size = min(_batch_size(parameters), n_rows)
        # with early stopping, the validation score decides and not the training loss
        ends_by_loss = not parameters["early_stopping"]
        # the loss of an epoch is that of all rows, and not a mean of noisy batches
        is_exact = batch_size >= n_rows and not _has_dropout(parameters)
        return MiniBatchDescent(
            rule=rule(parameters),
            batch_size=batch_size,
            shuffle=parameters["shuffle"],
            **_descent_options(parameters, auto_rate(parameters), ends_by_loss, is_exact),
        )

    return SolverKind(make, has_batches=True)


def _rate_of_full_steps(parameters: Parameters) -> float:
    """Return a rate for gradients of the whole training set."""
    given = parameters["activation"]
    activations = given if isinstance(given, list | tuple) else [given]
    # where activations are not bounded, the gradient grows with the weights
    bounded = all(resolve(ACTIVATIONS, each, "activation").bounded for each in activations)
    return 0.2 if bounded else 0.1


def _rate_of_momentum(parameters: Parameters) -> float:
    """Return a rate for noisy gradients and momentum.

    Momentum multiplies a step by 1 / (1 − momentum) in the long run, and the gradient of a
    small batch is noisy. The batch size is the one asked for, so that rows that are repeated
    make the same steps as rows that are weighted.
    """
    inertia = max(1 - parameters["momentum"], 0.01)
    return _rate_of_full_steps(parameters) * inertia * min(1, _batch_size(parameters) / 32)


def _has_dropout(parameters: Parameters) -> bool:
    given = parameters["dropout"]
    rates = given if isinstance(given, list | tuple) else [given]
    return not all(isinstance(p, Real) and p == 0 for p in rates)


def _batch_size(parameters: Parameters) -> int:
    given = parameters["batch_size"]
    return _AUTO_BATCH_SIZE if given == "auto" else int(given)


def _momentum(parameters: Parameters) -> update_rules.Momentum:
    return update_rules.Momentum(parameters["momentum"], parameters["nesterovs_momentum"])


def _adam(parameters: Parameters) -> update_rules.Adam:
    return update_rules.Adam(parameters["beta_1"], parameters["beta_2"], parameters["epsilon"])


SOLVERS: Mapping[str, SolverKind] = {
    "gd": SolverKind(_gradient_descent),
    "sgd": _mini_batches(_momentum, _rate_of_momentum),
    "adam": _mini_batches(_adam, lambda given: 0.003),
    "cg": SolverKind(_conjugate_gradient),
    "lbfgs": SolverKind(_lbfgs),
}
"""The solvers by the values of ``solver``."""

MINI_BATCH_SOLVERS = tuple(name for name, kind in SOLVERS.items() if kind.has_batches)
"""The names of the solvers that take a batch of rows at a time."""


def make_solver(parameters: Parameters, n_rows: int) -> Solver:
    """Return the solver that the parameters of a classifier describe.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of training rows.

    Returns
    -------
    LBFGS, ConjugateGradient, GradientDescent or MiniBatchDescent
        The solver.

    Raises
    ------
    ValueError
        If dropout is asked for and the solver has no mini-batches.
    """
    name = parameters["solver"]
    if _has_dropout(parameters) and name not in MINI_BATCH_SOLVERS:
        raise ValueError(
            f"dropout={parameters['dropout']!r} needs a solver in {MINI_BATCH_SOLVERS}. "
            f"Got solver={name!r} instead."
        )
    return SOLVERS[name].make(parameters, n_rows)


def make_one_pass_solver(parameters: Parameters, n_rows: int) -> MiniBatchDescent:
    """Return the mini-batch solver for a single pass over some rows, as in ``partial_fit``.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of rows.

    Returns
    -------
    MiniBatchDescent
        The solver.
    """
    solver = make_solver(parameters, n_rows)
    assert isinstance(solver, MiniBatchDescent)  # the only kind that has partial_fit
    return replace(solver, stopping=(one_pass, *solver.stopping), max_iter=np.inf)


def warning_of_batch_size(parameters: Parameters, n_rows: int) -> str | None:
    """Return a warning if a batch is to have more rows than there are.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of training rows.

    Returns
    -------
    str or None
        The warning.
    """
    batch_size = parameters["batch_size"]
    is_used = parameters["solver"] in MINI_BATCH_SOLVERS and batch_size != "auto"
    if not is_used or batch_size <= n_rows:
        return None
    return (
        f"batch_size={batch_size} is larger than the number of samples, {n_rows}; "
        f"batches of {n_rows} rows are used."
    )
