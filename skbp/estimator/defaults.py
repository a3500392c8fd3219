"""The values of the parameters of `BackpropClassifier` that are ``"auto"``, chosen by measurement.

The changelog has the figures; ``benchmarks/sturdiness.py`` measures small problems.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from skbp.estimator.solver_factory import LEARNING_RATES, MINI_BATCH_SOLVERS, Parameters
from skbp.losses import is_squared_error
from skbp.solvers import ScorePlateau

_ALPHAS = {"logistic": 0.5, "identity": 0.5, "softplus": 0.3, "tanh": 1.0, "elu": 1.0, "selu": 2.0}
_OTHER_ALPHA = 3.5
_SQUARED_ERROR = 0.1
_ALL_OF_ALPHA = 500
_ENOUGH_ROWS = 2000
_PATIENCE_GROWTH = 2
_NETWORKS = [((50, 50), "relu"), ((50,), "logistic")]
_NETWORKS_OF_ENSEMBLES = [*_NETWORKS, ((100,), "relu"), ((100,), "tanh")]


def alpha_for(parameters: Parameters, m: float) -> float:
    """Return λ.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    m : float
        The number of training examples, the sum of their weights.

    Returns
    -------
    float
        The value that is given; or for ``"auto"`` c min(1, m/500), where c depends on the
        activation (the least of several) and is a tenth of that for the squared error, whose
        gradient is smaller. On few rows, λ/m of a constant λ would leave a constant model; so
        λ/m is at most c/500.
    """
    given = parameters["alpha"]
    if given != "auto":
        return float(given)
    c = min(_ALPHAS.get(name, _OTHER_ALPHA) for name in _activations(parameters))
    if is_squared_error(parameters["loss"]):
        c *= _SQUARED_ERROR
    return c * min(1.0, m / _ALL_OF_ALPHA)


def _activations(parameters: Parameters) -> list[str]:
    """Return the names of the activations; identity where there is no hidden layer."""
    if not np.size(parameters["hidden_layer_sizes"]):
        return ["identity"]
    given = parameters["activation"]
    each = given if isinstance(given, list | tuple) else [given]
    return [str(getattr(activation, "name", activation)) for activation in each]


def stops_early(parameters: Parameters, n_rows: int) -> bool:
    """Return whether the score of a validation set decides when to stop.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.
    n_rows : int
        The number of rows with a weight, those of a validation set that is held out included.

    Returns
    -------
    bool
        The value that is given; or for ``"auto"`` whether there are more than 2000 rows,
        unless the learning rate is planned for ``max_iter`` iterations.
    """
    given = parameters["early_stopping"]
    if given != "auto":
        return bool(given)
    has_schedule = parameters["solver"] in (*MINI_BATCH_SOLVERS, "gd")
    is_planned = has_schedule and LEARNING_RATES[parameters["learning_rate"]].is_planned
    return n_rows > _ENOUGH_ROWS and not is_planned


def score_plateau(parameters: Parameters) -> ScorePlateau:
    """Return the rule by which early stopping ends training.

    Parameters
    ----------
    parameters : mapping of str to object
        The constructor parameters of `BackpropClassifier`, valid.

    Returns
    -------
    ScorePlateau
        The rule. With ``early_stopping="auto"`` patience grows to twice the number of
        iterations that the best score took.
    """
    growth = _PATIENCE_GROWTH if parameters["early_stopping"] == "auto" else 0
    return ScorePlateau(parameters["tol"], parameters["n_iter_no_change"], growth)


def networks_for(hidden_layer_sizes: Any, activation: Any, n_members: int) -> list[tuple[Any, Any]]:
    """Return the networks that `BackpropClassifierCV` chooses from.

    Parameters
    ----------
    hidden_layer_sizes : int, tuple of int, list of these or "auto"
        The sizes of the hidden layers.
    activation : str, Activation, tuple or list of these, or "auto"
        The activations of the hidden layers.
    n_members : int
        The number of members of the ensemble.

    Returns
    -------
    list of tuple
        The sizes and the activation of each network.
    """
    if _is_auto(hidden_layer_sizes) and _is_auto(activation):
        return _NETWORKS if n_members == 1 else _NETWORKS_OF_ENSEMBLES
    sizes, activations = zip(*_NETWORKS, strict=True)
    return list(
        product(_candidates(hidden_layer_sizes, sizes), _candidates(activation, activations))
    )


def _is_auto(given: Any) -> bool:
    return isinstance(given, str) and given == "auto"


def _candidates(given: Any, automatic: Sequence[Any]) -> Sequence[Any]:
    if _is_auto(given):
        return automatic
    return given if isinstance(given, list) else [given]
