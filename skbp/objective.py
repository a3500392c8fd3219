"""The cost J(Θ) over a training set, and its gradient D.

A batch of rows is a smaller objective with the same λ/m: a mean over the rows of
the batch instead of all rows, and the same penalty. So the expectation of a
random batch's J and D is the J and D of the training set, whatever the batch
size, and every solver minimises the same function.

The sums over rows are computed by an engine (`skbp.engine`); the mean and the penalty here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy.sparse import issparse
from scipy.special import logit

from skbp._typing import Floats, Matrix, Rows
from skbp.engine import Engine, resolve_engine
from skbp.engine.arrays import NamespaceArray
from skbp.engine.blocks import map_blocks
from skbp.engine.layout import aligned, rows_of
from skbp.losses import Loss, get_loss, is_log_loss
from skbp.network import Network
from skbp.solvers.update_rules import Update

__all__ = ["Objective", "constant_cost", "constant_decision"]

Sum = tuple[float, Floats]
"""Σ_i w_i loss and Δ over some rows."""

_ROWS_OF_BLOCK = 4096
_TINY = float(np.finfo(float).eps)


class Objective:
    """The cost of a network on a training set, as a function of its weights.

    J(Θ) = 1/m Σ_i w_i loss(x^(i), y^(i)) + λ/2m Σ_l Σ_i Σ_j (Θ_ji^(l))², where the
    weights of the bias units are left out of the second sum and m = Σ_i w_i is the
    number of examples.

    Parameters
    ----------
    network : Network
        The network.
    X : {ndarray, sparse matrix, NamespaceArray} of shape (m, s_1)
        The examples. float32 is computed in float32; anything else in float64.
        A sparse matrix (CSR or CSC) is never made dense. An array that is not aligned in
        memory, or has another byte order, is copied. A
        ``skbp.engine.arrays.NamespaceArray`` stays in its library and on its device.
    Y : ndarray of shape (m, s_L)
        The targets: one-hot rows; or, with logistic outputs, one column of 0 and 1
        or a 0/1 indicator matrix.
    loss : {"log_loss", "squared_error"} or Loss, default="log_loss"
        The loss of one example: the cross entropy, or ½ Σ_k (h_k − y_k)².
    alpha : float, default=1.0
        λ, the weight of the penalty.
    sample_weight : ndarray of shape (m,), default=None
        The weight w_i of each example: it counts as w_i equal rows. None for ones.
    engine : {"auto", "compiled", "namespace", "numpy"} or Engine, default="auto"
        Computes the sums over rows: ``"auto"`` is the fastest engine that supports the
        network and X, ``"numpy"`` the readable one. Their results agree up to rounding.
    whole : tuple of (float, int), default=None
        m and the number of rows of the training set, where these are some rows of it. None
        where they are all.

    Attributes
    ----------
    engine : Engine
        The engine that computes.
    m : float
        Σ_i w_i, by which the losses' sum and λ are divided.
    mean_weight : float
        m divided by the number of rows; for a batch, those of the training set.

    Raises
    ------
    ValueError
        If the shapes of ``X``, ``Y``, ``sample_weight`` and the network do not fit, m
        is not positive, or ``alpha`` is negative or too large beside m.

    Examples
    --------
    The objective is a plain function of a flat vector that returns the cost and the
    gradient, so SciPy's optimisers take it as it is:

    >>> import numpy as np
    >>> from scipy.optimize import minimize
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> network = Network(layer_sizes=(2, 4, 1))
    >>> objective = Objective(network, X, Y, alpha=0.001)
    >>> theta = network.initialize(random_state=0)
    >>> result = minimize(objective, theta, jac=True, method="BFGS", tol=1e-4)
    >>> activations, z = network.forward(result.x, X)
    >>> activations[-1].round(1).ravel()
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        network: Network,
        X: Matrix,
        Y: Floats,
        loss: str | Loss = "log_loss",
        alpha: float = 1.0,
        sample_weight: Floats | None = None,
        engine: str | Engine = "auto",
        whole: tuple[float, int] | None = None,
    ) -> None:
        dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
        self.network = network
        stays = issparse(X) or isinstance(X, NamespaceArray)
        X = X.astype(dtype, copy=False) if stays else np.asarray(X, dtype)
        self.X: Matrix = aligned(X)
        self.Y: Floats = np.require(Y, dtype, ["C", "A"])
        self.loss = get_loss(network.h.name, loss)
        self.alpha = _python_float(alpha)
        self.sample_weight: Floats | None = (
            None if sample_weight is None else np.require(sample_weight, dtype, ["C", "A"])
        )
        self.engine = resolve_engine(engine, network, self.X, self.loss)
        self._check_shapes()
        m, n_rows = (self._count_examples(), self.n_rows) if whole is None else whole
        check_m(m, self.alpha, self.X.dtype)
        self.m = m
        self.mean_weight = m / n_rows
        if isinstance(X, NamespaceArray):
            self._move_to(X)

    @property
    def n_rows(self) -> int:
        """The number of rows; that of a batch, where this is one."""
        return len(self.Y)

    @property
    def has_weight(self) -> bool:
        """Whether any row has a weight other than 0."""
        return self.sample_weight is None or bool(np.asarray(self.sample_weight).any())

    def _move_to(self, place: NamespaceArray) -> None:
        """Move the targets and the weights to where X is."""
        self.Y = place.like(self.Y)
        if self.sample_weight is not None:
            self.sample_weight = place.like(self.sample_weight)

    def _check_shapes(self) -> None:
        sizes, rows = self.network.layer_sizes, self.X.shape[0]
        if self.X.ndim != 2 or self.X.shape[1] != sizes[0]:
            raise ValueError(f"X must have shape (m, {sizes[0]}). Got {self.X.shape} instead.")
        if self.Y.shape != (rows, sizes[-1]):
            raise ValueError(f"Y must have shape {(rows, sizes[-1])}. Got {self.Y.shape} instead.")
        if self.sample_weight is not None and self.sample_weight.shape != (rows,):
            raise ValueError(
                f"sample_weight must have shape ({rows},). Got {self.sample_weight.shape} instead."
            )

    def _count_examples(self) -> float:
        if self.sample_weight is None:
            return float(self.n_rows)
        with np.errstate(over="ignore"):
            return float(self.sample_weight.sum(dtype=float))

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the cost J(Θ) and its gradient D.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights, as `skbp.network.Network.pack` lays them out.

        Returns
        -------
        J : float
            The cost.
        D : ndarray of shape (n_parameters,)
            ∂J/∂Θ, laid out like ``theta`` and of its dtype (float64 for integers).

        Examples
        --------
        With one unit and Θ = 0 the hypothesis is ½. For an example with x = 2 and y = 1,
        J = log 2 and D = (½ − y) · (1, x):

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X, Y = np.array([[2.0]]), np.array([[1.0]])
        >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
        >>> J, D = objective(np.zeros(2))
        >>> round(J, 4)
        0.6931
        >>> D
        array([-0.5, -1. ])
        """
        theta = np.asarray(theta)
        given_dtype = theta.dtype if theta.dtype.kind == "f" else np.dtype(float)
        theta = theta.astype(self.X.dtype, copy=False)
        Thetas = self.network.unpack(theta)
        m_rows, lambda_m = self.mean_weight * self.n_rows, self.alpha / self.m
        sums = self._sum_over_blocks(theta)
        J, D = mean_and_penalty(self.network, Thetas, sums, m_rows, lambda_m)
        return J, D.astype(given_dtype, copy=False)

    def _sum_over_blocks(self, theta: Floats) -> Sum:
        """Return Σ_i w_i loss and Δ, accumulated block by block."""
        if isinstance(self.X, NamespaceArray):  # its engine has larger blocks
            return self.engine.loss_and_gradient(self, theta)

        def of_block(block: slice) -> Sum:
            rows = self.take(block) if block.stop - block.start < self.n_rows else self
            return self.engine.loss_and_gradient(rows, theta)

        losses, Delta = add_up(map_blocks(of_block, self.n_rows, self.network, self.loss))
        return losses, Delta.astype(theta.dtype, copy=False)

    def new_order(self, before: Rows | None, random_state: np.random.RandomState) -> Rows:
        """Draw an order of the rows for an epoch.

        Parameters
        ----------
        before : ndarray of int of shape (n_rows,) or None
            The order of the last epoch, which is shuffled in place. None before the first.
        random_state : RandomState instance
            Source of randomness.

        Returns
        -------
        ndarray of int of shape (n_rows,)
            The row numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [1.0]])
        >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
        >>> sorted(objective.new_order(None, np.random.RandomState(0)).tolist())
        [0, 1, 2]
        """
        order = np.arange(self.n_rows) if before is None else before
        random_state.shuffle(order)
        return order

    def sample(self, n_rows: int, random_state: np.random.RandomState) -> "Objective":
        """Return the same cost on random rows, in random order.

        Parameters
        ----------
        n_rows : int
            The number of rows; all, where there are fewer.
        random_state : RandomState instance
            Draws the rows.

        Returns
        -------
        Objective
            The cost on these rows.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [1.0]])
        >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
        >>> objective.sample(2, np.random.RandomState(0)).n_rows
        2
        """
        return self.take(random_state.permutation(self.n_rows)[:n_rows])

    def take(self, rows: slice | Rows) -> "Objective":
        """Return the same cost on some of the rows, with the same λ/m.

        The mean of a random batch's cost over all batches is J, with sample weights
        too: they are divided by their mean over the training set, not over the batch.

        Parameters
        ----------
        rows : slice, or ndarray of int or bool
            The rows of the batch. For a slice, the batch is a view.

        Returns
        -------
        Objective
            A function of ``theta``, like this one.

        Examples
        --------
        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
        >>> network = Network(layer_sizes=(2, 3, 1))
        >>> objective = Objective(network, X, Y)
        >>> theta = network.initialize(random_state=0)
        >>> J_first, D_first = objective.take(slice(0, 2))(theta)
        >>> J_second, D_second = objective.take(slice(2, 4))(theta)
        >>> J, D = objective(theta)
        >>> np.isclose(J, (J_first + J_second) / 2).item()
        True
        """
        weight = self.sample_weight
        X, weight = rows_of(self.X, rows), None if weight is None else weight[rows]
        return self._with(X, self.Y[rows], weight)

    def batches(self, batch_size: int, order: Rows | None = None) -> Iterator["Objective"]:
        """Go through all rows once, in batches.

        Parameters
        ----------
        batch_size : int
            The number of rows of a batch; the last one may have fewer.
        order : ndarray of int of shape (m,), default=None
            The order of the rows; None for the order of X, where batches are views.

        Yields
        ------
        Objective
            The cost on the batch. It is valid until the next one is drawn: the
            batches of a dense X share one buffer.

        Raises
        ------
        ValueError
            If ``batch_size`` is not positive, or ``order`` does not hold as many row
            numbers as there are rows.

        Examples
        --------
        The lecture's update after each example, one hundred times over the examples:

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
        >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
        >>> theta = np.zeros(2)
        >>> before, _ = objective(theta)
        >>> for _ in range(100):
        ...     for example in objective.batches(batch_size=1):
        ...         J, D = example(theta)
        ...         theta -= 0.1 * D
        >>> after, _ = objective(theta)
        >>> after < before
        True
        """
        n_rows = self.n_rows
        if batch_size < 1:
            raise ValueError(f"batch_size must be positive. Got {batch_size} instead.")
        if order is not None and not _is_order_of(n_rows, order):
            raise ValueError(f"order must hold the row numbers 0 to {n_rows - 1}.")
        slices = [slice(start, start + batch_size) for start in range(0, n_rows, batch_size)]
        if order is None:
            yield from map(self.take, slices)
        elif issparse(self.X):
            yield from (self.take(order[batch]) for batch in slices)
        elif isinstance(self.X, NamespaceArray):
            there = self.X.like(order)
            yield from (self.take(there[batch]) for batch in slices)
        else:
            columns: list[Floats] = [
                c for c in (self.X, self.Y, self.sample_weight) if c is not None
            ]
            buffers = [np.empty((batch_size, *c.shape[1:]), c.dtype) for c in columns]
            for batch in slices:
                yield self._with(*_take(columns, order[batch], buffers))

    def epoch(self, theta: Floats, batch_size: int, order: Rows | None, update: Update) -> float:
        """Update the weights after each batch of rows, once through all rows.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            All weights, of the dtype of X; changed in place.
        batch_size : int
            The number of rows of a batch; the last one may have fewer.
        order : ndarray of int of shape (m,) or None
            The order of the rows; None for the order of X.
        update : Update
            Maps the gradient of a batch to the step; its state is updated.

        Returns
        -------
        float
            The mean of the batches' J, weighted by their rows.

        Examples
        --------
        The lecture's update after each example, one hundred times over the examples:

        >>> import numpy as np
        >>> from skbp.network import Network
        >>> from skbp.objective import Objective
        >>> from skbp.solvers import Momentum
        >>> from skbp.solvers.update_rules import Update
        >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
        >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
        >>> theta, rule = np.zeros(2), Momentum(momentum=0)
        >>> before, _ = objective(theta)
        >>> for _ in range(100):
        ...     update = Update(rule, rule.init(theta), eta=0.1)
        ...     _ = objective.epoch(theta, batch_size=1, order=None, update=update)
        >>> after, _ = objective(theta)
        >>> after < before
        True
        """
        return self.engine.epoch(self, theta, batch_size, order, update)

    def _with(self, X: Matrix, Y: Floats, sample_weight: Floats | None = None) -> "Objective":
        """Return the objective on other rows, which keeps this one's m and mean weight."""
        batch: Objective = object.__new__(type(self))
        vars(batch).update(vars(self), X=X, Y=Y, sample_weight=sample_weight)
        return batch

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle: what was sent to another process may not be aligned."""
        vars(self).update({name: aligned(value) for name, value in state.items()})


def constant_cost(
    network: Network, Y: Floats, loss: str | Loss = "log_loss", sample_weight: Floats | None = None
) -> float:
    """Return the cost of a model that ignores x: its outputs are the means of the targets.

    For one-hot targets these are the shares of the classes. A network that has learned
    something has a lower cost.

    Parameters
    ----------
    network : Network
        The network, whose output activation and number of outputs matter.
    Y : ndarray of shape (m, s_L)
        The targets.
    loss : {"log_loss", "squared_error"} or Loss, default="log_loss"
        The loss of one example.
    sample_weight : ndarray of shape (m,), default=None
        The weight of each example. None for ones.

    Returns
    -------
    float
        The cost, without a penalty.

    Examples
    --------
    Of two classes that are equally frequent it is log 2:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import constant_cost
    >>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> round(constant_cost(Network(layer_sizes=(2, 3, 1)), Y), 4)
    0.6931
    """
    with np.errstate(over="ignore"):
        m = float(len(Y) if sample_weight is None else sample_weight.sum(dtype=float))
    if not 0 < m < np.inf:
        return np.inf  # `Objective` tells what is wrong
    weight = None if sample_weight is None else sample_weight.astype(float) / m
    means = Y.mean(axis=0, dtype=float) if weight is None else weight @ Y
    if is_log_loss(loss):
        return log_loss_of_means(network, means)
    return losses_of_means(network, means, Y, loss, m, weight)


def log_loss_of_means(network: Network, means: Floats) -> float:
    """Return the mean cross entropy of the model whose outputs are the means of the targets.

    Parameters
    ----------
    network : Network
        The network, whose output activation matters.
    means : ndarray of shape (s_L,)
        The means of the targets.

    Returns
    -------
    float
        That of the means as targets: the cross entropy is affine in the targets.
    """
    return losses_of_means(network, means, means[np.newaxis], "log_loss", 1.0, None)


def losses_of_means(
    network: Network,
    means: Floats,
    Y: Floats,
    loss: str | Loss,
    m: float,
    weight: Floats | None,
) -> float:
    """Return the sum of the losses of the model whose outputs are some means, divided by m.

    Parameters
    ----------
    network : Network
        The network, whose output activation matters.
    means : ndarray of shape (s_L,)
        The means of the targets.
    Y : ndarray of shape (n_rows, s_L)
        The targets of some rows.
    loss : {"log_loss", "squared_error"} or Loss
        The loss of one example.
    m : float
        The number of examples, by which the sum is divided.
    weight : ndarray of shape (n_rows,) or None
        The weight of each row, divided by m already. None for ones.

    Returns
    -------
    float
        The sum.
    """
    z = constant_decision(network, means)
    a, of_rows = network.h.g(z[np.newaxis]), get_loss(network.h.name, loss)
    total = 0.0
    for start in range(0, len(Y), _ROWS_OF_BLOCK):
        block = slice(start, start + _ROWS_OF_BLOCK)
        shape = Y[block].shape
        losses = of_rows.per_row(np.broadcast_to(z, shape), np.broadcast_to(a, shape), Y[block])
        total += float(losses.sum() / m if weight is None else losses @ weight[block])
    return total


def constant_decision(network: Network, means: Floats, least: float = _TINY) -> Floats:
    """Return z of the output layer of a model that ignores x.

    Parameters
    ----------
    network : Network
        The network, whose output activation matters.
    means : ndarray of shape (s_L,)
        The means of the targets, which are to be the outputs.
    least : float, default=2.2e-16
        The outputs are at least this, and at most 1 less this.

    Returns
    -------
    ndarray of shape (s_L,)
        z.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import constant_decision
    >>> z = constant_decision(Network(layer_sizes=(2, 3, 1)), np.array([0.75]))
    >>> 1 / (1 + np.exp(-z))
    array([0.75])
    """
    means = np.clip(means, least, 1 - least)
    return np.asarray(np.log(means) if network.h.name == "softmax" else logit(means))


def add_up(sums: Iterable[Sum]) -> Sum:
    """Add up Σ_i w_i loss and Δ of some blocks of rows, in their order.

    Parameters
    ----------
    sums : iterable of tuple of (float, ndarray)
        Those of each block; one at least.

    Returns
    -------
    losses : float
        The sum of the weighted losses.
    Delta : ndarray of shape (n_parameters,)
        Δ; in float64 where there are several blocks.
    """
    remaining = iter(sums)
    losses, Delta = next(remaining)
    for n, (losses_of_block, Delta_of_block) in enumerate(remaining):
        losses += losses_of_block
        # float32 would lose digits; the first one is copied, so what comes in is not changed
        Delta = Delta.astype(float, copy=n == 0)
        Delta += Delta_of_block
    return losses, Delta


def mean_and_penalty(
    network: Network, Thetas: Sequence[Floats], sums: Sum, m_rows: float, lambda_m: float
) -> Sum:
    """Return J and D, given sums over rows: their means, and the penalty.

    Parameters
    ----------
    network : Network
        The network.
    Thetas : sequence of ndarray
        The weights Θ^(l).
    sums : tuple of (float, ndarray)
        Σ_i w_i loss and Δ; Δ is of the dtype of the weights.
    m_rows : float
        What the sums are divided by.
    lambda_m : float
        λ/m.

    Returns
    -------
    J : float
        The cost.
    D : ndarray of shape (n_parameters,)
        Its gradient, of that dtype.
    """
    losses, Delta = sums
    J, D = losses / m_rows, Delta / m_rows
    for Theta, D_l in zip(Thetas, network.unpack(D), strict=True):
        weights = Theta[:, 1:]
        J += lambda_m / 2 * float((weights * weights).sum())
        D_l[:, 1:] += lambda_m * weights
    return J, D


def check_m(m: float, alpha: float, dtype: DTypeLike) -> None:
    """Check that m, and λ/m, can be computed with.

    Parameters
    ----------
    m : float
        The sum of the weights of the training set.
    alpha : float
        λ.
    dtype : dtype
        The dtype of X.

    Raises
    ------
    ValueError
        If they cannot.
    """
    most = float(np.finfo(dtype).max)
    # a sum of weighted losses is some times larger than m
    if not 0 < m <= most / 1e4:
        raise ValueError(
            "m, the sum of sample_weight, must be positive and finite, and at most "
            f"{most / 1e4:.1g} (in a classifier, of sample_weight times class_weight). "
            f"Got {m} instead."
        )
    if not 0 <= alpha / m <= most**0.5:
        raise ValueError(
            f"alpha / m must be from 0 to {most**0.5:.1g}, where m is the sum of "
            f"sample_weight. Got alpha={alpha}, m={m} instead."
        )


def _python_float(alpha: float) -> float:
    """Return λ without the precision of a NumPy number, which the cost would take over."""
    try:
        return float(alpha)
    except OverflowError:
        raise ValueError(f"alpha must be at most 1.8e308. Got {alpha!r} instead.") from None


def _is_order_of(n_rows: int, order: Rows) -> bool:
    return order.shape == (n_rows,) and order.min() >= 0 and order.max() < n_rows


def _take(columns: list[Floats], rows: Rows, buffers: list[Floats]) -> list[Floats]:
    """Copy some rows of each array into its buffer; return the filled part of the buffers."""
    return [
        # mode="clip" lets NumPy write to the buffer directly; every row is in range
        np.take(column, rows, axis=0, out=buffer[: len(rows)], mode="clip")
        for column, buffer in zip(columns, buffers, strict=True)
    ]
