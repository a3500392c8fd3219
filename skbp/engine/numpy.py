"""The readable engine: the lecture's formulas with NumPy, for every network."""

from typing import TYPE_CHECKING

import numpy as np

from skbp import probabilities
from skbp._typing import Floats, Matrix, Rows
from skbp.engine.arrays import NamespaceArray
from skbp.engine.interface import Output, Weights
from skbp.engine.layout import product

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network
    from skbp.objective import Objective
    from skbp.solvers.update_rules import Update

_OF_DECISION = {
    Output.DECISION: lambda h, z: z,
    Output.ACTIVATION: probabilities.activations,
    Output.BINARY: probabilities.binary,
    Output.SHARES: probabilities.shares,
}


class NumPyEngine:
    """Engine that computes with NumPy; see `skbp.engine.interface.Engine`."""

    name = "numpy"

    def supports(self, network: "Network", X: Matrix, loss: "Loss | None" = None) -> bool:
        """Return True, but for arrays of other libraries."""
        return not isinstance(X, NamespaceArray)

    def loss_and_gradient(self, objective: "Objective", theta: Floats) -> tuple[float, Floats]:
        """Return Σ_i w_i loss and Δ: forward propagation, δ^(L), and backpropagation."""
        network, loss, weight = objective.network, objective.loss, objective.sample_weight
        activations, z = network.forward(theta, objective.X)
        losses = loss.per_row(z, activations[-1], objective.Y)
        delta = loss.delta(z, activations[-1], objective.Y)
        if weight is not None:
            losses *= weight
            delta *= weight[:, np.newaxis]
        return float(losses.sum(dtype=float)), network.backward(theta, activations, delta)

    def epoch(
        self,
        objective: "Objective",
        theta: Floats,
        batch_size: int,
        order: Rows | None,
        update: "Update",
    ) -> float:
        """Update Θ after each batch; return the mean of the batches' J."""
        loss = 0.0
        for batch in objective.batches(batch_size, order):
            J, D = batch(theta)
            if batch.has_weight:
                theta += update(D)
            loss += J * batch.n_rows
        return loss / objective.n_rows

    def outputs(self, network: "Network", weights: Weights, X: Matrix, output: Output) -> Floats:
        """Return outputs: forward propagation that keeps no activations."""
        *hidden, (coef, intercept) = zip(*weights, strict=True)
        a = X
        for (coef_l, intercept_l), activation in zip(hidden, network.g, strict=True):
            a = activation.g(product(a, coef_l) + intercept_l)
        return _OF_DECISION[output](network.h, product(a, coef) + intercept)
