"""Helpers shared by the displays: axes, colours, short labels and the fitted network."""

from collections.abc import Sequence
from copy import copy
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sklearn.utils.validation import check_is_fitted

from skbp._typing import Floats, Labels, Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from skbp.activations import Activation
    from skbp.losses import Loss

Estimator: TypeAlias = Any
"""A network, such as BackpropClassifier, or a Pipeline or search that ends in one."""

ArtistProperties: TypeAlias = dict[str, Any]
"""Keyword arguments for a Matplotlib artist."""

COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
"""Colour-blind safe palette of Okabe and Ito."""

_LONGEST = 24  # characters


class FittedNetwork(Protocol):
    """Attributes that a fitted BackpropClassifier and a fitted MLPClassifier share."""

    activation: "str | Activation | Sequence[str | Activation]"
    loss: "str | Loss"
    coefs_: Sequence[Floats]
    intercepts_: Sequence[Floats]
    classes_: Labels
    loss_curve_: Sequence[float]  # MLPClassifier has none with solver="lbfgs"
    n_features_in_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str


def axes(ax: "Axes | None" = None) -> "Axes":
    """Return the given axes, or the axes of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, default=None
        Axes of the caller.

    Returns
    -------
    matplotlib Axes
        Axes to draw on.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    if ax is not None:
        return ax
    return pyplot().subplots(layout="constrained")[1]


def pyplot() -> ModuleType:
    """Import and return ``matplotlib.pyplot``.

    Returns
    -------
    module
        ``matplotlib.pyplot``, imported on first use because Matplotlib is optional.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "The displays of skbp.plot need Matplotlib. Install it in a checkout of skbp with: "
            'pip install ".[plot]"'
        ) from error
    return plt


def shortened(text: str) -> str:
    """Return a text on one line, truncated to 24 characters.

    Parameters
    ----------
    text : str
        Text to shorten.

    Returns
    -------
    str
        Text on one line. A longer text is cut and ends in an ellipsis.
    """
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def full_names(line_kw: ArtistProperties) -> ArtistProperties:
    """Return line properties with aliases such as "lw" replaced by the full names.

    Parameters
    ----------
    line_kw : dict
        Properties of a :class:`matplotlib.lines.Line2D`.

    Returns
    -------
    dict
        The properties under their full names.
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return dict(normalize_kwargs(line_kw, Line2D))


def fitted_network(estimator: Estimator) -> FittedNetwork:
    """Return the fitted network inside a search or a pipeline.

    Parameters
    ----------
    estimator : BackpropClassifier, Pipeline or search
        Fitted network, fitted pipeline that ends in one, or fitted search with ``refit=True``;
        also a `BackpropClassifierCV` with one network.

    Returns
    -------
    BackpropClassifier
        Fitted network.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted, or is a search with ``refit=False``.
    ValueError
        If the estimator is not, and does not end in, a neural network, or if it has several.
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "members_"):
        return _only_member(estimator)
    if hasattr(estimator, "cv_results_"):
        not_refitted = "This %(name)s has no fitted network: set refit=True and fit it again."
        check_is_fitted(estimator, "best_estimator_", msg=not_refitted)
        return fitted_network(estimator.best_estimator_)
    if hasattr(estimator, "steps"):
        return fitted_network(estimator[-1])
    if not hasattr(estimator, "coefs_"):
        raise ValueError(
            f"estimator must be, or end in, a neural network. Got {estimator!r} instead."
        )
    return estimator


def _only_member(estimator: Estimator) -> FittedNetwork:
    """Return the network of a BackpropClassifierCV, which alone knows the names of the features."""
    if len(estimator.members_) > 1:
        raise ValueError(
            f"The estimator predicts with {len(estimator.members_)} networks. Pass one of its "
            "members_."
        )
    network = copy(estimator.members_[0])
    if hasattr(estimator, "feature_names_in_"):
        network.feature_names_in_ = estimator.feature_names_in_
    return network


def network_inputs(estimator: Estimator, X: Matrix) -> Matrix:
    """Return X transformed by the pipeline steps before the network.

    Parameters
    ----------
    estimator : BackpropClassifier, Pipeline or search
        As for `fitted_network`.
    X : array-like or data frame of shape (n_samples, n_features)
        Input of the estimator.

    Returns
    -------
    {array-like, sparse matrix} of shape (n_samples, s_1)
        Input of the network.
    """
    if hasattr(estimator, "best_estimator_"):
        return network_inputs(estimator.best_estimator_, X)
    if hasattr(estimator, "steps"):
        before, last = estimator[:-1], estimator[-1]
        return network_inputs(last, before.transform(X) if before.steps else X)
    return X
