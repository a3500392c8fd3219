"""The valid values of each parameter of `BackpropClassifier`, and its numbers as Python's."""

import sys
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from skbp.estimator.solver_factory import LEARNING_RATES, SOLVERS, Parameters
from skbp.losses import LOSSES

_COUNT = Interval(Integral, 1, sys.maxsize, closed="both")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation, list, tuple],
    "output_activation": [StrOptions(set(OUTPUT_ACTIVATIONS))],
    "binary_outputs": [Options(Integral, {1, 2})],
    "loss": [
        StrOptions({loss for _, loss in LOSSES}),
        HasMethods(["supports", "per_row", "delta"]),
    ],
    "solver": [StrOptions(set(SOLVERS))],
    "init": [StrOptions({"auto", "lecture"})],
    "alpha": [StrOptions({"auto"}), _NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions(set(LEARNING_RATES))],
    "learning_rate_init": [StrOptions({"auto"}), _POSITIVE],
    "power_t": [_NOT_NEGATIVE],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NOT_NEGATIVE],
    "verbose": ["verbose"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [_POSITIVE],
    "n_iter_no_change": [_COUNT, Options(Real, {np.inf})],
    "max_fun": [_COUNT],
    "warm_start": ["boolean"],
    "early_stopping": [StrOptions({"auto"}), "boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "scoring": [StrOptions(set(get_scorer_names())), callable, None],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
    "max_grad_norm": [_POSITIVE, None],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "label_smoothing": [Interval(Real, 0, 1, closed="left")],
}
"""The valid values by parameter; integers end where the indices of arrays do."""

_REAL = frozenset(
    name
    for name, valid in CONSTRAINTS.items()
    if any(isinstance(each, Interval) and each.type is Real for each in valid)
)


@cache
def default_parameters(kind: type[BaseEstimator]) -> Parameters:
    """Return the defaults of the constructor parameters of a class.

    Parameters
    ----------
    kind : type
        `BackpropClassifier` or a subclass.

    Returns
    -------
    mapping of str to object
        The defaults by parameter.
    """
    init: Any = kind.__init__  # not its signature, which Sphinx replaces
    names = init.__code__.co_varnames[1 : init.__code__.co_argcount]
    return {**dict(zip(names, init.__defaults__, strict=True)), **init.__kwdefaults__}


_UNCHANGED = (str, float, type(None))


class RememberedParameterNames:
    """Mixin for estimators: the names of the parameters are looked up once for each class.

    scikit-learn reads them from the signature of ``__init__`` again for each
    ``get_params``, which takes longer than small fits.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        key: Any = cls  # mypy takes no class for hashable
        return list(_parameter_names(key))


@cache
def _parameter_names(cls: type[RememberedParameterNames]) -> tuple[str, ...]:
    of_scikit_learn: Any = super(RememberedParameterNames, cls)
    return tuple(of_scikit_learn._get_param_names())


def with_python_numbers(classifier: BaseEstimator) -> Parameters:
    """Return the parameters of a classifier with Python's numbers in the place of NumPy's.

    A number of NumPy would bring its precision: with ``alpha=np.float32(0.5)``, the cost of
    float64 data would be computed in float32.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier, whose parameters are valid; it is not changed.

    Returns
    -------
    mapping of str to object
        The parameters: those that are real numbers as float, others as int or bool.

    Raises
    ------
    InvalidParameterError
        If a number is larger than any float.
    """
    given = classifier.get_params(deep=False)
    return {name: _with_python_numbers(value, name) for name, value in given.items()}


def _with_python_numbers(value: Any, name: str) -> Any:
    if type(value) in _UNCHANGED:
        return value
    if isinstance(value, list | tuple):
        kind = list if isinstance(value, list) else tuple
        return kind(_with_python_numbers(each, name) for each in value)
    if isinstance(value, Real) and (name in _REAL or not isinstance(value, Integral)):
        return _as_float(value, name)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return int(value) if isinstance(value, Integral) else value


def _as_float(value: Real, name: str) -> float:
    try:
        with np.errstate(over="ignore"):
            number = float(value)
    except OverflowError:
        number = np.inf
    if np.isinf(number) and value != np.inf:
        raise InvalidParameterError(
            f"The {name!r} parameter of BackpropClassifier must be at most "
            f"{sys.float_info.max:.2g}. Got {value!r} instead."
        )
    return number
