"""The interface of all engines, and the outputs that they can compute."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from skbp._typing import Floats, Matrix, Rows

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network
    from skbp.objective import Objective
    from skbp.solvers.update_rules import Update


class Output(Enum):
    """Outputs that can be computed from z^(L), the input of the output units."""

    DECISION = "decision"
    """z^(L) itself."""
    ACTIVATION = "activation"
    """a^(L) = h(z^(L)), as probabilities: rounding does not hide which z is the largest."""
    BINARY = "binary"
    """[1 − a, a] of a single logistic unit."""
    SHARES = "shares"
    """The activations of logistic units, divided by their sum."""

    def n_columns(self, network: "Network") -> int:
        """Return the number of columns that the output of a network has.

        Parameters
        ----------
        network : Network
            The network.

        Returns
        -------
        int
            Two of a single unit for ``Output.BINARY``, else one for each unit.
        """
        return 2 if self is Output.BINARY else network.layer_sizes[-1]


Weights = tuple[Sequence[Floats], Sequence[Floats]]
"""Weights as scikit-learn keeps them, in arrays of their own or as views into Θ.

They are the weights of the units, of shapes (s_l, s_{l+1}), and those of the bias units, of
shapes (s_{l+1},).
"""


class Engine(Protocol):
    """Interface of the engines, which compute sums over examples.

    Several threads may call an engine at once.

    Examples
    --------
    An engine that counts the evaluations of the gradient, and leaves the rest to NumPy:

    >>> import numpy as np
    >>> from skbp.engine.numpy import NumPyEngine
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> class CountingEngine(NumPyEngine):
    ...     n_evaluations = 0
    ...
    ...     def loss_and_gradient(self, objective, theta):
    ...         self.n_evaluations += 1
    ...         return super().loss_and_gradient(objective, theta)
    >>> engine, network = CountingEngine(), Network(layer_sizes=(1, 1))
    >>> X, Y = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    >>> J, D = Objective(network, X, Y, engine=engine)(np.zeros(2))
    >>> engine.n_evaluations
    1
    """

    @property
    def name(self) -> str:
        """The name by which `skbp.objective.Objective` can ask for it."""
        ...

    def supports(self, network: "Network", X: Matrix, loss: "Loss | None" = None) -> bool:
        """Return whether it can compute a network.

        Parameters
        ----------
        network : Network
            The network.
        X : {ndarray, sparse matrix} of shape (m, s_1)
            The examples.
        loss : Loss, default=None
            The loss. None where only outputs are needed.

        Returns
        -------
        bool
            Whether it can.
        """
        ...

    def loss_and_gradient(self, objective: "Objective", theta: Floats) -> tuple[float, Floats]:
        """Return Σ_i w_i loss and Δ over the rows of an objective.

        Parameters
        ----------
        objective : Objective
            Its network, loss and rows are used, and not its λ.
        theta : ndarray of shape (n_parameters,)
            The weights, of the dtype of X.

        Returns
        -------
        losses : float
            The sum of the weighted losses.
        Delta : ndarray of shape (n_parameters,)
            Δ, packed like ``theta``.
        """
        ...

    def epoch(
        self,
        objective: "Objective",
        theta: Floats,
        batch_size: int,
        order: Rows | None,
        update: "Update",
    ) -> float:
        """Update the weights after each batch of rows, once through all rows.

        Parameters
        ----------
        objective : Objective
            The cost.
        theta : ndarray of shape (n_parameters,)
            The weights; changed in place.
        batch_size : int
            The number of rows of a batch.
        order : ndarray of int of shape (m,) or None
            The order of the rows; None for the order of X.
        update : Update
            Maps the gradient of a batch to the step; its state is updated.

        Returns
        -------
        float
            The mean of the batches' J.
        """
        ...

    def outputs(self, network: "Network", weights: Weights, X: Matrix, output: Output) -> Floats:
        """Return outputs of a network.

        Parameters
        ----------
        network : Network
            The network.
        weights : tuple of two lists of ndarray
            Its weights, of the dtype of X.
        X : {ndarray, sparse matrix} of shape (m, s_1)
            The examples, of float32 or float64.
        output : Output
            What to compute.

        Returns
        -------
        ndarray of shape (m, s_L), or (m, 2) for ``Output.BINARY``
            The outputs.
        """
        ...
