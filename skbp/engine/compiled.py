"""The compiled engine: kernels in C for dense and CSR X and for the parts that they know.

The extension ``skbp.engine._kernels`` may be missing, where no compiler was there when skbp
was installed; and it is not loaded where the environment variable ``SKBP_NO_COMPILED`` is set
to other than 0. Then this engine supports nothing.
"""

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skbp._typing import Floats, Matrix, Rows
from skbp.engine.blocks import blocks
from skbp.engine.builtin import is_builtin, name_of_loss
from skbp.engine.interface import Engine, Output, Weights
from skbp.engine.layout import aligned
from skbp.solvers.update_rules import Adam, Momentum, Update

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network
    from skbp.objective import Objective


def _load() -> Any:
    """Return the extension, or None."""
    if os.environ.get("SKBP_NO_COMPILED", "0") not in ("", "0"):
        return None
    try:
        return import_module("skbp.engine._kernels")
    except ImportError:
        return None


kernels: Any = _load()
"""The extension, or None."""


@dataclass(frozen=True)
class CompiledEngine:
    """Engine that computes with the kernels in C; see `skbp.engine.interface.Engine`.

    Parameters
    ----------
    fallback : Engine
        Computes what the kernels cannot: epochs with other update rules, and of batches that
        are large enough for several threads; outputs for sparse X.
    """

    fallback: Engine
    name = "compiled"

    def supports(self, network: "Network", X: Matrix, loss: "Loss | None" = None) -> bool:
        """Return whether the kernels can read X and know the activations and the loss."""
        return (
            kernels is not None
            and _is_readable(X)
            and is_builtin(network, loss)
            and len(network.layer_sizes) <= kernels.MOST_LAYERS
            and all(activation.name in kernels.HIDDEN for activation in network.g)
            and (loss is None or name_of_loss(loss) in kernels.LOSSES)
        )

    def loss_and_gradient(self, objective: "Objective", theta: Floats) -> tuple[float, Floats]:
        """Return Σ_i w_i loss and Δ."""
        if kernels is None:  # unpickled where there is no extension
            return self.fallback.loss_and_gradient(objective, theta)
        Delta = np.empty(theta.shape, theta.dtype)
        losses = kernels.loss_and_gradient(
            _plan(objective), _plain(theta), _examples(objective), Delta
        )
        return losses, Delta

    def epoch(
        self,
        objective: "Objective",
        theta: Floats,
        batch_size: int,
        order: Rows | None,
        update: Update,
    ) -> float:
        """Update Θ after each batch, without a return to Python between batches."""
        averages = [update.state[name] for name in ("m", "v") if name in update.state]
        if not _is_for_kernels(objective, batch_size, update, [theta, *averages]):
            return float(self.fallback.epoch(objective, theta, batch_size, order, update))
        if order is not None and order.shape != (objective.n_rows,):
            raise ValueError(f"order must hold the row numbers 0 to {objective.n_rows - 1}.")
        losses, n_steps = kernels.epoch(
            _plan(objective),
            theta,
            _examples(objective),
            None if order is None else _plain(np.asarray(order, np.int64)),
            {
                "batch_size": batch_size,
                "lambda_m": objective.alpha / objective.m,
                "mean_weight": objective.mean_weight,
                "max_norm": -1 if update.max_norm is None else update.max_norm,
            },
            _rule(update),
            averages,
        )
        if "t" in update.state:
            update.state["t"] = n_steps
        return float(losses / objective.n_rows)

    def outputs(self, network: "Network", weights: Weights, X: Matrix, output: Output) -> Floats:
        """Return outputs of the network."""
        if issparse(X):
            return self.fallback.outputs(network, weights, X, output)
        kind = network.h.name if output is Output.ACTIVATION else output.value
        out = np.empty((X.shape[0], output.n_columns(network)), X.dtype)
        coefs, intercepts = (list(map(aligned, arrays)) for arrays in weights)
        kernels.outputs(coefs, intercepts, _codes(network), kernels.KINDS[kind], X, out)
        return out


def _is_readable(X: Matrix) -> bool:
    """Return whether X is an array, or is sparse with rows that int32 can number the columns of."""
    if issparse(X):
        return bool(X.format == "csr" and X.shape[1] <= np.iinfo(np.int32).max)
    return isinstance(X, np.ndarray) and X.flags.aligned


def _codes(network: "Network") -> tuple[int, ...]:
    """Return the kernels' codes of the hidden layers' activations."""
    return tuple(kernels.HIDDEN[activation.name] for activation in network.g)


def _plan(objective: "Objective") -> tuple[Any, ...]:
    """Return the kernels' description of the network and the loss."""
    network, loss = objective.network, kernels.LOSSES[name_of_loss(objective.loss)]
    return network.layer_sizes, _codes(network), kernels.OUTPUTS[network.h.name], loss


def _examples(objective: "Objective") -> tuple[Any, Floats, Floats | None]:
    """Return X, Y and the weights in a layout that the kernels can read."""
    X, weight = objective.X, objective.sample_weight
    if issparse(X):
        columns, starts = np.asarray(X.indices, np.int32), np.asarray(X.indptr, np.int64)
        X = _plain(X.data), _plain(columns), _plain(starts)
    return X, _plain(objective.Y), None if weight is None else _plain(weight)


def _is_for_kernels(
    objective: "Objective", batch_size: int, update: Update, arrays: list[Floats]
) -> bool:
    dtype, n_parameters = objective.X.dtype, len(arrays[0])
    return (
        kernels is not None
        and type(update.rule) in (Momentum, Adam)
        and all(array.dtype == dtype and array.flags.carray for array in arrays)
        # the kernels multiply by 1 / mean_weight
        and objective.mean_weight >= np.finfo(dtype).tiny
        # several blocks are for several threads
        and len(blocks(min(batch_size, objective.n_rows), n_parameters)) == 1
    )


def _rule(update: Update) -> dict[str, float]:
    """Return the fields of the kernels' ``rule_t``."""
    unused = {"nesterov": 0, "momentum": 0, "beta_1": 0, "beta_2": 0, "epsilon": 0}
    is_adam, t = isinstance(update.rule, Adam), update.state.get("t", 0)
    return {**unused, **vars(update.rule), "is_adam": is_adam, "eta": update.eta, "t": t}


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that is contiguous and aligned: itself, or a copy."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else array.copy()
