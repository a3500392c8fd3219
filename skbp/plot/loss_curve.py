"""The loss of each iteration: how training went, and which solver was faster."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skbp.plot.common import COLORS, axes, fitted_network

_CIRCLE: dict[str, Any] = {"marker": "o", "markerfacecolor": "white"}
_GREY = "0.5"  # seen on white and on black


class LossCurveDisplay:
    """Training and validation loss by iteration.

    It is made by `from_estimator` or `from_estimators`. A solid line is the training loss, a
    dashed line of the same colour the loss of the validation set, without the penalty. A circle
    marks the iteration with the best validation score, whose weights ``early_stopping`` keeps.

    Parameters
    ----------
    names : sequence of str
        What the estimators, or their training losses, are called in the legend.
    loss_curves : sequence of array-like of shape (n_iter,)
        The training loss of each iteration, for each estimator.
    validation_loss_curves : sequence of array-like or None, default=None
        The validation losses; None for an estimator that has none, or if none has.
    best_iters : sequence of int or None, default=None
        The index of the best iteration in the curves; None as above.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The training loss of each estimator.
    validation_lines_ : list of matplotlib Line2D or None
        The validation loss of each estimator, with the circle.
    ax_ : matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        The figure of these axes.

    Raises
    ------
    ValueError
        If the sequences are not of equal length.

    See Also
    --------
    GridSearchDisplay : The scores of a search, as a heat map.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skbp import BackpropClassifier
    >>> from skbp.plot import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((5,), early_stopping=True, random_state=0).fit(scale(X), y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> len(display.loss_curves[0]) == model.n_iter_
    True
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        loss_curves: Sequence[ArrayLike],
        validation_loss_curves: Sequence[ArrayLike | None] | None = None,
        best_iters: Sequence[int | None] | None = None,
    ) -> None:
        of_none = [None] * len(names)
        self.names = names
        self.loss_curves = loss_curves
        self.validation_loss_curves = validation_loss_curves or of_none
        self.best_iters = best_iters or of_none
        curves = (self.loss_curves, self.validation_loss_curves, self.best_iters)
        if any(len(each) != len(names) for each in curves):
            raise ValueError(
                "names, loss_curves, validation_loss_curves and best_iters must be of equal "
                f"length. Got {[len(names), *map(len, curves)]} instead."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str = "training",
        log_scale: bool = False,
        ax: Any = None,
        **line_kw: Any,
    ) -> Self:
        """Draw the loss of an estimator.

        Parameters
        ----------
        estimator : BackpropClassifier, MLPClassifier, Pipeline or search
            A fitted network, a pipeline that ends in one, or a search that has refitted one.
            A :class:`sklearn.neural_network.MLPClassifier` has a loss curve if its solver is
            "sgd" or "adam", and no validation losses; its best iteration is marked on the
            training loss.
        name : str, default="training"
            What its training loss is called in the legend.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **line_kw : dict
            For :meth:`matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        LossCurveDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it has no loss curve.
        """
        return cls.from_estimators({name: estimator}, log_scale=log_scale, ax=ax, **line_kw)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        *,
        log_scale: bool = False,
        ax: Any = None,
        **line_kw: Any,
    ) -> Self:
        """Draw the losses of several estimators in the same axes.

        Parameters
        ----------
        estimators : dict of str to estimator
            Fitted estimators as for `from_estimator`, by the names that they have in the legend.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **line_kw : dict
            For :meth:`matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        LossCurveDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        ValueError
            If one has no loss curve.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from skbp import BackpropClassifier
        >>> from skbp.plot import LossCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> models = {
        ...     solver: BackpropClassifier((5,), solver=solver, random_state=0).fit(scale(X), y)
        ...     for solver in ("cg", "lbfgs")
        ... }
        >>> display = LossCurveDisplay.from_estimators(models, log_scale=True)
        >>> display.ax_.get_yscale()
        'log'
        """
        networks = [fitted_network(estimator) for estimator in estimators.values()]
        display = cls(
            names=list(estimators),
            loss_curves=[_loss_curve(network) for network in networks],
            validation_loss_curves=[
                getattr(network, "validation_loss_curve_", None) for network in networks
            ],
            best_iters=[_best_iter(network) for network in networks],
        )
        return display.plot(ax, log_scale=log_scale, **line_kw)

    def plot(self, ax: Any = None, *, log_scale: bool = False, **line_kw: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        **line_kw : dict
            For :meth:`matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        LossCurveDisplay
            Itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        self.lines_: list[Any] = []
        self.validation_lines_: list[Any] = []
        for i, name in enumerate(self.names):
            color = COLORS[i % len(COLORS)]
            self._plot_one(i, {"color": color, "label": name, **_full_names(line_kw)})
        ax.set(xlabel="Iteration", ylabel="Loss", yscale="log" if log_scale else "linear")
        _show_whole_numbers(ax.xaxis)
        ax.legend(handles=[*self.lines_, *self._legend_of_styles()])
        return self

    def _plot_one(self, i: int, style: dict[str, Any]) -> None:
        """Draw the curves of an estimator, and the circle on the last of them."""
        curve, validation_curve = self.loss_curves[i], self.validation_loss_curves[i]
        best_iter = self.best_iters[i]
        if validation_curve is None:
            self.lines_.append(_draw(self.ax_, curve, style, best_iter))
            self.validation_lines_.append(None)
        else:
            dashed = {"linestyle": "--", **style, "label": "_validation"}
            self.lines_.append(_draw(self.ax_, curve, style))
            self.validation_lines_.append(_draw(self.ax_, validation_curve, dashed, best_iter))

    def _legend_of_styles(self) -> list[Any]:
        """Return what explains the dashes and the circles, where there are any."""
        from matplotlib.lines import Line2D

        handles = []
        if any(line is not None for line in self.validation_lines_):
            handles.append(Line2D([], [], color=_GREY, linestyle="--", label="validation"))
        if any(best is not None for best in self.best_iters):
            circle = {**_CIRCLE, "linestyle": "", "color": _GREY}
            handles.append(Line2D([], [], label="best iteration", **circle))
        return handles


def _loss_curve(network: Any) -> Any:
    try:
        return network.loss_curve_
    except AttributeError as error:
        raise ValueError(
            f"{type(network).__name__} has no loss_curve_. BackpropClassifier has one, and "
            "MLPClassifier with solver='sgd' or 'adam'."
        ) from error


def _best_iter(network: Any) -> int | None:
    """Return the index of the best validation score; MLPClassifier does not keep it."""
    if hasattr(network, "best_iter_"):
        return network.best_iter_
    scores = getattr(network, "validation_scores_", None)
    return None if scores is None else int(np.argmax(scores))


def _draw(ax: Any, curve: ArrayLike, style: dict[str, Any], best_iter: int | None = None) -> Any:
    """Return the line of a curve by iteration, with a circle at the best one."""
    losses = np.asarray(curve)
    if best_iter is not None:
        style = {**_CIRCLE, "markevery": [best_iter], **style}
    elif len(losses) == 1:  # no line is seen
        style = {"marker": ".", **style}
    [line] = ax.plot(np.arange(1, len(losses) + 1), losses, **style)
    return line


def _full_names(line_kw: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of lines without short names, which would stand beside long ones."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return normalize_kwargs(line_kw, Line2D)


def _show_whole_numbers(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    if isinstance(axis.get_major_locator(), MaxNLocator):
        axis.get_major_locator().set_params(integer=True)
