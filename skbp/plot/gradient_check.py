"""Display that compares the gradient of backpropagation with the numerical gradient."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from skbp import weights
from skbp._typing import Floats, Labels, Matrix, Rows
from skbp.engine.threads import one_blas_thread
from skbp.estimator.assembly import assemble, objective_of
from skbp.gradient_check import CostFunction, numerical_gradient, relative_error
from skbp.objective import Objective
from skbp.plot.common import COLORS, Estimator, FittedNetwork, axes, fitted_network, network_inputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from skbp.estimator.classifier import BackpropClassifier
    from skbp.network import Network


class GradientCheckDisplay:
    """Scatter plot of the analytic against the numerical gradient, one point per weight.

    Create it with `from_objective` or `from_estimator`. If the gradient is correct, all points
    lie on the diagonal and the relative error is about 1e-9. A mistake in the gradient moves
    points off the diagonal; their colour shows the layer.

    Parameters
    ----------
    analytic : array-like of shape (n_parameters,)
        Gradient ∂J/∂Θ to check.
    numerical : array-like of shape (n_parameters,)
        Approximation of the gradient by central differences.
    layers : array-like of int of shape (n_parameters,), default=None
        Index l of the matrix Θ^(l) that each weight belongs to. If None, all points have the same
        colour.

    Attributes
    ----------
    relative_error : float
        Relative error ‖D − D_num‖ / (‖D‖ + ‖D_num‖), as returned by
        `skbp.gradient_check.check_gradient`.
    points_ : list of matplotlib PathCollection
        Points of each layer.
    diagonal_ : matplotlib Line2D
        Line on which both gradients are equal.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    skbp.gradient_check.check_gradient : Return the relative error without plotting.

    Examples
    --------
    A gradient with a mistake, the penalty applied to the weights of the bias units too:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.plot import GradientCheckDisplay
    >>> network = Network((2, 3, 1))
    >>> X, Y = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])
    >>> objective = Objective(network, X, Y, alpha=1.0)
    >>> theta = network.initialize(0, gain=1)
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
        ax: "Axes | None" = None,
        **scatter_kw: Any,
    ) -> Self:
        """Compare the gradient of a cost function with central differences and plot both.

        Parameters
        ----------
        objective : callable
            Function that maps ``theta`` to (J, D), such as
            :class:`skbp.objective.Objective`, evaluated in float64. If it has an attribute
            ``network``, the points are coloured by layer.
        theta : ndarray of shape (n_parameters,)
            Parameters at which to compare; J must be differentiable there. J is evaluated twice
            for each parameter.
        epsilon : float, default=1e-5
            Step size of the central differences.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **scatter_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            Object that stores the computed values.
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
        clf: Estimator,
        X: Matrix,
        y: Labels,
        *,
        sample_weight: ArrayLike | None = None,
        epsilon: float = 1e-5,
        ax: "Axes | None" = None,
        **scatter_kw: Any,
    ) -> Self:
        """Check the gradient of a fitted network at its weights and plot it.

        The cost function is the one that `fit` minimises on these samples, with the classifier's
        ``loss``, ``alpha``, ``class_weight`` and ``label_smoothing`` but without dropout. It is
        evaluated in float64.

        Parameters
        ----------
        clf : BackpropClassifier, Pipeline or search
            Fitted network, fitted pipeline that ends in one, or fitted search with
            ``refit=True``.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; a few are enough. The cost is evaluated twice for each weight.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Target labels, of classes seen in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        epsilon : float, default=1e-5
            Step size of the central differences.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **scatter_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If X, y or sample_weight is invalid, or the network is not a BackpropClassifier.

        Notes
        -----
        On the training samples the gradient of a trained network is nearly zero, so rounding
        errors weigh more: the relative error may exceed 1e-7 although the gradient is correct.

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

    def plot(self, ax: "Axes | None" = None, **scatter_kw: Any) -> Self:
        """Plot the points and the diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **scatter_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        GradientCheckDisplay
            The display itself.

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
                **{
                    "label": label,
                    "s": 16,
                    "alpha": 0.8,
                    **({} if own_color else {"color": color}),
                    **scatter_kw,
                },
            )
            for label, color, rows in self._groups()
        ]
        ax.set_xlabel("numerical ∂J/∂Θ", labelpad=10)  # below the axis' power of ten
        ax.set(ylabel="analytic ∂J/∂Θ", box_aspect=1)
        ax.set_title(f"relative error {self.relative_error:.1e}", size="medium")
        if self.layers is not None:
            ax.legend(handletextpad=0)
        return self

    def _groups(self) -> Iterator[tuple[str, str, Rows | slice]]:
        """Yield the label, the colour and the weight mask of each layer."""
        if self.layers is None:
            yield "weights", COLORS[0], slice(None)
            return
        for layer in np.unique(self.layers).tolist():
            color = COLORS[(layer - 1) % len(COLORS)]
            yield rf"$\Theta^{{({layer})}}$", color, self.layers == layer


def _layers(network: "Network") -> Rows:
    """Return the index l of the matrix Θ^(l) of each weight."""
    sizes = [outputs * inputs for outputs, inputs in network.shapes]
    return np.repeat(np.arange(1, len(sizes) + 1), sizes)


def _objective(
    network: FittedNetwork, X: Matrix, y: Labels, sample_weight: ArrayLike | None
) -> Objective:
    """Return the cost function that `fit` minimises on these samples, in float64."""
    if not hasattr(network, "network_"):
        raise ValueError(
            "clf must be, or end in, a fitted BackpropClassifier. "
            f"Got {type(network).__name__} instead."
        )
    classifier = cast("BackpropClassifier", network)
    problem = assemble(classifier, X, y, sample_weight, known=classifier.targets_)
    examples = replace(problem.dataset, X=problem.dataset.X.astype(float, copy=False))
    problem = replace(problem, examples=examples, network=classifier.network_)
    objective = objective_of(problem)
    assert isinstance(objective, Objective)
    return objective
