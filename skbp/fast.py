"""The compiled path: chosen here, behind the signatures of the readable modules.

The extension ``skbp._kernels`` computes what `Network`, `Objective` and `MiniBatchDescent`
do, in C, where X is dense and the activations, the loss and the update rule are skbp's
own and known to it. Everything else, and everything where no compiler was there when skbp
was installed, or where the environment variable ``SKBP_NO_COMPILED`` is set to other than
0, takes the readable path. Tests hold the two equal.
"""

import os
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

import numpy as np

from skbp import weights
from skbp._typing import Floats, Matrix
from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.blas_threads import on_all_threads
from skbp.blocks import blocks
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.objective import Objective, Workers
from skbp.probabilities import probabilities as from_decision
from skbp.solvers import Adam, MiniBatchDescent, Momentum, Progress
from skbp.solvers.update_rules import UpdateRule

__all__ = ["accelerated"]


def _load() -> Any:
    """Return the extension, or None."""
    if os.environ.get("SKBP_NO_COMPILED", "0") not in ("", "0"):
        return None
    try:
        return import_module("skbp._kernels")
    except ImportError:
        return None


kernels: Any = _load()
"""The extension; None where the readable path serves."""

_LOSSES = {type(loss): name for (_, name), loss in LOSSES.items()}


def accelerated(objective: Objective) -> Objective:
    """Return the same cost, computed as fast as can be.

    Parameters
    ----------
    objective : Objective
        The cost. If its class, an activation or the loss is not skbp's own, it is
        returned as it is: it may not be fit for several threads.

    Returns
    -------
    Objective
        A function of ``theta`` like the one given. It computes blocks of rows on
        several threads, and with the extension where X is dense.

    Examples
    --------
    The values are the same, up to the order of additions:

    >>> import numpy as np
    >>> from skbp.fast import accelerated
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> network = Network(layer_sizes=(2, 3, 1))
    >>> theta = network.initialize(random_state=0)
    >>> objective = Objective(network, X, Y)
    >>> J, D = objective(theta)
    >>> J_fast, D_fast = accelerated(objective)(theta)
    >>> np.isclose(J_fast, J).item(), np.allclose(D_fast, D)
    (True, True)
    """
    network = objective.network
    is_known = type(objective) is Objective and type(objective.loss) in _LOSSES
    if not (is_known and _is_known(network)):
        return objective
    kind = CompiledObjective if _can_be_compiled(objective) else Objective
    faster = kind.__new__(kind)
    vars(faster).update(vars(objective), workers=workers(network))
    return faster


def workers(network: Network) -> Workers:
    """Return what calls a function of the network with each block of rows.

    Parameters
    ----------
    network : Network
        The network. Activations that are not skbp's own may not be fit for threads.

    Returns
    -------
    callable
        The built-in ``map``, or `skbp.blas_threads.on_all_threads`.
    """
    return on_all_threads if _is_known(network) else map


def _is_known(network: Network) -> bool:
    """Tell whether all activations are skbp's own."""
    hidden = all(ACTIVATIONS.get(activation.name) == activation for activation in network.g)
    return hidden and OUTPUT_ACTIVATIONS.get(network.h.name) == network.h


def _can_be_compiled(objective: Objective) -> bool:
    """Tell whether the kernels know all that an objective of skbp's own parts consists of."""
    suits = _suits_kernels(objective.network, objective.X)
    return suits and _LOSSES[type(objective.loss)] in kernels.LOSSES


def _suits_kernels(network: Network, X: Matrix) -> bool:
    return (
        kernels is not None
        and isinstance(X, np.ndarray)
        and X.flags.aligned
        and len(network.layer_sizes) <= kernels.MOST_LAYERS
        and _is_known(network)
        and all(activation.name in kernels.HIDDEN for activation in network.g)
    )


def _codes(network: Network) -> tuple[int, ...]:
    """Return what the kernels call the activations of the hidden layers."""
    return tuple(kernels.HIDDEN[activation.name] for activation in network.g)


class CompiledObjective(Objective):
    """The cost of a network whose activations and loss the kernels know, on a dense X.

    Its parameters are those of `Objective`, and so are its values, up to the order of
    additions.
    """

    @property
    def plan(self) -> tuple[Any, ...]:
        """What the kernels must know of the network and the loss."""
        network = self.network
        output, loss = kernels.OUTPUTS[network.h.name], kernels.LOSSES[_LOSSES[type(self.loss)]]
        return network.layer_sizes, _codes(network), output, loss

    def _sum_over_rows(self, theta: Floats) -> tuple[float, Floats]:
        Delta = np.empty(theta.shape, theta.dtype)
        losses = kernels.loss_and_gradient(self.plan, _plain(theta), *self.columns(), Delta)
        return losses, Delta

    def columns(self) -> tuple[Floats, Floats, Floats | None]:
        """Return X, and Y and the weights as the kernels can read them.

        Returns
        -------
        X, Y : ndarray
            The examples and their targets.
        sample_weight : ndarray or None
            Their weights.
        """
        weight = self.sample_weight
        return self.X, _plain(self.Y), None if weight is None else _plain(weight)


def accelerated_solver(solver: Any, objective: Objective) -> Any:
    """Return a solver that does the same, as fast as can be.

    Parameters
    ----------
    solver : Solver
        The solver.
    objective : Objective
        What it is to minimise; from `accelerated`.

    Returns
    -------
    Solver
        For mini-batches of a compiled objective, one whose epochs are compiled; else the
        solver itself.
    """
    if not isinstance(objective, CompiledObjective) or type(solver) is not MiniBatchDescent:
        return solver
    if type(solver.rule) not in (Momentum, Adam):
        return solver
    return CompiledMiniBatchDescent(
        **{field.name: getattr(solver, field.name) for field in fields(solver)}
    )


class CompiledMiniBatchDescent(MiniBatchDescent):
    """Gradient descent whose epochs do not return to Python between batches.

    Its parameters are those of `MiniBatchDescent`; the rule is `Momentum` or `Adam`.
    """

    def _epoch(self, objective: Any, theta: Floats, progress: Progress) -> float:
        n_rows, averages = objective.n_rows, progress.averages
        arrays = [averages[name] for name in ("m", "v") if name in averages]
        if not self._suits_kernels(objective, [theta, *arrays]):
            return super()._epoch(objective, theta, progress)
        order = self._order(progress, n_rows)
        losses, n_steps = kernels.epoch(
            objective.plan,
            theta,
            *objective.columns(),
            None if order is None else np.asarray(order, np.int64),
            self.batch_size,
            objective.alpha / objective.m,
            objective.mean_weight,
            -1 if self.max_grad_norm is None else self.max_grad_norm,
            _step(self.rule, self.learning_rate.eta(progress.course), averages.get("t", 0)),
            arrays,
        )
        if "t" in averages:
            averages["t"] = n_steps
        return losses / n_rows

    def _suits_kernels(self, objective: Any, arrays: list[Floats]) -> bool:
        dtype, n_parameters = objective.X.dtype, len(arrays[0])
        return (
            all(array.dtype == dtype and array.flags.carray for array in arrays)
            # the kernels multiply by 1 / mean_weight
            and objective.mean_weight >= np.finfo(dtype).tiny
            # several blocks are for several threads
            and len(blocks(min(self.batch_size, objective.n_rows), n_parameters)) == 1
        )


def _step(rule: UpdateRule, eta: float, t: int) -> dict[str, float]:
    """Return what the kernels must know of an update rule."""
    unused = {"nesterov": 0, "momentum": 0, "beta_1": 0, "beta_2": 0, "epsilon": 0}
    return {**unused, **vars(rule), "is_adam": isinstance(rule, Adam), "eta": eta, "t": t}


def decision(
    network: Network, coefs: Sequence[Floats], intercepts: Sequence[Floats], X: Matrix
) -> Floats:
    """Return z^(L) of a network whose weights are as scikit-learn keeps them.

    Parameters
    ----------
    network : Network
        The network.
    coefs : sequence of ndarray
        Its weights, of shapes (s_l, s_{l+1}).
    intercepts : sequence of ndarray
        The weights of its bias units, of shapes (s_{l+1},).
    X : {ndarray, sparse matrix} of shape (m, s_1)
        The examples, of float32 or float64, which is computed in.

    Returns
    -------
    ndarray of shape (m, s_L)
        z of the output layer.
    """
    coefs, intercepts = _of_dtype(X.dtype, coefs), _of_dtype(X.dtype, intercepts)
    if not _suits_kernels(network, X):
        return network.decision(network.pack(weights.join(coefs, intercepts)), X)
    z = np.empty((X.shape[0], network.layer_sizes[-1]), X.dtype)
    kernels.outputs(coefs, intercepts, _codes(network), kernels.KINDS["decision"], X, z)
    return z


def probabilities(
    network: Network, coefs: Sequence[Floats], intercepts: Sequence[Floats], X: Matrix, y_type: str
) -> Floats:
    """Return the class probabilities of a network whose weights are as scikit-learn keeps them.

    Parameters
    ----------
    network : Network
        The network.
    coefs, intercepts : sequence of ndarray
        Its weights, as for `decision`.
    X : {ndarray, sparse matrix} of shape (m, s_1)
        The examples, of float32 or float64, which is computed in.
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        What the output units stand for.

    Returns
    -------
    ndarray of shape (m, n_classes) or (m, n_labels)
        What `skbp.probabilities.probabilities` makes of z^(L).
    """
    if not _suits_kernels(network, X):
        z = decision(network, coefs, intercepts, X)
        return from_decision(network.h, z, y_type)
    kind = "binary" if y_type == "binary" else network.h.name
    if y_type == "multiclass" and kind == "logistic":
        kind = "shares"
    n_columns = 2 if kind == "binary" else network.layer_sizes[-1]
    p = np.empty((X.shape[0], n_columns), X.dtype)
    coefs, intercepts = _of_dtype(X.dtype, coefs), _of_dtype(X.dtype, intercepts)
    kernels.outputs(coefs, intercepts, _codes(network), kernels.KINDS[kind], X, p)
    return p


def _of_dtype(dtype: Any, arrays: Sequence[Floats]) -> list[Floats]:
    arrays = [np.asarray(array, dtype) for array in arrays]
    return [array if array.flags.aligned else array.copy() for array in arrays]


def _plain(array: Floats) -> Floats:
    """Return an array that is contiguous and aligned: itself, or a copy."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else array.copy()
