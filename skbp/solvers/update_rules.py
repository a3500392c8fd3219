"""Update rules: the steps that the mini-batch solvers make from a gradient.

A rule is immutable and has two methods: ``init(theta)`` returns the state before the first
step; ``update(D, state, eta)`` returns the step to add to ``theta``, and updates the state
in place. The rules here use operators only, so they also work on arrays of other libraries.
"""

from dataclasses import dataclass
from math import isinf, sqrt
from typing import Any, Protocol

import numpy as np

from skbp._typing import Floats

State = dict[str, Any]
"""The running averages that a rule keeps between steps."""


class UpdateRule(Protocol):
    """Interface of the update rules."""

    def init(self, theta: Floats) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights; only their number and dtype matter.

        Returns
        -------
        dict
            The state.
        """
        ...

    def update(self, D: Floats, state: State, eta: float) -> Floats:
        """Return the step for a gradient, and update the state.

        Parameters
        ----------
        D : ndarray of shape (n_parameters,)
            The gradient.
        state : dict
            The state, as `init` returned it; changed in place.
        eta : float
            The learning rate.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The step to add to ``theta``.
        """
        ...


@dataclass(frozen=True)
class Update:
    """An update rule with its state and the learning rate, for the batches of one epoch.

    Parameters
    ----------
    rule : UpdateRule
        The rule.
    state : dict
        Its state; changed by each step.
    eta : float
        The learning rate.
    max_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.
    """

    rule: UpdateRule
    state: State
    eta: float
    max_norm: float | None = None

    def __call__(self, D: Floats) -> Floats:
        """Return the step to add to ``theta``.

        Parameters
        ----------
        D : ndarray of shape (n_parameters,)
            The gradient.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The step.
        """
        return self.rule.update(clipped(D, self.max_norm), self.state, self.eta)


def clipped(D: Floats, max_norm: float | None) -> Floats:
    """Return a gradient, shortened to a norm if it is longer.

    Parameters
    ----------
    D : ndarray of shape (n_parameters,)
        The gradient.
    max_norm : float or None
        The norm. None to leave the gradient as it is.

    Returns
    -------
    ndarray of shape (n_parameters,)
        The gradient.
    """
    if max_norm is None:
        return D
    norm = float(np.linalg.norm(D))
    if isinf(norm):  # its squares overflow
        D = D / np.abs(D).max()
        return D * (max_norm / float(np.linalg.norm(D)))
    return D if norm <= max_norm else D * (max_norm / norm)


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with momentum: v := μ v − η D.

    Parameters
    ----------
    momentum : float, default=0.9
        μ, from 0 (the lecture's step, −η D) to 1.
    nesterov : bool, default=True
        Whether to step by μ v − η D after v was updated (Nesterov's momentum)
        instead of by v.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013.

    Examples
    --------
    While the gradient stays the same, the steps grow:

    >>> import numpy as np
    >>> from skbp.solvers import Momentum
    >>> rule = Momentum(momentum=0.5, nesterov=False)
    >>> state = rule.init(np.zeros(1))
    >>> D = np.array([2.0])
    >>> [rule.update(D, state, eta=0.5).item() for _ in range(3)]
    [-1.0, -1.5, -1.75]
    """

    momentum: float = 0.9
    nesterov: bool = True

    def init(self, theta: Floats) -> State:
        """Return a velocity v of 0."""
        return {"v": np.zeros_like(theta)}

    def update(self, D: Floats, state: State, eta: float) -> Floats:
        """Return v, or μ v − η D for Nesterov's momentum."""
        v = state["v"]
        v *= self.momentum
        v -= eta * D
        return self.momentum * v - eta * D if self.nesterov else v


@dataclass(frozen=True)
class Adam:
    """Adam: steps scaled by running averages of the gradient and of its square.

    Parameters
    ----------
    beta_1 : float, default=0.9
        The decay rate of the average of D, in [0, 1).
    beta_2 : float, default=0.999
        The decay rate of the average of D², in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the average of D², to avoid division by 0.

    References
    ----------
    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, in the
    order of operations that its section 2 ends with.

    Examples
    --------
    The first step is η for each weight, however large its gradient is:

    >>> import numpy as np
    >>> from skbp.solvers import Adam
    >>> rule = Adam()
    >>> state = rule.init(np.zeros(2))
    >>> rule.update(np.array([0.01, -1000.0]), state, eta=0.1).round(3)
    array([-0.1,  0.1])
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def init(self, theta: Floats) -> State:
        """Return averages m and v of 0, after t = 0 steps."""
        return {"m": np.zeros_like(theta), "v": np.zeros_like(theta), "t": 0}

    def update(self, D: Floats, state: State, eta: float) -> Floats:
        """Return −η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)."""
        m, v = state["m"], state["v"]
        state["t"] = t = state["t"] + 1
        m *= self.beta_1
        m += (1 - self.beta_1) * D
        v *= self.beta_2
        v += (1 - self.beta_2) * (D * D)
        eta_t = eta * sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        return -eta_t * m / (v**0.5 + self.epsilon)
