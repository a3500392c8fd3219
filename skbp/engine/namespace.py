"""The engine for arrays of other libraries: J, Δ and outputs are computed where X is.

Θ comes from NumPy and Δ goes back to NumPy, so that no solver knows of it. An epoch of batches
keeps Θ and the averages of its update rule on the device until its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skbp._typing import Floats, Matrix, Rows
from skbp.engine.arrays import NamespaceArray
from skbp.engine.builtin import name_of_loss, own_parts
from skbp.engine.formulas import HIDDEN, LOSSES, OF_DECISION, OUTPUTS
from skbp.engine.interface import Engine, Output, Weights
from skbp.solvers.update_rules import Adam, Momentum, Update

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network
    from skbp.objective import Objective

Layer = tuple[Any, Any]
"""The weights of the units of a layer, of shape (s_{l+1}, s_l), and those of its bias unit."""

# a device is busy for longer than it takes to start a kernel, and its memory is not full
_NUMBERS_OF_BLOCK = 1 << 25
_FEWEST_ROWS = 1024

_KNOWN_PRECISE: dict[tuple[str, str], Any] = {}


@dataclass(frozen=True)
class NamespaceEngine:
    """Engine that computes in the namespace of X; see `skbp.engine.interface.Engine`.

    Parameters
    ----------
    fallback : Engine
        Does the epochs with other update rules than skbp's, whose steps are NumPy's.
    """

    fallback: Engine
    name = "namespace"

    def supports(self, network: "Network", X: Matrix, loss: "Loss | None" = None) -> bool:
        """Return whether X is an array of a namespace, and there is a formula for each part."""
        return isinstance(X, NamespaceArray) and not without_formula(network, loss)

    def loss_and_gradient(self, objective: "Objective", theta: Floats) -> tuple[float, Floats]:
        """Return Σ_i w_i loss and Δ."""
        X = objective.X
        losses, Delta = _sums(objective, X.like(theta).array)
        return float(losses), X.to_numpy(Delta)

    def epoch(
        self,
        objective: "Objective",
        theta: Floats,
        batch_size: int,
        order: Rows | None,
        update: Update,
    ) -> float:
        """Update Θ after each batch, on the device."""
        if type(update.rule) not in (Momentum, Adam):
            return self.fallback.epoch(objective, theta, batch_size, order, update)
        X = objective.X
        there = {k: X.like(v).array if k != "t" else v for k, v in update.state.items()}
        moved, weights = replace(update, state=there), X.like(theta).array
        is_counted = X.like(_is_penalised(objective.network)).array
        costs = []
        for batch in objective.batches(batch_size, order):
            J, D = _cost(batch, weights, is_counted)
            costs.append(J * batch.n_rows)
            if batch.has_weight:
                weights += _step(X.xp, moved, D)
        theta[...] = X.to_numpy(weights)
        for name, value in there.items():
            if name == "t":
                update.state["t"] = value
            else:
                update.state[name][...] = X.to_numpy(value)
        return float(X.to_numpy(X.xp.stack(costs)).sum() / objective.n_rows)

    def outputs(self, network: "Network", weights: Weights, X: Matrix, output: Output) -> Any:
        """Return outputs of the network, in the namespace of X."""
        layers = [
            (_there(X, coef).T, _there(X, intercept))
            for coef, intercept in zip(*weights, strict=True)
        ]
        found = [
            OF_DECISION[output](X.xp, network.h.name, _forward(X.xp, network, layers, rows)[1])
            for rows in (X[block].array for block in _blocks(len(X), network))
        ]
        return replace(X, array=X.xp.concat(found, axis=0) if len(found) > 1 else found[0])


def without_formula(network: "Network", loss: "Loss | None" = None) -> list[str]:
    """Return the parts of a network that only NumPy computes.

    Parameters
    ----------
    network : Network
        The network.
    loss : Loss, default=None
        The loss. None to ignore it.

    Returns
    -------
    list of str
        For example ``["activation=Activation(name='cube')"]``; empty if there are formulas for all.
    """
    known = [f"activation={g}" for g in network.g if g.name not in HIDDEN]
    return own_parts(network, loss) or known


def _there(X: NamespaceArray, array: Any) -> Any:
    """Return weights in the namespace, on the device and in the dtype of X."""
    array = X.like(array).array if isinstance(array, np.ndarray) else array
    return X.xp.astype(array, X.array.dtype, copy=False)


def _blocks(n_rows: int, network: "Network") -> list[slice]:
    """Divide rows into blocks, whose activations are no more than a device has room for."""
    n_most = max(_FEWEST_ROWS, _NUMBERS_OF_BLOCK // sum(network.layer_sizes[1:]))
    return [slice(start, start + n_most) for start in range(0, n_rows, n_most)]


def _unpacked(xp: Any, network: "Network", theta: Any) -> Iterator[Layer]:
    """Yield the weights of each layer, as matrices without gaps between their rows."""
    ends = accumulate((rows * columns for rows, columns in network.shapes), initial=0)
    for (start, stop), shape in zip(pairwise(ends), network.shapes, strict=True):
        Theta = xp.reshape(theta[start:stop], shape)
        yield xp.asarray(Theta[:, 1:], copy=True), xp.asarray(Theta[:, 0], copy=True)


def _is_penalised(network: "Network") -> Any:
    """Return which entries of Θ the penalty counts: not those of the bias units."""
    counted = np.full(network.n_parameters, True)
    for Theta in network.unpack(counted):
        Theta[:, 0] = False
    return counted


def _sums(objective: "Objective", theta: Any) -> tuple[Any, Any]:
    """Return Σ_i w_i loss and Δ over the rows of an objective, accumulated block by block."""
    X, network = objective.X, objective.network
    layers = list(_unpacked(X.xp, network, theta))
    first, *others = _blocks(objective.n_rows, network)
    if not others:
        return _sums_of_block(objective, layers)
    precise = _precise(X)
    losses, Delta = _sums_of_block(objective.take(first), layers)
    for block in others:
        losses_of_block, Delta_of_block = _sums_of_block(objective.take(block), layers)
        losses = losses + losses_of_block
        Delta = X.xp.astype(Delta, precise, copy=False) + Delta_of_block
    return losses, X.xp.astype(Delta, theta.dtype, copy=False)


def _sums_of_block(objective: "Objective", layers: list[Layer]) -> tuple[Any, Any]:
    """Return Σ_i w_i loss and Δ: forward propagation, δ^(L), and backpropagation."""
    X, network, xp = objective.X, objective.network, objective.X.xp
    Y: Any = objective.Y
    weight: Any = objective.sample_weight
    loss = LOSSES[network.h.name, name_of_loss(objective.loss)]
    masks = [
        None if mask is None else X.like(mask).array
        for mask in network.masks(len(X), objective.X.dtype)
    ]
    hidden, z = _forward(xp, network, layers, X.array, masks)
    of_outputs = xp, z, OUTPUTS[network.h.name](xp, z), Y.array
    losses, delta = loss.per_row(*of_outputs), loss.delta(*of_outputs)
    if weight is not None:
        losses, delta = losses * weight.array, delta * weight.array[:, None]
    Delta = _backward(xp, network, layers, [X.array, *hidden], delta, masks)
    return xp.sum(losses, dtype=_precise(X)), Delta


def _forward(
    xp: Any, network: "Network", layers: list[Layer], a: Any, masks: list[Any] | None = None
) -> tuple[list[Any], Any]:
    """Return a^(2), …, a^(L−1), before dropout, and z^(L)."""
    *below, (W, b) = layers
    hidden = []
    for i, ((W_l, b_l), activation) in enumerate(zip(below, network.g, strict=True)):
        hidden.append(HIDDEN[activation.name].g(xp, _linear(a, W_l, b_l)))
        a = _masked(hidden[-1], masks, i)
    return hidden, _linear(a, W, b)


def _linear(a: Any, W: Any, b: Any) -> Any:
    """Return z of the next layer."""
    z = a @ W.T
    z += b
    return z


def _backward(
    xp: Any,
    network: "Network",
    layers: list[Layer],
    activations: list[Any],
    delta: Any,
    masks: list[Any],
) -> Any:
    """Return Δ, packed like Θ."""
    Deltas = []
    for layer in reversed(range(len(layers))):
        a = activations[layer]
        a_masked = _masked(a, masks, layer - 1) if layer else a
        Delta = xp.concat([xp.sum(delta, axis=0)[:, None], delta.T @ a_masked], axis=1)
        Deltas.append(xp.reshape(Delta, (-1,)))
        if layer:
            g_prime = HIDDEN[network.g[layer - 1].name].g_prime(xp, a)
            delta = delta @ layers[layer][0]
            delta *= _masked(g_prime, masks, layer - 1)
    return xp.concat(Deltas[::-1])


def _masked(a: Any, masks: list[Any] | None, i: int) -> Any:
    """Return the activations, or g′, of a hidden layer with dropout."""
    return a if not masks or masks[i] is None else a * masks[i]


def _cost(objective: "Objective", theta: Any, is_counted: Any) -> tuple[Any, Any]:
    """Return J and D, as `Objective` does, on the device."""
    losses, Delta = _sums(objective, theta)
    m_rows, lambda_m = objective.mean_weight * objective.n_rows, objective.alpha / objective.m
    xp = objective.X.xp
    weights = xp.where(is_counted, theta, 0.0)
    penalty = lambda_m / 2 * xp.sum(weights * weights, dtype=losses.dtype)
    return losses / m_rows + penalty, Delta / m_rows + lambda_m * weights


def _step(xp: Any, update: Update, D: Any) -> Any:
    """Return the step for a gradient, which is shortened first if it is longer than allowed."""
    if update.max_norm is not None:
        largest = xp.clip(xp.max(xp.abs(D)), xp.finfo(D.dtype).smallest_normal, None)
        norm = largest * xp.sqrt(xp.sum((D / largest) ** 2))  # so that no square overflows
        D = D * xp.clip(update.max_norm / norm, None, 1.0)
    return update.rule.update(D, update.state, update.eta)


def _precise(X: NamespaceArray) -> Any:
    """Return the dtype to add up in: float64, where the device has it."""
    key = X.xp.__name__, str(X.device)
    if key not in _KNOWN_PRECISE:  # libraries take their time to tell
        known = X.xp.__array_namespace_info__().dtypes(device=X.device, kind="real floating")
        _KNOWN_PRECISE[key] = known.get("float64", X.xp.float32)
    return _KNOWN_PRECISE[key]
