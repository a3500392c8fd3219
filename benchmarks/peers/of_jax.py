"""JAX on the CPU: all epochs of Adam in one compiled function, with optax's Adam.

It minimises the same cost as skbp in the same steps, but for the random start weights and orders:
logistic outputs, the cross entropy, and the penalty λ/2m Σ W².
"""

from functools import partial
from itertools import pairwise

import jax
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)

MODULE = "jax"
COMPILES_FOR_SHAPES = True
ACTIVATIONS = {"logistic": jax.nn.sigmoid, "relu": jax.nn.relu}


class Classifier:
    """A network whose `fit` trains it by Adam, and is compiled in the first call for a shape.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Number of units of each hidden layer.
    activation : {"logistic", "relu"}
        Activation of the hidden units.
    solver : {"adam"}
        Optimizer.
    batch_size : int
        Number of rows per batch.
    learning_rate_init : float
        Learning rate.
    alpha : float
        λ.
    max_iter : int
        Number of epochs.
    random_state : int
        Seed.
    **when_to_stop
        Ignored: all epochs run.
    """

    def __init__(
        self,
        hidden_layer_sizes,
        activation,
        solver,
        batch_size,
        learning_rate_init,
        alpha,
        max_iter,
        random_state,
        **when_to_stop,
    ):
        assert solver == "adam"
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.random_state = random_state
        # flattened, it updates one array instead of one for each layer
        optimizer = optax.flatten(optax.adam(learning_rate_init))
        g = ACTIVATIONS[activation]
        self._train = jax.jit(partial(train, optimizer, g, alpha, batch_size))

    def fit(self, X, y):
        """Train the network."""
        generator = np.random.default_rng(self.random_state)
        Y = np.eye(int(y.max()) + 1, dtype=X.dtype)[y]
        layers = start_weights(generator, (X.shape[1], *self.hidden_layer_sizes, Y.shape[1]))
        layers = [(W.astype(X.dtype), b.astype(X.dtype)) for W, b in layers]
        orders = np.array([generator.permutation(len(X)) for _ in range(self.max_iter)])
        self.layers_, self.losses_ = jax.block_until_ready(self._train(layers, X, Y, orders))
        return self


classifier = Classifier


def start_weights(generator, layer_sizes):
    """Return the random weights and zero biases of each layer."""
    for n_inputs, n_outputs in pairwise(layer_sizes):
        bound = np.sqrt(6 / (n_inputs + n_outputs))
        yield generator.uniform(-bound, bound, (n_inputs, n_outputs)), np.zeros(n_outputs)


def train(optimizer, g, alpha, batch_size, layers, X, Y, orders):
    """Return the layers after one epoch for each order of the rows, and the losses of epochs."""
    penalty = alpha / len(X)

    def step(state, batch):
        layers, averages = state
        J, D = jax.value_and_grad(cost)(layers, g, penalty, *batch)
        updates, averages = optimizer.update(D, averages, layers)
        return (optax.apply_updates(layers, updates), averages), J * len(batch[0])

    def epoch(state, order):
        n_in_full = len(X) // batch_size * batch_size
        full, last = order[:n_in_full].reshape(-1, batch_size), order[n_in_full:]
        state, losses = jax.lax.scan(step, state, (X[full], Y[full]))
        loss = losses.sum()
        if len(last):
            state, loss_of_last = step(state, (X[last], Y[last]))
            loss += loss_of_last
        return state, loss / len(X)

    (layers, _), losses = jax.lax.scan(epoch, (layers, optimizer.init(layers)), orders)
    return layers, losses


def cost(layers, g, penalty, X, Y):
    """Return J of a batch."""
    a = X
    for W, b in layers[:-1]:
        a = g(a @ W + b)
    W, b = layers[-1]
    losses = optax.sigmoid_binary_cross_entropy(a @ W + b, Y).sum(axis=1)
    return losses.mean() + penalty / 2 * sum((W * W).sum() for W, _ in layers)
