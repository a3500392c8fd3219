"""scikit-learn's MLPClassifier."""

from time import perf_counter

from clock import clocked
from sklearn.neural_network import MLPClassifier

MODULE = "sklearn.neural_network"
classifier = MLPClassifier


class Watched(MLPClassifier):
    """MLPClassifier that notes each evaluation of the cost and its gradient."""

    def fit(self, X, y):
        """Train the network."""
        self.losses_, self.seconds_ = [], []
        return super().fit(X, y)

    def _backprop(self, *arguments):
        start = perf_counter()
        result = super()._backprop(*arguments)
        self.seconds_.append(perf_counter() - start)
        self.losses_.append(result[0])
        return result


def evaluations(X, y, **settings):
    """Return how often a fit evaluates the cost."""
    return len(Watched(**settings).fit(X, y).losses_)


def descent(X, y, loss, **settings):
    """Return a function that trains until the loss is reached, and returns the seconds.

    MLPClassifier has a softmax output only, and L-BFGS in place of conjugate gradient.
    """
    del settings["output_activation"]
    settings["solver"] = "lbfgs"
    losses = Watched(**settings).fit(X, y).losses_
    n_before = next(i for i, J in enumerate(losses) if loss >= J)
    model = MLPClassifier(**settings, max_fun=n_before)  # it ends when it has done more
    return clocked(lambda: model.fit(X, y))


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes the cost and its gradient once, and returns the seconds.

    It fits one step on one batch of all rows, and only the gradient in it is timed.
    """
    model = Watched(hidden_layer_sizes, solver="sgd", batch_size=len(X), shuffle=False, max_iter=1)
    return lambda: sum(model.fit(X, y).seconds_)
