"""scikit-learn's MLPClassifier."""

from time import perf_counter

from clock import clocked
from sklearn.neural_network import MLPClassifier

MODULE = "sklearn.neural_network"
classifier = MLPClassifier


class Recorded(MLPClassifier):
    """MLPClassifier that records each evaluation of the cost and its gradient."""

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
    """Return the number of cost evaluations in a fit."""
    return len(Recorded(**settings).fit(X, y).losses_)


def descent(X, y, loss, **settings):
    """Return a function that trains until a loss is reached, and returns the seconds.

    MLPClassifier only has softmax outputs, and L-BFGS is used instead of conjugate gradient.
    """
    del settings["output_activation"]
    settings["solver"] = "lbfgs"
    losses = Recorded(**settings).fit(X, y).losses_
    n_before = next(i for i, J in enumerate(losses) if loss >= J)
    model = MLPClassifier(**settings, max_fun=n_before)  # stops after this number
    return clocked(lambda: model.fit(X, y))


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes the cost and its gradient once, and returns the seconds.

    It fits one step on one batch of all rows, and only times the gradient.
    """
    model = Recorded(hidden_layer_sizes, solver="sgd", batch_size=len(X), shuffle=False, max_iter=1)
    return lambda: sum(model.fit(X, y).seconds_)
