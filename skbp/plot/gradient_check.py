"""The gradient of backpropagation against the numerical one, weight by weight."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skbp import training, weights
from skbp._typing import Floats, Matrix
from skbp.blas_threads import one_blas_thread
from skbp.gradient_check import CostFunction, numerical_gradient, relative_error
from skbp.objective import Objective
from skbp.plot.common import COLORS, axes, fitted_network, network_inputs


class GradientCheckDisplay:
    """The analytic against the numerical gradient, each weight a point.

    It is made by `from_objective` or `from_estimator`. Where the gradient is right, all points
    lie on the diagonal, and the relative error is about 1e-9. A wrong formula takes some of them
    off it, and their colour says in which layer.

    Parameters
    ----------
    analytic : array-like of shape (n_parameters,)
        ∂J/∂Θ, as it was programmed.
    numerical : array-like of shape (n_parameters,)
        Its approximation by central differences.
    layers : array-like of int of shape (n_parameters,), default=None
        The l of the Θ^(l) that each weight belongs to. None for points of one colour.

    Attributes
    ----------
    relative_error : float
        ‖D − D_num‖ / (‖D‖ + ‖D_num‖), as `skbp.gradient_check.check_gradient` returns it.
    points_ : list of matplotlib PathCollection
        The points, those of each layer.
    diagonal_ : matplotlib Line2D
        Where both gradients are equal.
    ax_ : matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    skbp.gradient_check.check_gradient : The relative error alone.

    Examples
    --------
    A gradient in which somebody has forgotten that the penalty leaves out the bias units:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.plot import GradientCheckDisplay
    >>> network = Network((2, 3, 1))
    >>> X, Y = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])
    >>> objective = Objective(network, X, Y, alpha=1.0)
    >>> theta = network.initialize(0)
    >>> bool(GradientCheckDisplay.from_objective(objective, theta).relative_error < 1e-7)
    True
    >>> def wrong(theta):
    ...     J, D = objective(theta)
    ...     for Theta, D_l in zip(network.unpack(theta), network.unpack(D)):
    ...         D_l[:, 0] += objective.alpha / objective.m * Theta[:, 0]
    ...     return J, D
    >>> bool(GradientCheckDisplay.from_objective(wrong, theta).relative_error > 0.01)
    True
    """

    def __init__(
        self, *, analytic: ArrayLike, numerical: ArrayLike, layers: ArrayLike | None = None
    ) -> None:
        self.analytic: Floats = np.asarray(analytic)
        self.numerical: Floats = np.asarray(numerical)
        self.layers = None if layers is None else np.asarray(layers)
        self.relative_error = relative_error(self.analytic, self.numerical)

    @classmethod
    def from_objective(
        cls,
        objective: CostFunction,
        theta: Floats,
        epsilon: float = 1e-5,
        *,
        ax: Any = None,
        **scatter_kw: Any,
    ) -> Self:
        """Compare the gradient of a cost with central differences, and draw it.

        Parameters
        ----------
        objective : callable
            Maps ``theta`` to (J, D), as :class:`skbp.objective.Objective` does; computed in
            float64. If it has a ``network``, the points have the colours of its layers.
        theta : ndarray of shape (n_parameters,)
            Where to compare, a point at which J has a derivative. J is evaluated twice for
            each of its entries.
        epsilon : float, default=1e-5
            The step of the central differences.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **scatter_kw : dict
            For :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            What was drawn.
        """
        theta = np.array(theta, dtype=float)
        with one_blas_thread():
            _, analytic = objective(theta)
            numerical = numerical_gradient(objective, theta, epsilon)
        network = getattr(objective, "network", None)
        layers = None if network is None else _layers(network)
        display = cls(analytic=analytic, numerical=numerical, layers=layers)
        return display.plot(ax, **scatter_kw)

    @classmethod
    def from_estimator(
        cls,
        clf: Any,
        X: Matrix,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        epsilon: float = 1e-5,
        ax: Any = None,
        **scatter_kw: Any,
    ) -> Self:
        """Check the gradient of a fitted network at its weights, and draw it.

        The cost is the one that `fit` would minimise on these examples, with the classifier's
        ``loss``, ``alpha``, ``class_weight`` and ``label_smoothing``, without dropout. It is
        computed in float64.

        Parameters
        ----------
        clf : BackpropClassifier, Pipeline or search
            A fitted network, a pipeline that ends in one, or a search that has refitted one.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Examples; a few are enough. The cost is evaluated on them twice for each weight.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Their labels, of classes that the network knows.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the examples.
        epsilon : float, default=1e-5
            The step of the central differences.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **scatter_kw : dict
            For :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If X, y or the weights are invalid, or the network is no BackpropClassifier.

        Notes
        -----
        On the examples that the network was trained with, the gradient is nearly zero, and
        what rounding adds to the numerical one is a larger part of it: the relative error may
        then be above 1e-7, and no point need be off the diagonal.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> from skbp.plot import GradientCheckDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> display = GradientCheckDisplay.from_estimator(model, X[::10], y[::10])
        >>> display.analytic.shape, bool(display.relative_error < 1e-6)
        ((43,), True)
        """
        classifier = fitted_network(clf)
        objective = _objective(classifier, network_inputs(clf, X), y, sample_weight)
        Thetas = weights.join(classifier.coefs_, classifier.intercepts_)
        theta = objective.network.pack(Thetas)
        return cls.from_objective(objective, theta, epsilon, ax=ax, **scatter_kw)

    def plot(self, ax: Any = None, **scatter_kw: Any) -> Self:
        """Draw the points and the diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **scatter_kw : dict
            For :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            Itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        both = np.concatenate([self.analytic, self.numerical])
        ends = [both.min(), both.max()]
        [self.diagonal_] = ax.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
        own_color = {"c", "color"} & scatter_kw.keys()
        self.points_ = [
            ax.scatter(
                self.numerical[rows],
                self.analytic[rows],
                **({} if own_color else {"color": color}),
                **{"label": label, "s": 16, "alpha": 0.8, **scatter_kw},
            )
            for label, color, rows in self._groups()
        ]
        ax.set_xlabel("numerical ∂J/∂Θ", labelpad=10)  # below the axis' power of ten
        ax.set(ylabel="analytic ∂J/∂Θ", box_aspect=1)
        ax.set_title(f"relative error {self.relative_error:.1e}", size="medium")
        if self.layers is not None:
            ax.legend(handletextpad=0)
        return self

    def _groups(self) -> Iterator[tuple[str, str, Any]]:
        """Yield a label, a colour and the weights that have these, for each layer."""
        if self.layers is None:
            yield "weights", COLORS[0], slice(None)
            return
        for layer in np.unique(self.layers).tolist():
            color = COLORS[(layer - 1) % len(COLORS)]
            yield rf"$\Theta^{{({layer})}}$", color, self.layers == layer


def _layers(network: Any) -> Any:
    """Return the l of the Θ^(l) that each weight of a network belongs to."""
    sizes = [outputs * inputs for outputs, inputs in network.shapes]
    return np.repeat(np.arange(1, len(sizes) + 1), sizes)


def _objective(
    classifier: Any, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None
) -> Objective:
    """Return the cost that `fit` would minimise on these examples, in float64."""
    if not hasattr(classifier, "_network"):
        raise ValueError(
            "The gradient of a BackpropClassifier is checked. "
            f"Got {type(classifier).__name__} instead."
        )
    fit = training.begin(
        classifier,
        X,
        y,
        sample_weight,
        goes_on=True,
        binarizer=classifier._label_binarizer,
        state=classifier._state,
    )
    examples = replace(fit.examples, X=fit.examples.X.astype(float, copy=False))
    return replace(fit, examples=examples).objective(classifier._network)
