"""The network: layer sizes, Θ, forward propagation and backpropagation.

All weights Θ^(1), …, Θ^(L−1) live in one flat vector ``theta``, so that every
solver is plain vector algebra; ``unpack`` gives the matrices as views into it.
Rows of X and of every activation are examples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils import check_random_state

from skbp._typing import Floats, Matrix
from skbp.activations import (
    ACTIVATIONS,
    OUTPUT_ACTIVATIONS,
    Activation,
    OutputActivation,
    glorot_bound,
    resolve,
)

__all__ = ["Network"]

T = TypeVar("T")


@dataclass(frozen=True)
class Network:
    """A fully connected feedforward network of L layers.

    Parameters
    ----------
    layer_sizes : tuple of int, of length L ≥ 2
        (s_1, …, s_L): the number of units of each layer, bias units not counted.
        s_1 is the number of features, s_L the number K of output units.
    activation : str, Activation or a sequence of them, default="logistic"
        The activation g of the hidden units, an object or a key of
        `skbp.activations.ACTIVATIONS`: ``"identity"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"selu"`` or ``"softplus"``; or a
        sequence of L − 2 of these, one for each hidden layer.
    output_activation : {"logistic", "softmax"} or OutputActivation, default="logistic"
        The activation of the output layer.

    Raises
    ------
    ValueError
        If a layer has no unit, there are fewer than two layers, a name is unknown,
        the number of activations is not that of the hidden layers, or a softmax is
        asked for over a single unit (it would be constant).

    Examples
    --------
    A network for XOR, with start weights:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> network = Network(layer_sizes=(2, 3, 1))
    >>> theta = network.initialize(random_state=0)
    >>> [Theta.shape for Theta in network.unpack(theta)]
    [(3, 3), (1, 4)]
    >>> X = np.array([[0.0, 1.0], [1.0, 1.0]])
    >>> activations, z = network.forward(theta, X)
    >>> [a.shape for a in activations], z.shape
    ([(2, 2), (2, 3), (2, 1)], (2, 1))

    What it is made of:

    >>> network.shapes, network.n_parameters
    ([(3, 3), (1, 4)], 13)
    >>> network.g, network.h
    ((Activation(name='logistic'),), OutputActivation(name='logistic'))
    """

    layer_sizes: tuple[int, ...]
    activation: str | Activation | Sequence[str | Activation] = "logistic"
    output_activation: str | OutputActivation = "logistic"

    def __post_init__(self) -> None:
        given: Any = self.layer_sizes
        sizes = tuple(given) if np.iterable(given) else ()
        if len(sizes) < 2 or not all(is_layer_size(s) for s in sizes):
            raise ValueError(
                "layer_sizes must hold at least two positive integers, the number of "
                f"features first and the number of outputs last. Got {given!r} instead."
            )
        object.__setattr__(self, "layer_sizes", tuple(int(s) for s in sizes))
        if isinstance(self.activation, list):
            object.__setattr__(self, "activation", tuple(self.activation))
        _ = self.g  # a wrong name is an error now
        if self.h.name == "softmax" and sizes[-1] == 1:
            raise ValueError(
                "output_activation='softmax' needs at least two output units; "
                "one unit's softmax is the constant 1. Use 'logistic'."
            )

    @cached_property
    def g(self) -> tuple[Activation, ...]:
        """The activations of the hidden layers, from layer 2 to layer L − 1."""
        given: Any = self.activation
        if isinstance(given, tuple):
            given = tuple(resolve(ACTIVATIONS, each, "activation") for each in given)
        else:
            given = resolve(ACTIVATIONS, given, "activation")
        return per_hidden_layer("activation", given, len(self.layer_sizes) - 2)

    @cached_property
    def h(self) -> OutputActivation:
        """The activation of the output layer."""
        return resolve(OUTPUT_ACTIVATIONS, self.output_activation, "output_activation")

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes (s_{l+1}, s_l + 1) of Θ^(1), …, Θ^(L−1)."""
        return [(outputs, inputs + 1) for inputs, outputs in pairwise(self.layer_sizes)]

    @cached_property
    def _offsets(self) -> list[int]:
        sizes = (rows * columns for rows, columns in self.shapes)
        return list(accumulate(sizes, initial=0))

    @property
    def n_parameters(self) -> int:
        """The length of ``theta``."""
        return self._offsets[-1]

    @property
    def is_random(self) -> bool:
        """Whether forward propagation draws random numbers, as it does with dropout."""
        return False

    def masks(self, m: int, dtype: DTypeLike) -> list[Floats | None]:
        """Return the factors of each hidden layer's activations in one forward propagation.

        Parameters
        ----------
        m : int
            The number of examples.
        dtype : dtype
            The dtype of the activations.

        Returns
        -------
        list of ndarray or None
            None for each hidden layer: no unit is left out.

        Examples
        --------
        Those of `skbp.dropout.with_dropout` are 0 or 1 / (1 − p):

        >>> import numpy as np
        >>> from skbp.dropout import with_dropout
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 4, 1))
        >>> network.masks(1, float)
        [None]
        >>> trained = with_dropout(network, 0.5, np.random.RandomState(0))
        >>> trained.masks(1, float)
        [array([[2., 2., 2., 2.]])]
        """
        return [None] * len(self.g)

    def initialize(
        self,
        random_state: int | np.random.RandomState | None = None,
        gain: float | Literal["auto"] = "auto",
    ) -> Floats:
        """Draw start weights. Weights that are all equal would stay equal.

        Parameters
        ----------
        random_state : int, RandomState instance or None, default=None
            The source of randomness; an int for the same weights every time.
        gain : float or "auto", default="auto"
            How large the weights are:

            - ``"auto"``: those that lead to a hidden layer are uniform in ± the bound of its
              activation (``Activation.start_bound``), those that lead to the output layer in
              ± that of the last hidden layer, so that neither z nor δ grows or fades from
              layer to layer; bias weights are 0
            - a number: all weights, those of the bias units included, are uniform in
              ± gain · √(6 / (s_l + s_{l+1})); 1 is the lecture's ``randInitializeWeights``

        Returns
        -------
        ndarray of shape (n_parameters,)
            The flat vector ``theta``, of float64.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 3, 1))
        >>> theta = network.initialize(random_state=0)
        >>> theta.shape
        (13,)
        >>> Theta_1, Theta_2 = network.unpack(theta)
        >>> Theta_1[:, 0]  # the bias weights
        array([0., 0., 0.])

        The lecture's start weights:

        >>> theta = network.initialize(random_state=0, gain=1)
        >>> Theta_1, Theta_2 = network.unpack(theta)
        >>> bool(abs(Theta_1).max() < np.sqrt(6 / (2 + 3)))
        True
        """
        generator = check_random_state(random_state)
        sizes = list(pairwise(self.layer_sizes))
        if gain == "auto":
            bounds = [bound(*pair) for bound, pair in zip(self._start_bounds, sizes, strict=True)]
        else:
            bounds = [gain * glorot_bound(*pair) for pair in sizes]
        Thetas = [
            generator.uniform(-bound, bound, shape)
            for bound, shape in zip(bounds, self.shapes, strict=True)
        ]
        if gain == "auto":
            for Theta in Thetas:
                Theta[:, 0] = 0
        return self.pack(Thetas)

    @property
    def _start_bounds(self) -> list[Callable[[int, int], float]]:
        """The bound of the start weights of each Θ^(l), as a function of the layers' sizes."""
        hidden = [activation.start_bound for activation in self.g]
        return [*hidden, hidden[-1] if hidden else glorot_bound]

    def unpack(self, theta: Floats) -> list[Floats]:
        """Return Θ^(1), …, Θ^(L−1) as views into ``theta``.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights.

        Returns
        -------
        list of ndarray
            Θ^(l) of shape (s_{l+1}, s_l + 1); column 0 holds the bias weights.

        Raises
        ------
        ValueError
            If ``theta`` has not ``n_parameters`` entries.

        Examples
        --------
        What is written to a view is written to ``theta``:

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 3, 1))
        >>> theta = np.zeros(network.n_parameters)
        >>> Theta_1, Theta_2 = network.unpack(theta)
        >>> Theta_1[:, 0] = 1.0  # the bias weights
        >>> theta
        array([1., 0., 0., 1., 0., 0., 1., 0., 0., 0., 0., 0., 0.])
        """
        if theta.shape != (self.n_parameters,):
            raise ValueError(
                f"theta must have shape ({self.n_parameters},) for a network with "
                f"layer_sizes={self.layer_sizes}. Got {theta.shape} instead."
            )
        return [
            theta[start:stop].reshape(shape)
            for (start, stop), shape in zip(pairwise(self._offsets), self.shapes, strict=True)
        ]

    def pack(self, Thetas: Sequence[Floats]) -> Floats:
        """Return the flat vector that holds Θ^(1), …, Θ^(L−1): the inverse of `unpack`.

        Parameters
        ----------
        Thetas : sequence of ndarray
            Θ^(l) of shape (s_{l+1}, s_l + 1), for l = 1, …, L − 1.

        Returns
        -------
        ndarray of shape (n_parameters,)
            A new flat vector ``theta``.

        Raises
        ------
        ValueError
            If a shape does not fit the network.

        Examples
        --------
        A network for XNOR by hand. Its hidden units are AND and NOR, its output unit
        is OR:

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 2, 1))
        >>> Theta_1 = np.array([[-30.0, 20.0, 20.0], [10.0, -20.0, -20.0]])
        >>> Theta_2 = np.array([[-10.0, 20.0, 20.0]])
        >>> theta = network.pack([Theta_1, Theta_2])
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> activations, z = network.forward(theta, X)
        >>> activations[-1].round(2).ravel()
        array([1., 0., 0., 1.])
        """
        shapes = [np.shape(Theta) for Theta in Thetas]
        if shapes != self.shapes:
            raise ValueError(f"Thetas must have the shapes {self.shapes}. Got {shapes} instead.")
        return np.concatenate([np.ravel(Theta) for Theta in Thetas])

    def forward(self, theta: Floats, X: Matrix) -> tuple[list[Matrix], Floats]:
        """Propagate examples forward: z^(l+1) = Θ^(l) a^(l), a^(l+1) = g(z^(l+1)).

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights.
        X : {ndarray, sparse matrix} of shape (m, s_1)
            The examples, a^(1).

        Returns
        -------
        activations : list of length L
            [a^(1), …, a^(L)], where a^(l) has shape (m, s_l), a^(1) is X itself
            and a^(L) = h_Θ(x).
        z : ndarray of shape (m, s_L)
            z^(L), from which the loss is computed.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 1))
        >>> theta = np.array([-3.0, 1.0, 2.0])  # the bias weight first
        >>> X = np.array([[1.0, 1.0], [1.0, 2.0]])
        >>> activations, z = network.forward(theta, X)
        >>> z.ravel()
        array([0., 2.])
        >>> activations[-1].round(2).ravel()
        array([0.5 , 0.88])
        """
        *hidden, last = self.unpack(theta)
        activations = [X]
        for Theta, activation in zip(hidden, self.g, strict=True):
            activations.append(activation.g(linear(Theta, activations[-1])))
        z = linear(last, activations[-1])
        activations.append(self.h.g(z))
        return activations, z

    def decision(self, theta: Floats, X: Matrix) -> Floats:
        """Return z^(L) alone: forward propagation that keeps no activations.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights.
        X : {ndarray, sparse matrix} of shape (m, s_1)
            The examples.

        Returns
        -------
        ndarray of shape (m, s_L)
            z of the output layer.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> network = Network(layer_sizes=(2, 1))
        >>> theta = np.array([-3.0, 1.0, 2.0])
        >>> network.decision(theta, np.array([[1.0, 1.0], [1.0, 2.0]])).ravel()
        array([0., 2.])
        """
        *hidden, last = self.unpack(theta)
        a = X
        for Theta, activation in zip(hidden, self.g, strict=True):
            a = activation.g(linear(Theta, a))
        return linear(last, a)

    def backward(self, theta: Floats, activations: Sequence[Matrix], delta: Floats) -> Floats:
        """Propagate the error back and accumulate Δ over the examples.

        δ^(l) = (Θ^(l))ᵀ δ^(l+1) .* g′(z^(l)) for l = L − 1, …, 2, and
        Δ^(l) = Σ δ^(l+1) (a^(l))ᵀ, where a_0^(l) = 1 and the sum is over the rows.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights.
        activations : list of length L
            [a^(1), …, a^(L)] as `forward` returned them.
        delta : ndarray of shape (m, s_L)
            δ^(L), from the loss.

        Returns
        -------
        ndarray of shape (n_parameters,)
            Δ^(1), …, Δ^(L−1), packed like ``theta``.

        Examples
        --------
        Of the cross entropy δ^(L) = a − y. Without a penalty, Δ/m is the gradient:

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
        >>> network = Network(layer_sizes=(2, 3, 1))
        >>> theta = network.initialize(random_state=0)
        >>> activations, z = network.forward(theta, X)
        >>> Delta = network.backward(theta, activations, activations[-1] - Y)
        >>> J, D = Objective(network, X, Y, alpha=0.0)(theta)
        >>> np.allclose(D, Delta / 4)
        True
        """
        accumulated = np.empty_like(theta)
        Thetas, Deltas = self.unpack(theta), self.unpack(accumulated)
        for layer in reversed(range(len(Thetas))):
            a = activations[layer]
            Deltas[layer][:, 0] = delta.sum(axis=0)
            Deltas[layer][:, 1:] = delta.T @ a
            if layer > 0:
                delta = delta @ Thetas[layer][:, 1:]
                delta *= self._g_prime(activations, layer)
        return accumulated

    def _g_prime(self, activations: Sequence[Matrix], layer: int) -> Floats:
        """Return g′(z) of a hidden layer, from its activations."""
        return self.g[layer - 1].g_prime(activations[layer])


def per_hidden_layer(parameter: str, value: T | Sequence[T], n_layers: int) -> tuple[T, ...]:
    """Return the value of a parameter for each hidden layer.

    Parameters
    ----------
    parameter : str
        The name of the parameter, for the error message.
    value : object or sequence of objects
        One value for all layers, or one for each.
    n_layers : int
        The number of hidden layers.

    Returns
    -------
    tuple
        The value of each layer.

    Raises
    ------
    ValueError
        If there are not as many as there are hidden layers.
    """
    if isinstance(value, str) or not np.iterable(value):
        return (value,) * n_layers
    values = tuple(value)
    if len(values) != n_layers:
        raise ValueError(
            f"{parameter} must be a single one, or one for each of the {n_layers} hidden layers. "
            f"Got {value!r} instead."
        )
    return values


def is_layer_size(s: object) -> bool:
    """Return whether a value can be the number of units of a layer.

    Parameters
    ----------
    s : object
        The value.

    Returns
    -------
    bool
        Whether it is a positive integer.
    """
    return isinstance(s, int | np.integer) and not isinstance(s, bool) and bool(s > 0)


def linear(Theta: Floats, a: Matrix) -> Floats:
    """Return Θ a for each row of a, with a_0 = 1 for the bias in column 0 of Θ.

    Parameters
    ----------
    Theta : ndarray of shape (s_{l+1}, s_l + 1)
        Θ^(l).
    a : {ndarray, sparse matrix} of shape (m, s_l)
        a^(l).

    Returns
    -------
    ndarray of shape (m, s_{l+1})
        z^(l+1).
    """
    z = a @ Theta[:, 1:].T
    z += Theta[:, 0]
    return z
