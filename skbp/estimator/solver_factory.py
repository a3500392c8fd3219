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
    BarzilaiBorwein,
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
    RateTrial,
    Schedule,
    Solver,
    StoppingRule,
    update_rules,
)
from skbp.solvers.stopping import one_pass

Parameters = Mapping[str, Any]
"""The constructor parameters of `BackpropClassifier`, valid."""

_AUTO_BATCH_SIZE = 200
_STEPS_OF_PATIENCE = 10


@dataclass(frozen=True)
class Setting:
    """The parameters of a classifier and facts about its data, from which a solver is made.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of training rows.
    constant_loss : float, default=inf
        The loss of the best constant model; inf where nothing ends training by its loss.
    stops_early : bool, default=False
        Whether the score of a validation set decides when to stop.
    """

    parameters: Parameters
    n_rows: int
    constant_loss: float = np.inf
    stops_early: bool = False

    @property
    def batch_size(self) -> int:
        """The number of rows of a batch."""
        return min(_batch_size(self.parameters), self.n_rows)

    def plateau(self, is_exact: bool, steps: float = _STEPS_OF_PATIENCE) -> LossPlateau:
        """Return the rule that ends training on a plateau.

        Parameters
        ----------
        is_exact : bool
            Whether the training loss is that of all rows at the same weights.
        steps : float, default=10
            The number of steps of an iteration.

        Returns
        -------
        LossPlateau
            The rule, whose patience is longer where an iteration has fewer than ten steps.
        """
        tol, patience = self.parameters["tol"], self.parameters["n_iter_no_change"]
        # an epoch of one or two small steps may change little without being a plateau
        patience *= max(1, _STEPS_OF_PATIENCE / steps)
        return LossPlateau(tol, patience, self.constant_loss, is_exact)


@dataclass(frozen=True)
class SolverKind:
    """A solver that can be chosen by name.

    Parameters
    ----------
    make : callable
        Returns the solver for a setting.
    ignores : tuple of str
        The parameters that it does not use.
    has_batches : bool, default=False
        Whether it takes a batch of rows at a time. Only such a solver has ``partial_fit``
        and dropout.
    """

    make: Callable[[Setting], Solver]
    ignores: tuple[str, ...]
    has_batches: bool = False


Rules = Callable[[Schedule, Setting, LossPlateau], tuple[StoppingRule, ...]]


def _loss_plateau(
    schedule: Schedule, setting: Setting, plateau: LossPlateau
) -> tuple[StoppingRule, ...]:
    # with early stopping, the validation score decides and not the training loss
    return () if setting.stops_early else (plateau,)


def _rate_plateau(
    schedule: Schedule, setting: Setting, plateau: LossPlateau
) -> tuple[StoppingRule, ...]:
    assert isinstance(schedule, Adaptive)
    return (RatePlateau(schedule, **vars(plateau)),)


def _planned_length(
    schedule: Schedule, setting: Setting, plateau: LossPlateau
) -> tuple[StoppingRule, ...]:
    return (PlannedLength(setting.parameters["max_iter"]),)


@dataclass(frozen=True)
class ScheduleKind:
    """A learning rate schedule that can be chosen by name, with its stopping rules.

    Parameters
    ----------
    make : callable
        Returns the schedule, given η₀ and the parameters.
    rules : callable, default=_loss_plateau
        Returns the stopping rules, given the schedule, the setting, and what a plateau is.
    """

    make: Callable[[float, Parameters], Schedule]
    rules: Rules = _loss_plateau

    @property
    def is_planned(self) -> bool:
        """Whether it is planned for ``max_iter`` iterations."""
        return self.rules is _planned_length


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


def _descent_options(setting: Setting, auto_rate: float, plateau: LossPlateau) -> dict[str, Any]:
    """Return the options that all gradient descents share."""
    parameters = setting.parameters
    kind, given = LEARNING_RATES[parameters["learning_rate"]], parameters["learning_rate_init"]
    schedule = kind.make(auto_rate if given == "auto" else float(given), parameters)
    return {
        "learning_rate": schedule,
        "stopping": kind.rules(schedule, setting, plateau),
        "max_iter": parameters["max_iter"],
        "max_grad_norm": parameters["max_grad_norm"],
    }


def _full_batch_rules(setting: Setting) -> tuple[StoppingRule, ...]:
    """Return the rules of the solvers whose every iteration has the gradient of all rows."""
    tolerance = GradientTolerance(setting.parameters["tol"], setting.constant_loss)
    return (tolerance,) if setting.stops_early else (tolerance, setting.plateau(is_exact=True))


def _lbfgs(setting: Setting) -> LBFGS:
    parameters = setting.parameters
    return LBFGS(
        max_iter=parameters["max_iter"],
        stopping=_full_batch_rules(setting),
        # SciPy's own, unless a smaller tolerance asks for more
        least_decrease=min(2e-9, max(1e-4 * parameters["tol"], np.finfo(float).eps)),
        max_fun=parameters["max_fun"],
    )


def _conjugate_gradient(setting: Setting) -> ConjugateGradient:
    rules = _full_batch_rules(setting)
    return ConjugateGradient(max_iter=setting.parameters["max_iter"], stopping=rules)


def _gradient_descent(setting: Setting) -> GradientDescent | BarzilaiBorwein:
    parameters = setting.parameters
    if _finds_rate(parameters):
        return BarzilaiBorwein(
            stopping=_full_batch_rules(setting),
            max_iter=parameters["max_iter"],
            max_grad_norm=parameters["max_grad_norm"],
        )
    plateau = setting.plateau(is_exact=True)
    options = _descent_options(setting, _rate_of_full_steps(parameters), plateau)
    tolerance = GradientTolerance(parameters["tol"], setting.constant_loss)
    return GradientDescent(**options | {"stopping": (tolerance, *options["stopping"])})


def _finds_rate(parameters: Parameters) -> bool:
    """Return whether a solver is to look for its learning rate."""
    return parameters["learning_rate_init"] == "auto" and parameters["learning_rate"] == "constant"


def _mini_batches(
    rule: Callable[[Parameters], update_rules.UpdateRule],
    auto_rate: Callable[[Parameters], float],
    tried: tuple[float, ...],
    ignores: tuple[str, ...],
) -> SolverKind:
    """Return the kind of a mini-batch solver: its rule, its rate in a stream, those to try."""

    def make(setting: Setting) -> MiniBatchDescent:
        parameters, batch_size = setting.parameters, setting.batch_size
        # the loss of an epoch is that of all rows, and not a mean of noisy batches
        is_exact = batch_size >= setting.n_rows and not _has_dropout(parameters)
        plateau = setting.plateau(is_exact, steps=setting.n_rows / batch_size)
        is_auto = parameters["learning_rate_init"] == "auto"
        return MiniBatchDescent(
            rule=rule(parameters),
            batch_size=batch_size,
            shuffle=parameters["shuffle"],
            trial=RateTrial(tried) if is_auto else None,
            **_descent_options(setting, auto_rate(parameters), plateau),
        )

    return SolverKind(make, ignores, has_batches=True)


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


_OF_RATES = ("learning_rate", "learning_rate_init", "power_t", "max_grad_norm")
_OF_BATCHES = ("batch_size", "shuffle")
_OF_MOMENTUM = ("momentum", "nesterovs_momentum")
_OF_ADAM = ("beta_1", "beta_2", "epsilon")

_OF_SCIPY = ("max_fun",)

SOLVERS: Mapping[str, SolverKind] = {
    "gd": SolverKind(
        _gradient_descent, ignores=(*_OF_BATCHES, *_OF_MOMENTUM, *_OF_ADAM, *_OF_SCIPY)
    ),
    "sgd": _mini_batches(
        _momentum,
        _rate_of_momentum,
        tried=(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
        ignores=(*_OF_ADAM, *_OF_SCIPY),
    ),
    "adam": _mini_batches(
        _adam,
        lambda given: 0.003,
        tried=(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
        ignores=(*_OF_MOMENTUM, *_OF_SCIPY),
    ),
    "cg": SolverKind(
        _conjugate_gradient,
        ignores=(*_OF_RATES, *_OF_BATCHES, *_OF_MOMENTUM, *_OF_ADAM, *_OF_SCIPY),
    ),
    "lbfgs": SolverKind(_lbfgs, ignores=(*_OF_RATES, *_OF_BATCHES, *_OF_MOMENTUM, *_OF_ADAM)),
}
"""The solvers by the values of ``solver``."""

MINI_BATCH_SOLVERS = tuple(name for name, kind in SOLVERS.items() if kind.has_batches)
"""The names of the solvers that take a batch of rows at a time."""


def ignored_parameters(parameters: Parameters, defaults: Parameters) -> tuple[str, ...]:
    """Return the parameters that were set, and that the solver does not use.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    defaults : mapping of str to object
        Their defaults.

    Returns
    -------
    tuple of str
        Their names with their values, as in a call.
    """
    names = SOLVERS[parameters["solver"]].ignores
    changed = (n for n in names if n in defaults and parameters[n] != defaults[n])
    return tuple(f"{name}={parameters[name]!r}" for name in changed)


def make_solver(setting: Setting) -> Solver:
    """Return the solver that the parameters of a classifier describe.

    Parameters
    ----------
    setting : Setting
        The parameters, and facts about the data.

    Returns
    -------
    LBFGS, ConjugateGradient, GradientDescent or MiniBatchDescent
        The solver.

    Raises
    ------
    ValueError
        If dropout is asked for and the solver has no mini-batches.
    """
    parameters = setting.parameters
    name = parameters["solver"]
    if _has_dropout(parameters) and name not in MINI_BATCH_SOLVERS:
        raise ValueError(
            f"dropout={parameters['dropout']!r} needs a solver in {MINI_BATCH_SOLVERS}. "
            f"Got solver={name!r} instead."
        )
    return SOLVERS[name].make(setting)


def make_one_pass_solver(setting: Setting) -> MiniBatchDescent:
    """Return the mini-batch solver for a single pass over some rows, as in ``partial_fit``.

    Parameters
    ----------
    setting : Setting
        The parameters, and facts about the rows.

    Returns
    -------
    MiniBatchDescent
        The solver.
    """
    solver = make_solver(setting)
    assert isinstance(solver, MiniBatchDescent)  # the only kind that has partial_fit
    return replace(solver, trial=None, stopping=(one_pass, *solver.stopping), max_iter=np.inf)


def warning_of_batch_size(parameters: Parameters, n_rows: int, largest: int) -> str | None:
    """Return a warning if a batch is to have more rows than it can have.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of training rows.
    largest : int
        The number of rows that a batch can have; fewer than all where these are in partitions.

    Returns
    -------
    str or None
        The warning.
    """
    batch_size = parameters["batch_size"]
    is_used = parameters["solver"] in MINI_BATCH_SOLVERS and batch_size != "auto"
    if not is_used or batch_size <= largest:
        return None
    bound = "number of samples" if largest == n_rows else "number of rows of any partition"
    return (
        f"batch_size={batch_size} is larger than the {bound}, {largest}; "
        f"batches of {largest} rows are used."
    )
