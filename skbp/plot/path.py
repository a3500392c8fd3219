"""Display of the scores of cross-validation over λ."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skbp._typing import Floats
from skbp.estimator.selection import mean_scores, one_standard_error
from skbp.plot.common import COLORS, Estimator, axes, full_names, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

_GREY = "0.5"  # visible on white and on black


class PathDisplay:
    """Scores of a `BackpropClassifierCV` over λ, with a line for each network.

    Create it with `from_estimator`. A line is the mean over the folds, the band around it one
    standard error. Vertical lines mark the λ that was chosen, and the one of the
    one-standard-error rule, which is the largest whose mean is within one standard error of the
    best one of its network. Lines end where the path of a fold has ended.

    Parameters
    ----------
    names : sequence of str
        Labels of the networks in the legend.
    alphas : array-like of shape (n_alphas,)
        Values of λ.
    means : array-like of shape (n_networks, n_alphas)
        Mean losses or scores; NaN where there is none.
    standard_errors : array-like of shape (n_networks, n_alphas)
        Their standard errors.
    alpha : float
        λ that was chosen.
    simplest_alpha : float
        λ of the one-standard-error rule.
    score_name : str, default="Validation loss"
        Label of the vertical axis.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        Mean of each network.
    bands_ : list of matplotlib PolyCollection
        Standard errors of each network.
    alpha_line_ : matplotlib Line2D
        Line at the λ that was chosen.
    simplest_alpha_line_ : matplotlib Line2D
        Line at the λ of the one-standard-error rule.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    GridSearchDisplay : Plot the scores of any search over two parameters.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", second edition,
    Springer 2009, section 7.10 (the one-standard-error rule).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skbp import BackpropClassifierCV
    >>> from skbp.plot import PathDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifierCV((5,), random_state=0).fit(scale(X), y)
    >>> display = PathDisplay.from_estimator(model)
    >>> len(display.lines_), display.alpha == model.alpha_
    (2, True)
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        alphas: ArrayLike,
        means: ArrayLike,
        standard_errors: ArrayLike,
        alpha: float,
        simplest_alpha: float,
        score_name: str = "Validation loss",
    ) -> None:
        self.names = names
        self.alphas = alphas
        self.means = means
        self.standard_errors = standard_errors
        self.alpha = alpha
        self.simplest_alpha = simplest_alpha
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, *, ax: "Axes | None" = None, **line_kw: Any
    ) -> Self:
        """Plot the scores of a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifierCV, Pipeline or search
            Fitted estimator, fitted pipeline that ends in one, or fitted search over either.
            Negative losses are plotted as losses, other scores as they are.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **line_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        PathDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it has no scores over λ.
        """
        check_is_fitted(estimator)
        search = _search(estimator)
        if not (hasattr(search, "scores_") and hasattr(search, "alphas_")):
            raise ValueError(
                f"estimator must be, or end in, a BackpropClassifierCV. Got {estimator!r} instead."
            )
        scores = np.asarray(search.scores_)
        scoring = "neg_log_loss" if search.scoring is None else search.scoring
        is_loss = isinstance(scoring, str) and scoring.startswith("neg_")
        name = scoring if isinstance(scoring, str) else "score"
        _, simplest = one_standard_error(scores)
        display = cls(
            names=_names(search.cv_results_["params"][:: len(search.alphas_)]),
            alphas=search.alphas_,
            means=-mean_scores(scores) if is_loss else mean_scores(scores),
            standard_errors=scores.std(axis=0) / np.sqrt(len(scores)),
            alpha=float(search.alpha_),
            simplest_alpha=float(search.alphas_[simplest]),
            score_name=f"Validation {name.removeprefix('neg_').replace('_', ' ')}",
        )
        return display.plot(ax, **line_kw)

    def plot(self, ax: "Axes | None" = None, **line_kw: Any) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **line_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        PathDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        alphas = np.asarray(self.alphas, dtype=float)
        _scale_axis(ax, alphas)
        self.lines_: list[Line2D] = []
        self.bands_: list[PolyCollection] = []
        properties = full_names(line_kw)
        rows = zip(
            self.names, np.asarray(self.means), np.asarray(self.standard_errors), strict=True
        )
        for i, (name, means, errors) in enumerate(rows):
            style = {"color": COLORS[i % len(COLORS)], "marker": "o", "label": name, **properties}
            [line] = ax.plot(alphas, means, **style)
            self.lines_.append(line)
            band = ax.fill_between(
                alphas, means - errors, means + errors, color=line.get_color(), alpha=0.2, lw=0
            )
            self.bands_.append(band)
        self.alpha_line_ = ax.axvline(
            self.alpha, color=_GREY, zorder=1, label=f"chosen λ, {self.alpha:.2g}"
        )
        self.simplest_alpha_line_ = ax.axvline(
            self.simplest_alpha,
            color=_GREY,
            linestyle=":",
            zorder=1,
            label=f"one standard error, {self.simplest_alpha:.2g}",
        )
        ax.update_datalim(np.column_stack([alphas, alphas]), updatey=False)  # those without a score
        ax.autoscale_view(scaley=False)
        ax.set(xlabel="λ", ylabel=self.score_name)
        ax.legend()
        return self


def _search(estimator: Estimator) -> Estimator:
    """Return the estimator at the end of pipelines and searches."""
    if hasattr(estimator, "steps"):
        return _search(estimator[-1])
    if hasattr(estimator, "best_estimator_"):
        return _search(estimator.best_estimator_)
    return estimator


def _names(params: Sequence[dict[str, Any]]) -> list[str]:
    """Return a label for each network: its activation and its sizes."""
    return [shortened(f"{_name(p['activation'])} {p['hidden_layer_sizes']}") for p in params]


def _name(activation: Any) -> str:
    if isinstance(activation, tuple):
        return ", ".join(map(_name, activation))
    return str(getattr(activation, "name", activation))


def _scale_axis(ax: "Axes", alphas: Floats) -> None:
    """Use a log scale, which begins with a linear part where a λ is 0."""
    positive = alphas[alphas > 0]
    if len(positive) == len(alphas):
        ax.set_xscale("log")
    elif positive.size:
        ax.set_xscale("symlog", linthresh=positive.min())
