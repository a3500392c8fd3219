"""What displays share: axes, colours, short texts, and the network in what they are given."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
"""Colours that colour-blind readers can tell apart (Okabe and Ito)."""

_LONGEST = 24  # characters


def axes(ax: Any = None) -> Any:
    """Return axes to draw in: the given ones, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, default=None
        The axes of the caller.

    Returns
    -------
    matplotlib Axes
        Where to draw.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    if ax is not None:
        return ax
    return pyplot().subplots(layout="constrained")[1]


def pyplot() -> Any:
    """Return ``matplotlib.pyplot``.

    Returns
    -------
    module
        It is imported here first, since skbp does without Matplotlib elsewhere.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'The displays of skbp.plot need Matplotlib. Install it with: pip install "skbp[plot]"'
        ) from error
    return plt


def shortened(text: str) -> str:
    """Return a text that leaves room for the drawing.

    Parameters
    ----------
    text : str
        A name, or the text of a value.

    Returns
    -------
    str
        The text in one line; of more than 24 characters the first ones and an ellipsis.
    """
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def fitted_network(estimator: Any) -> Any:
    """Return the fitted network in what may be a search or a pipeline around it.

    Parameters
    ----------
    estimator : BackpropClassifier, Pipeline or search
        A fitted network, a pipeline that ends in one, or a search that has refitted one.

    Returns
    -------
    BackpropClassifier
        The network.

    Raises
    ------
    NotFittedError
        If it is not fitted, or a search has not refitted the best one.
    ValueError
        If there is no network.
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "cv_results_"):
        not_refitted = "This %(name)s has no network: with refit=False it keeps none."
        check_is_fitted(estimator, "best_estimator_", msg=not_refitted)
        return fitted_network(estimator.best_estimator_)
    if hasattr(estimator, "steps"):
        return fitted_network(estimator[-1])
    if not hasattr(estimator, "coefs_"):
        raise ValueError(
            f"estimator must be, or end in, a neural network. Got {estimator!r} instead."
        )
    return estimator


def network_inputs(estimator: Any, X: Any) -> Any:
    """Return what the network in a search or a pipeline gets when these are given X.

    Parameters
    ----------
    estimator : BackpropClassifier, Pipeline or search
        As for `fitted_network`.
    X : array-like or data frame of shape (n_samples, n_features)
        What the estimator takes.

    Returns
    -------
    {array-like, sparse matrix} of shape (n_samples, s_1)
        X after the steps of the pipeline before the network.
    """
    if hasattr(estimator, "best_estimator_"):
        return network_inputs(estimator.best_estimator_, X)
    if hasattr(estimator, "steps"):
        before, last = estimator[:-1], estimator[-1]
        return network_inputs(last, before.transform(X) if before.steps else X)
    return X
