"""Display of the units and links of a network, and of one sample passing through it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skbp import weights
from skbp._typing import Floats, Labels
from skbp.plot.common import ArtistProperties, Estimator, fitted_network, pyplot
from skbp.plot.network_drawing import draw_links, fit
from skbp.plot.network_layout import Link, links, place, weight_norms
from skbp.plot.network_marks import sample_marks, weights_marks
from skbp.plot.network_sample import propagate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class NetworkDisplay:
    """Diagram of a network as on the lecture's slides: layers of units and their links.

    Create it with `from_estimator`, which shows the weights, or with `from_sample`, which shows
    the activations, errors and gradient of one sample. Each layer is a column of units, with the
    bias unit, +1, at the top. The colour of a link shows its value, on a scale symmetric about 0;
    its width grows with the absolute value. The values are written on the links if there are at
    most 20 and they fit. Long names are broken into two lines.

    Parameters
    ----------
    Thetas : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        Weights Θ^(1), …, Θ^(L−1), with the weights of the bias unit in column 0.
    feature_names : sequence of str
        Names of the features.
    output_names : sequence of str
        Names of the output units.
    max_units : int, default=12
        Maximum number of units shown per layer, not counting the bias unit. Of a larger layer,
        those with the largest weights are shown: a unit counts by the norm of the weights on all
        links that lead to and from it, without those of bias units.

    Attributes
    ----------
    marks : Marks
        Values and texts drawn on the units and links.
    activations : list of ndarray of shape (s_l,)
        Activations a^(1), …, a^(L) of the sample. Only set by `from_sample`.
    deltas : list of ndarray of shape (s_l,)
        Errors δ^(2), …, δ^(L) of the sample. Only set by `from_sample`.
    gradients : list of ndarray of shape (s_{l+1}, s_l + 1)
        Gradient ∂J/∂Θ^(1), …, ∂J/∂Θ^(L−1), where J is the loss of the sample. Only set by
        `from_sample`.
    loss : float
        Loss of the sample, without the penalty. Only set by `from_sample`.
    layers : list of Layer
        Units that are shown, with their positions.
    shown_links : list of (int, int, int)
        Indices l, j and i of each shown link, whose weight is Θ^(l)_ji, in the order of
        ``links_``: sorted by absolute value, so that the largest is drawn on top.
    links_ : matplotlib LineCollection
        Links; ``links_.get_array()`` returns their values.
    link_texts_ : dict of (int, int, int) to matplotlib Text
        Values written on the links, by l, j and i.
    units_ : matplotlib EllipseCollection
        Units, layer by layer and from the top.
    unit_texts_, delta_texts_ : dict of (int, int) to matplotlib Text
        Texts in and below the units, by l and j.
    feature_texts_, output_texts_ : list of matplotlib Text
        Texts beside the first and the last layer.
    headings_, ellipses_ : list of matplotlib Text
        Headings above the layers, and the numbers of units that are not shown, below them.
    colorbar_ : matplotlib Colorbar
        Colour bar.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    Raises
    ------
    ValueError
        If the number of names is wrong, or ``max_units`` is not an integer of at least 3.

    See Also
    --------
    HiddenUnitsDisplay : Plot the weights of the first layer as images.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skbp import BackpropClassifier
    >>> from skbp.plot import NetworkDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((5,), random_state=0).fit(scale(X), y)
    >>> display = NetworkDisplay.from_estimator(model)
    >>> [Theta.shape for Theta in display.Thetas]
    [(5, 5), (3, 6)]
    >>> len(display.shown_links)
    43
    """

    activations: list[Floats]
    deltas: list[Floats]
    gradients: list[Floats]
    loss: float

    def __init__(
        self,
        Thetas: Sequence[Floats],
        *,
        feature_names: Sequence[str],
        output_names: Sequence[str],
        max_units: int = 12,
    ) -> None:
        norms = weight_norms(Thetas)
        self.Thetas = list(Thetas)
        self.feature_names = _checked_names("feature_names", feature_names, len(norms[0]))
        self.output_names = _checked_names("output_names", output_names, len(norms[-1]))
        self.max_units = max_units
        self.layers = place(norms, max_units)
        self.marks = weights_marks(self.Thetas, self.feature_names, self.output_names)

    @classmethod
    def from_estimator(
        cls,
        clf: Estimator,
        feature_names: Sequence[str] | None = None,
        max_units: int = 12,
        *,
        ax: "Axes | None" = None,
        **link_kw: Any,
    ) -> Self:
        """Plot the weights of a fitted network.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            Fitted network, fitted pipeline that ends in one, or fitted search with
            ``refit=True``.
        feature_names : sequence of str, default=None
            Names of the input features of the network. If None, the names known to the network
            or its pipeline, otherwise x₁, x₂, ….
        max_units : int, default=12
            Maximum number of units shown per layer, not counting the bias unit. Of a larger
            layer, those with the largest norm of the weights are shown.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure of a suitable size is created.
        **link_kw : dict
            Properties of the links, a :class:`matplotlib.collections.LineCollection`, such as
            ``cmap`` or ``alpha``.

        Returns
        -------
        NetworkDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If the number of names is wrong, or ``max_units`` is not an integer of at least 3.
        """
        return cls._of(clf, feature_names, max_units).plot(ax, **link_kw)

    @classmethod
    def from_sample(
        cls,
        clf: Estimator,
        x: ArrayLike,
        y: Labels,
        *,
        feature_names: Sequence[str] | None = None,
        max_units: int = 12,
        ax: "Axes | None" = None,
        **link_kw: Any,
    ) -> Self:
        """Plot the activations, errors and gradient of one sample.

        Each unit shows its activation: green is positive, violet negative; 0 has no colour. Full
        colour is 1, or the largest absolute activation of the layer if that exceeds 1. Its error
        δ is written below it. Each link shows the gradient ∂J/∂Θ^(l)_ji = δ_j^(l+1) a_i^(l) of
        the sample. The title shows the label of the sample and its loss J, without the penalty,
        class weights and label smoothing.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            Fitted network, fitted pipeline that ends in one, or fitted search with
            ``refit=True``.
        x : array-like of shape (n_features,) or (1, n_features), or str
            Input sample, as accepted by ``clf.predict``; the earlier steps of a pipeline
            transform it. Pass a str to a pipeline that takes texts.
        y : label, or array-like of shape (n_labels,) or (1, n_labels)
            Label of the sample; for multilabel y, a row of the indicator matrix.
        feature_names : sequence of str, default=None
            As in `from_estimator`.
        max_units : int, default=12
            As in `from_estimator`.
        ax : matplotlib Axes, default=None
            As in `from_estimator`.
        **link_kw : dict
            As in `from_estimator`.

        Returns
        -------
        NetworkDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If ``x`` is not one sample with the right number of features, ``y`` is unknown, the
            number of names is wrong, or ``max_units`` is not an integer of at least 3.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from skbp import BackpropClassifier
        >>> from skbp.plot import NetworkDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(scale(X), y)
        >>> display = NetworkDisplay.from_sample(model, scale(X)[77], y[77])
        >>> [a.shape for a in display.activations], [delta.shape for delta in display.deltas]
        ([(4,), (5,), (3,)], [(5,), (3,)])
        """
        display, sample = cls._of(clf, feature_names, max_units), propagate(clf, x, y)
        display.activations, display.deltas = sample.activations, sample.deltas
        display.gradients, display.loss = sample.gradients, sample.loss
        display.marks = sample_marks(sample, display.feature_names, display.output_names)
        return display.plot(ax, **link_kw)

    @classmethod
    def _of(cls, clf: Estimator, feature_names: Sequence[str] | None, max_units: int) -> Self:
        network = fitted_network(clf)
        return cls(
            weights.join(network.coefs_, network.intercepts_),
            feature_names=_feature_names(clf) if feature_names is None else feature_names,
            # for binary y, the positive class
            output_names=network.classes_[-network.n_outputs_ :],
            max_units=max_units,
        )

    def plot(self, ax: "Axes | None" = None, **link_kw: Any) -> Self:
        """Plot the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure of a suitable size is created.
        **link_kw : dict
            Properties of the links, a :class:`matplotlib.collections.LineCollection`.

        Returns
        -------
        NetworkDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = self._new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw_links(link_kw)
        if self.marks.title:
            self.ax_.set_title(self.marks.title, parse_math=False)
        self._draw_units()
        return self

    def _new_axes(self) -> "Axes":
        n_rows = max(len(layer.y) for layer in self.layers) + 2
        size = (2 + 2.2 * len(self.layers), max(3.6, 0.52 * n_rows))
        return pyplot().subplots(figsize=size, layout="constrained")[1]

    def _draw_links(self, link_kw: ArtistProperties) -> None:
        lines = links(self.layers)
        values = {link: self._value(link) for link in lines}
        self.shown_links = sorted(lines, key=lambda link: abs(values[link]))
        self.links_ = draw_links(
            self.ax_,
            [lines[link] for link in self.shown_links],
            np.array([values[link] for link in self.shown_links]),
        )
        self.links_.set(**link_kw)
        self.colorbar_ = self.figure_.colorbar(
            self.links_, ax=self.ax_, label=self.marks.legend, shrink=0.7, aspect=25
        )

    def _value(self, link: Link) -> float:
        return float(self.marks.links[link.layer - 1][link.j - 1, link.i])

    def _draw_units(self) -> None:
        drawing = fit(self.ax_, self.layers, self.marks)
        self.units_ = drawing.units(self.marks.fills)
        self.unit_texts_ = drawing.inside(self.marks)
        self.delta_texts_ = drawing.below(self.marks)
        self.feature_texts_, self.output_texts_ = drawing.beside(self.marks)
        self.headings_ = drawing.headings(self.marks)
        self.ellipses_ = drawing.ellipses()
        lines = links(self.layers)
        self.link_texts_ = drawing.on_links(lines, {link: self._value(link) for link in lines})


def _checked_names(parameter: str, names: Sequence[str], n: int) -> list[str]:
    if len(names) != n:
        raise ValueError(f"{parameter} must hold {n} names. Got {len(names)} instead: {names!r}.")
    return [str(name) for name in names]


def _feature_names(estimator: Estimator) -> Sequence[str]:
    """Return the names of the input features of the network, by default x₁, x₂, …."""
    network = fitted_network(estimator)
    n_features = network.n_features_in_
    known = getattr(network, "feature_names_in_", _names_from_pipeline(estimator))
    if known is None or list(known) == [f"x{i}" for i in range(n_features)]:
        return [f"x{i}".translate(_SUBSCRIPTS) for i in range(1, n_features + 1)]
    return known


def _names_from_pipeline(estimator: Estimator) -> Sequence[str] | None:
    """Return the feature names that the earlier steps of a pipeline produce, or None."""
    if hasattr(estimator, "best_estimator_"):
        return _names_from_pipeline(estimator.best_estimator_)
    if not hasattr(estimator, "steps") or len(estimator.steps) == 1:
        return None
    try:
        return estimator[:-1].get_feature_names_out()
    except (AttributeError, ValueError):  # a step does not name its output
        return None
