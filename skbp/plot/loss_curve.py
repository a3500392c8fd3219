"""Display of the training and validation loss by iteration."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skbp.plot.common import (
    COLORS,
    ArtistProperties,
    Estimator,
    FittedNetwork,
    axes,
    fitted_network,
    full_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

_CIRCLE: ArtistProperties = {"marker": "o", "markerfacecolor": "white"}
_GREY = "0.5"  # visible on white and on black


class LossCurveDisplay:
    """Training and validation loss by iteration.

    Create it with `from_estimator` or `from_estimators`. The solid line is the training loss. The
    dashed line of the same colour is the validation loss, without the penalty. A circle marks the
    iteration with the best validation score, whose weights ``early_stopping`` keeps.

    Parameters
    ----------
    names : sequence of str
        Labels of the estimators in the legend.
    loss_curves : sequence of array-like of shape (n_iter,)
        Training loss of each iteration, for each estimator.
    validation_loss_curves : sequence of array-like or None, default=None
        Validation losses for each estimator; None for an estimator without them.
    best_iters : sequence of int or None, default=None
        Index of the best iteration for each estimator; None for an estimator without one.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        Training loss of each estimator.
    validation_lines_ : list of matplotlib Line2D or None
        Validation loss of each estimator, with the circle.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    Raises
    ------
    ValueError
        If the lengths of the sequences differ.

    See Also
    --------
    GridSearchDisplay : Plot the scores of a search as a heat map.

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
        estimator: Estimator,
        *,
        name: str = "training",
        log_scale: bool = False,
        ax: "Axes | None" = None,
        **line_kw: Any,
    ) -> Self:
        """Plot the loss curve of an estimator.

        Parameters
        ----------
        estimator : BackpropClassifier, MLPClassifier, Pipeline or search
            Fitted network, fitted pipeline that ends in one, or fitted search with
            ``refit=True``. A :class:`sklearn.neural_network.MLPClassifier` has a loss curve if
            its solver is "sgd" or "adam", but no validation losses; its best iteration is
            marked on the training loss.
        name : str, default="training"
            Label of the training loss in the legend.
        log_scale : bool, default=False
            Whether to use a logarithmic scale for the loss.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **line_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        LossCurveDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the estimator has no loss curve.
        """
        return cls.from_estimators({name: estimator}, log_scale=log_scale, ax=ax, **line_kw)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Estimator],
        *,
        log_scale: bool = False,
        ax: "Axes | None" = None,
        **line_kw: Any,
    ) -> Self:
        """Plot the loss curves of several estimators on the same axes.

        Parameters
        ----------
        estimators : dict of str to estimator
            Fitted estimators as in `from_estimator`, keyed by their labels in the legend.
        log_scale : bool, default=False
            Whether to use a logarithmic scale for the loss.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **line_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        LossCurveDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        ValueError
            If an estimator has no loss curve.

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

    def plot(self, ax: "Axes | None" = None, *, log_scale: bool = False, **line_kw: Any) -> Self:
        """Plot the loss curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        log_scale : bool, default=False
            Whether to use a logarithmic scale for the loss.
        **line_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        LossCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        self.lines_: list[Line2D] = []
        self.validation_lines_: list[Line2D | None] = []
        for i, name in enumerate(self.names):
            color = COLORS[i % len(COLORS)]
            self._plot_one(i, {"color": color, "label": name, **full_names(line_kw)})
        ax.set(xlabel="Iteration", ylabel="Loss", yscale="log" if log_scale else "linear")
        _show_whole_numbers(ax.xaxis)
        ax.legend(handles=[*self.lines_, *self._legend_of_styles()])
        return self

    def _plot_one(self, i: int, style: ArtistProperties) -> None:
        """Plot the curves of an estimator and the circle at its best iteration."""
        curve, validation_curve = self.loss_curves[i], self.validation_loss_curves[i]
        best_iter = self.best_iters[i]
        if validation_curve is None:
            self.lines_.append(_draw(self.ax_, curve, style, best_iter))
            self.validation_lines_.append(None)
        else:
            dashed = {"linestyle": "--", **style, "label": "_validation"}
            self.lines_.append(_draw(self.ax_, curve, style))
            self.validation_lines_.append(_draw(self.ax_, validation_curve, dashed, best_iter))

    def _legend_of_styles(self) -> "list[Line2D]":
        """Return the legend handles of the dashed lines and the circles."""
        from matplotlib.lines import Line2D

        handles = []
        if any(line is not None for line in self.validation_lines_):
            handles.append(Line2D([], [], color=_GREY, linestyle="--", label="validation"))
        if any(best is not None for best in self.best_iters):
            circle = {**_CIRCLE, "linestyle": "", "color": _GREY}
            handles.append(Line2D([], [], label="best iteration", **circle))
        return handles


def _loss_curve(network: FittedNetwork) -> Sequence[float]:
    try:
        return network.loss_curve_
    except AttributeError as error:
        raise ValueError(
            f"{type(network).__name__} has no loss_curve_. Use BackpropClassifier, or "
            "MLPClassifier with solver='sgd' or 'adam'."
        ) from error


def _best_iter(network: FittedNetwork) -> int | None:
    """Return the index of the best validation score, which MLPClassifier does not store."""
    if hasattr(network, "best_iter_"):
        return network.best_iter_
    scores = getattr(network, "validation_scores_", None)
    return None if scores is None else int(np.argmax(scores))


def _draw(
    ax: "Axes", curve: ArrayLike, style: ArtistProperties, best_iter: int | None = None
) -> "Line2D":
    """Plot a curve by iteration, with a circle at the best one."""
    losses = np.asarray(curve)
    if best_iter is not None:
        style = {**_CIRCLE, "markevery": [best_iter], **style}
    elif len(losses) == 1:  # a line of one point is invisible
        style = {"marker": ".", **style}
    [line] = ax.plot(np.arange(1, len(losses) + 1), losses, **style)
    return line


def _show_whole_numbers(axis: "Axis") -> None:
    from matplotlib.ticker import MaxNLocator

    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(integer=True)
