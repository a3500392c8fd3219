"""Display of the scores of a search over two parameters as a heat map."""

from collections.abc import Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skbp._typing import Floats, Rows
from skbp.plot.common import Estimator, axes, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARK = "#D55E00"
_SIZE = 10  # largest font size of the scores, in points
_ASPECT = 0.65  # width of a character divided by the font size


class GridSearchDisplay:
    """Heat map of the mean scores of a search over two parameters.

    Create it with `from_search`. A solid frame marks the best mean score. A dashed line encloses
    the cells within one standard error of it, which the folds cannot tell apart from the best.
    The one-standard-error rule chooses the simplest model among them, here the one with the
    largest λ or the fewest units.

    Parameters
    ----------
    x_name, y_name : str
        Names of the parameters. ``y_name`` is None for a search over one parameter.
    x_values, y_values : sequence of object
        Values of the parameters.
    mean_scores : array-like of shape (n_y, n_x)
        Mean score of each cell over the folds; NaN for cells without a score.
    best_cell : tuple of (int, int)
        Row and column of the best mean score.
    standard_error : float
        Standard error of the best mean score.
    one_standard_error : array-like of bool of shape (n_y, n_x)
        Mask of the cells within one standard error of the best mean score.
    score_name : str, default="score"
        Name of the score, used as the label of the colour bar.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        Heat map.
    text_ : ndarray of shape (n_y, n_x), of matplotlib Text or None
        Text of each score; None for cells without a score.
    best_frame_ : matplotlib Rectangle
        Frame of the best cell.
    region_ : matplotlib LineCollection
        Outline of the cells within one standard error.
    colorbar_ : matplotlib Colorbar
        Colour bar.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", second edition,
    Springer 2009, section 7.10 (the one-standard-error rule).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbp import BackpropClassifier
    >>> from skbp.plot import GridSearchDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BackpropClassifier(random_state=0)
    >>> model = Pipeline([("scale", StandardScaler()), ("network", network)])
    >>> grid = {"network__alpha": [0.1, 1, 10], "network__hidden_layer_sizes": [(2,), (5,)]}
    >>> search = GridSearchCV(model, grid, cv=3).fit(X, y)
    >>> display = GridSearchDisplay.from_search(search, x="alpha", y="hidden_layer_sizes")
    >>> display.x_name, display.mean_scores.shape
    ('network__alpha', (2, 3))
    """

    def __init__(
        self,
        *,
        x_name: str,
        y_name: str | None,
        x_values: Sequence[object],
        y_values: Sequence[object],
        mean_scores: ArrayLike,
        best_cell: tuple[int, int],
        standard_error: float,
        one_standard_error: ArrayLike,
        score_name: str = "score",
    ) -> None:
        self.x_name = x_name
        self.y_name = y_name
        self.x_values = x_values
        self.y_values = y_values
        self.mean_scores = mean_scores
        self.best_cell = best_cell
        self.standard_error = standard_error
        self.one_standard_error = one_standard_error
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search: Estimator,
        x: str = "alpha",
        y: str | None = "hidden_layer_sizes",
        *,
        metric: str | None = None,
        ax: "Axes | None" = None,
        **im_kw: Any,
    ) -> Self:
        """Plot the scores of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, BackpropClassifierCV or another search with ``cv_results_``
            Fitted search, or fitted pipeline that ends in one. Combinations that were not tried
            stay blank. If several candidates share a cell because other parameters vary too, the
            best one is shown; for a halving search, the best one of the last iteration that the
            cell reached.
        x : str, default="alpha"
            Parameter of the columns. The prefix of a pipeline step may be omitted.
        y : str or None, default="hidden_layer_sizes"
            Parameter of the rows. None for a search over one parameter.
        metric : str, default=None
            Metric to plot for a search with several. If None, the one used by ``refit``.
        ax : matplotlib Axes, default=None
            Axes to draw on; the colour bar takes part of their space. If None, a new figure is
            created.
        **im_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        GridSearchDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        ValueError
            If a parameter or the metric is unknown or ambiguous, or no candidate has a score.

        Notes
        -----
        The standard error of a mean is the standard deviation over the folds divided by the
        square root of the number of folds.
        """
        search = search[-1] if hasattr(search, "steps") else search
        check_is_fitted(search, "cv_results_")
        metric = _metric(search, metric)
        x_name = _full_name(search, x)
        y_name = None if y is None else _full_name(search, y)
        columns, x_values = _numbered(_tried(search, x_name))
        rows, y_values = _numbered(_tried(search, y_name))
        means = np.asarray(search.cv_results_[f"mean_test_{metric}"], dtype=float)
        errors = search.cv_results_[f"std_test_{metric}"] / np.sqrt(search.n_splits_)
        stages = np.asarray(search.cv_results_.get("iter", np.zeros(len(means))), dtype=float)

        order = _from_worst_to_best(stages, means)
        best = order[-1]
        cells = rows[order], columns[order]  # in each cell the last one wins
        mean_scores, stage_reached = np.full((2, len(y_values), len(x_values)), np.nan)
        mean_scores[cells], stage_reached[cells] = means[order], stages[order]
        is_near = mean_scores >= means[best] - errors[best]
        display = cls(
            x_name=x_name,
            y_name=y_name,
            x_values=x_values,
            y_values=y_values,
            mean_scores=mean_scores,
            best_cell=(int(rows[best]), int(columns[best])),
            standard_error=float(errors[best]),
            one_standard_error=is_near & (stage_reached == stages[best]),
            score_name=search.scoring if isinstance(search.scoring, str) else metric,
        )
        return display.plot(ax, **im_kw)

    def plot(self, ax: "Axes | None" = None, **im_kw: Any) -> Self:
        """Plot the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; the colour bar takes part of their space. If None, a new figure is
            created.
        **im_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        GridSearchDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        scores = np.asarray(self.mean_scores, dtype=float)
        self.im_ = ax.imshow(
            np.ma.masked_invalid(scores), **{"aspect": "auto", "origin": "lower", **im_kw}
        )
        self.colorbar_ = ax.figure.colorbar(self.im_, ax=ax, label=f"Mean {self.score_name}")
        self._name_axes()
        self._write_scores(scores)
        self._mark()
        return self

    def _name_axes(self) -> None:
        """Label the axes and ticks; rotate the column labels if they would overlap."""
        names = [name for name in (self.x_name, self.y_name) if name is not None]
        short = [name.rpartition("__")[2] for name in names]
        x_label, y_label, *_ = [*(short if len(set(short)) == len(short) else names), ""]
        self.ax_.set(xlabel=x_label, ylabel=y_label)
        columns, rows = (
            [_text(value) for value in each] for each in (self.x_values, self.y_values)
        )
        width, _ = _cell_size(self.ax_, (len(rows), len(columns)))
        is_crowded = _SIZE * _ASPECT * max(map(len, columns)) > width
        self.ax_.set_xticks(range(len(columns)), columns, rotation=90 if is_crowded else 0)
        self.ax_.set_yticks(*([], []) if self.y_name is None else (range(len(rows)), rows))

    def _write_scores(self, scores: Floats) -> None:
        """Write each score into its cell, in black or white."""
        cells = list(map(tuple, np.argwhere(np.isfinite(scores)).tolist()))
        texts = [f"{scores[cell]:#.3g}" for cell in cells]
        width, height = _cell_size(self.ax_, scores.shape)
        size, rotation = _fitting(max(map(len, texts)), width, height)
        self.text_ = np.full(scores.shape, None, dtype=object)
        for (row, column), text in zip(cells, texts, strict=True):
            background = self.im_.cmap(self.im_.norm(scores[row, column]))
            self.text_[row, column] = self.ax_.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                size=size,
                rotation=rotation,
                color="black" if _luminance(background) > 0.18 else "white",
            )

    def _mark(self) -> None:
        """Draw the frame and the outline, and explain them in the title."""
        from matplotlib.collections import LineCollection
        from matplotlib.patches import Rectangle

        row, column = self.best_cell
        self.best_frame_ = self.ax_.add_patch(
            Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, fill=False, lw=2, ec=_MARK)
        )
        self.region_ = self.ax_.add_collection(
            LineCollection(
                _outline(np.asarray(self.one_standard_error)),
                colors=_MARK,
                linewidths=2,
                linestyles="--",
                clip_on=False,
            )
        )
        self.ax_.set_title(
            "solid frame: best\ndashed line: within one standard error of it", size="small"
        )


def _metric(search: Estimator, metric: str | None) -> str:
    """Return the name of the metric to plot."""
    names = [
        key.removeprefix("mean_test_") for key in search.cv_results_ if key.startswith("mean_test_")
    ]
    refitted = names[0] if len(names) == 1 else search.refit
    name = refitted if metric is None else metric
    if name not in names:
        raise ValueError(f"metric must be one of {names}. Got {metric!r} instead.")
    return name


def _full_name(search: Estimator, name: str) -> str:
    """Return the name of a parameter including its prefix."""
    names = list(dict.fromkeys(key for params in search.cv_results_["params"] for key in params))
    found = [each for each in names if each == name]
    found = found or [each for each in names if each.endswith(f"__{name}")]
    if len(found) != 1:
        raise ValueError(
            f"{name!r} is {'not a parameter' if not found else 'the end of several parameters'} "
            f"of the search, which has {names}."
        )
    return found[0]


def _tried(search: Estimator, name: str | None) -> list[object]:
    """Return the value of a parameter for each candidate, by default the estimator's."""
    candidates = search.cv_results_["params"]
    if name is None:
        return [""] * len(candidates)
    if all(name in params for params in candidates):
        return [params[name] for params in candidates]
    default = search.estimator.get_params().get(name)
    return [params.get(name, default) for params in candidates]


def _numbered(values: Sequence[object]) -> tuple[Rows, list[object]]:
    """Return the index of each value among the unique values, and the unique values.

    Numbers and tuples of numbers are sorted, shorter tuples first.
    """
    different: list[Any] = list({str(value): value for value in values}.values())
    if all(_is_numeric(value) for value in different):
        different.sort(key=lambda value: (np.size(value), np.ravel(value).tolist()))
    numbers = {str(value): number for number, value in enumerate(different)}
    return np.array([numbers[str(value)] for value in values]), different


def _is_numeric(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_numeric(each) for each in value)
    return isinstance(value, Number) and not isinstance(value, bool)


def _from_worst_to_best(stages: Floats, means: Floats) -> Rows:
    """Return the scored candidates sorted by stage, then score; of equal ones the first is last."""
    scored = np.flatnonzero(np.isfinite(means))
    if not scored.size:
        raise ValueError("No candidate of the search has a score.")
    return scored[np.lexsort((-scored, means[scored], stages[scored]))]


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' if len(value) == 1 else ''})"
    # functions have a __name__, activations a name
    name = getattr(value, "__name__", getattr(value, "name", value))
    return shortened(str(name))


def _cell_size(ax: "Axes", shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the approximate width and height of a cell in points, before the layout is done."""
    n_rows, n_columns = shape
    width, height = np.asarray(ax.get_window_extent().size) * 72 / ax.figure.dpi * 0.8
    return width / n_columns, height / n_rows


def _fitting(n_characters: int, width: float, height: float) -> tuple[float, int]:
    """Return the largest font size at which a text fits into a cell, and its rotation."""
    sizes = {
        rotation: min(_SIZE, along / (_ASPECT * n_characters), across / 1.5)
        for rotation, along, across in ((0, width, height), (90, height, width))
    }
    rotation = max(sizes, key=lambda each: sizes[each])
    return sizes[rotation], rotation


def _luminance(color: Sequence[float] | Floats) -> float:
    """Return the relative luminance of an sRGB colour as defined by WCAG.

    Above 0.18, black text has more contrast than white text.
    """
    rgb = np.asarray(color[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _outline(region: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Return the edges around the cells of a region."""
    inside = np.pad(region, 1)
    upright = np.argwhere(inside[1:-1, 1:] != inside[1:-1, :-1]) - 0.5
    level = np.argwhere(inside[1:, 1:-1] != inside[:-1, 1:-1]) - 0.5
    return [
        *([(x, y), (x, y + 1)] for y, x in upright.tolist()),
        *([(x, y), (x + 1, y)] for y, x in level.tolist()),
    ]
