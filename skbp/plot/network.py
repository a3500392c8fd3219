"""The network as a picture: its units and links, and one example that passes through it."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from skbp import weights
from skbp._typing import Floats
from skbp.plot.common import fitted_network, pyplot
from skbp.plot.network_drawing import draw_links, fit
from skbp.plot.network_layout import Link, links, place
from skbp.plot.network_marks import sample_marks, weights_marks
from skbp.plot.network_sample import propagate

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class NetworkDisplay:
    """A network as on the lecture's slides: layers of units, and the links between them.

    It is made by `from_estimator`, with the weights on the links, or by `from_sample`, with what
    one example does in the network. The units of a layer stand in a column, above them the bias
    unit, +1. The colour of a link is its value, on a scale that is symmetric about 0, and its
    width grows with the absolute value. Where no more than 20 links are shown, and there is room,
    the value is written on each.

    Parameters
    ----------
    Thetas : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        Θ^(1), …, Θ^(L−1), with the weights of the bias unit in column 0.
    feature_names : sequence of str
        The names of the features.
    output_names : sequence of str
        The names of the output units.
    max_units : int, default=12
        How many units of a layer are shown, the bias unit not counted: of a larger layer the
        first and the last ones, and an ellipsis.

    Attributes
    ----------
    marks : Marks
        What is on the units and links: the weights, or what an example does.
    activations : list of ndarray of shape (s_l,)
        a^(1), …, a^(L). This one and the next three: of `from_sample` only.
    deltas : list of ndarray of shape (s_l,)
        δ^(2), …, δ^(L).
    gradients : list of ndarray of shape (s_{l+1}, s_l + 1)
        ∂J/∂Θ^(1), …, ∂J/∂Θ^(L−1), where J is the loss of this example alone.
    loss : float
        That loss, without the penalty.
    layers : list of Layer
        Which units are shown, and where.
    shown_links : list of (int, int, int)
        l, j and i of each shown link, which Θ^(l)_ji weighs, in the order of ``links_``: the
        largest absolute value comes last, and is on top.
    links_ : matplotlib LineCollection
        The links; ``links_.get_array()`` has their values.
    link_texts_ : dict of (int, int, int) to matplotlib Text
        What is written on the links, by l, j and i.
    units_ : matplotlib EllipseCollection
        The units, layer by layer and from the top.
    unit_texts_, delta_texts_ : dict of (int, int) to matplotlib Text
        What is written in the units and below them, by l and j.
    feature_texts_, output_texts_ : list of matplotlib Text
        What is written beside the first and the last layer.
    headings_, ellipses_ : list of matplotlib Text
        What is written above the layers, and in place of the units that are not shown.
    colorbar_ : matplotlib Colorbar
        What the colours mean.
    ax_ : matplotlib Axes
        Where all is drawn.
    figure_ : matplotlib Figure
        The figure of these axes.

    Raises
    ------
    ValueError
        If the number of names is wrong, or ``max_units`` is not an integer of at least 3.

    See Also
    --------
    HiddenUnitsDisplay : The weights of each unit of the first layer, as an image.

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
        sizes = (Thetas[0].shape[1] - 1, *map(len, Thetas))
        self.Thetas = list(Thetas)
        self.feature_names = _checked_names("feature_names", feature_names, sizes[0])
        self.output_names = _checked_names("output_names", output_names, sizes[-1])
        self.max_units = max_units
        self.layers = place(sizes, max_units)
        self.marks = weights_marks(self.Thetas, self.feature_names, self.output_names)

    @classmethod
    def from_estimator(
        cls,
        clf: Any,
        feature_names: Sequence[str] | None = None,
        max_units: int = 12,
        *,
        ax: Any = None,
        **link_kw: Any,
    ) -> Self:
        """Draw the weights of a network.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            A fitted network, a pipeline that ends in one, or a search that has refitted one.
        feature_names : sequence of str, default=None
            The names of the features that reach the network. None for those that it or its
            pipeline knows, else x₁, x₂, ….
        max_units : int, default=12
            How many units of a layer are shown, the bias unit not counted: of a larger layer
            the first and the last ones, and an ellipsis.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure that is large enough.
        **link_kw : dict
            Properties of the links, a :class:`matplotlib.collections.LineCollection`, such as
            ``cmap`` or ``alpha``.

        Returns
        -------
        NetworkDisplay
            What was drawn.

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
        clf: Any,
        x: Any,
        y: Any,
        *,
        feature_names: Sequence[str] | None = None,
        max_units: int = 12,
        ax: Any = None,
        **link_kw: Any,
    ) -> Self:
        """Draw a network while one example passes: activations forward, the error back.

        In each unit is its activation; white is 0, green positive and violet negative, and the
        full colour is 1, or the largest absolute activation of the layer if that is more. Below
        it is its error δ. Each link has the gradient ∂J/∂Θ^(l)_ji = δ_j^(l+1) a_i^(l) of this
        example. The title has its label, and its loss J without the penalty; class weights
        and label smoothing do not count.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            A fitted network, a pipeline that ends in one, or a search that has refitted one.
        x : array-like of shape (n_features,) or (1, n_features), or str
            The example, as ``clf.predict`` takes it; the earlier steps of a pipeline transform
            it. A str for a pipeline that takes texts.
        y : label, or array-like of shape (n_labels,) or (1, n_labels)
            Its label; for multilabel y, its row of the indicator matrix.
        feature_names : sequence of str, default=None
            As for `from_estimator`.
        max_units : int, default=12
            As for `from_estimator`.
        ax : matplotlib Axes, default=None
            As for `from_estimator`.
        **link_kw : dict
            As for `from_estimator`.

        Returns
        -------
        NetworkDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If ``x`` is not one example, has another number of features, ``y`` is unknown, the
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
    def _of(cls, clf: Any, feature_names: Sequence[str] | None, max_units: int) -> Self:
        network = fitted_network(clf)
        return cls(
            weights.join(network.coefs_, network.intercepts_),
            feature_names=_feature_names(clf) if feature_names is None else feature_names,
            # of two classes, the one that the only output unit stands for
            output_names=network.classes_[-network.n_outputs_ :],
            max_units=max_units,
        )

    def plot(self, ax: Any = None, **link_kw: Any) -> Self:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure that is large enough.
        **link_kw : dict
            Properties of the links, a :class:`matplotlib.collections.LineCollection`.

        Returns
        -------
        NetworkDisplay
            Itself.

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

    def _new_axes(self) -> Any:
        n_rows = max(len(layer.y) for layer in self.layers) + 2
        size = (2 + 2.2 * len(self.layers), max(3.6, 0.52 * n_rows))
        return pyplot().subplots(figsize=size, layout="constrained")[1]

    def _draw_links(self, link_kw: dict[str, Any]) -> None:
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


def _feature_names(estimator: Any) -> Sequence[str]:
    """Return the names of the features that reach the network, or x₁, … if it has none."""
    network = fitted_network(estimator)
    n_features = network.n_features_in_
    known = getattr(network, "feature_names_in_", _names_from_pipeline(estimator))
    if known is None or list(known) == [f"x{i}" for i in range(n_features)]:
        return [f"x{i}".translate(_SUBSCRIPTS) for i in range(1, n_features + 1)]
    return known


def _names_from_pipeline(estimator: Any) -> Any:
    """Return the names that a pipeline's earlier steps give the features; None without them."""
    if hasattr(estimator, "best_estimator_"):
        return _names_from_pipeline(estimator.best_estimator_)
    if not hasattr(estimator, "steps") or len(estimator.steps) == 1:
        return None
    try:
        return estimator[:-1].get_feature_names_out()
    except (AttributeError, ValueError):  # a step does not name what it makes
        return None
