"""PyTorch in eager mode on the CPU, with a typical training loop."""

import torch
from clock import clocked
from torch import nn

MODULE = "torch"
ACTIVATIONS = {"logistic": nn.Sigmoid, "relu": nn.ReLU}


class Classifier:
    """A network of linear layers with a plain training loop in `fit`.

    The batches are slices of a shuffled index into tensors of all rows, because a `DataLoader`
    would take much longer.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Number of units of each hidden layer.
    activation : {"logistic", "relu"}
        Activation of the hidden units.
    solver : {"sgd", "adam"}
        Optimizer.
    batch_size : int
        Number of rows per batch.
    learning_rate_init : float
        Learning rate.
    alpha : float
        Weight decay of the optimizer.
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.batch_size = batch_size
        self.rate_and_decay = {"lr": learning_rate_init, "weight_decay": alpha}
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y):
        """Train the network."""
        torch.manual_seed(self.random_state)
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        self.network_ = network(X, y, self.hidden_layer_sizes, self.activation)
        optimizer = self._optimizer()
        loss = nn.CrossEntropyLoss()
        for _ in range(self.max_iter):
            for batch in torch.randperm(len(X)).split(self.batch_size):
                optimizer.zero_grad()
                loss(self.network_(X[batch]), y[batch]).backward()
                optimizer.step()
        return self

    def _optimizer(self):
        parameters = self.network_.parameters()
        if self.solver == "adam":
            return torch.optim.Adam(parameters, **self.rate_and_decay)
        return torch.optim.SGD(parameters, **self.rate_and_decay, momentum=0.9, nesterov=True)

    def predict_proba(self, X):
        """Return the probabilities of the classes."""
        with torch.inference_mode():
            return self.network_(torch.from_numpy(X)).softmax(dim=1).numpy()


classifier = Classifier


def network(X, y, hidden_layer_sizes, activation):
    """Return the layers, for X and class numbers y."""
    n_inputs = X.shape[1]
    layers = []
    for n_units in hidden_layer_sizes:
        layers += [nn.Linear(n_inputs, n_units), ACTIVATIONS[activation]()]
        n_inputs = n_units
    return nn.Sequential(*layers, nn.Linear(n_inputs, int(y.max()) + 1)).to(X.dtype)


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes the cost and its gradient once, and returns the seconds."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    layers = network(X, y, hidden_layer_sizes, "relu")
    loss = nn.CrossEntropyLoss()

    def cost_and_gradient():
        layers.zero_grad()
        loss(layers(X), y).backward()

    return clocked(cost_and_gradient)
