"""skbp with the compiled extension, or without if SKBP_NO_COMPILED is set."""

from contextlib import redirect_stdout
from io import StringIO

from clock import clocked
from sklearn.preprocessing import LabelBinarizer

import skbp
from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective

MODULE = "skbp"
classifier = BackpropClassifier


def evaluations(X, y, **settings):
    """Return the number of cost evaluations in a fit."""
    return classifier(**settings).fit(X, y).t_ // X.shape[0]


def descent(X, y, loss, **settings):
    """Return a function that trains until a loss is reached, and returns the seconds."""
    model = classifier(**settings).fit(X, y)
    n_iter = 1 + next(i for i, J in enumerate(model.loss_curve_) if loss >= J)
    model.set_params(max_iter=n_iter)
    return clocked(lambda: model.fit(X, y))


def gradient(X, y, hidden_layer_sizes):
    """Return a function that computes J and D once, and returns the seconds."""
    Y = LabelBinarizer().fit_transform(y).astype(X.dtype)
    network = Network((X.shape[1], *hidden_layer_sizes, Y.shape[1]), activation="relu")
    theta = network.initialize(random_state=0).astype(X.dtype)
    objective = Objective(network, X, Y, alpha=1e-4)
    return clocked(lambda: objective(theta))


def versions():
    """Return the output of `show_versions` as a dict."""
    with redirect_stdout(StringIO()) as printed:
        skbp.show_versions()
    return dict(line.split(": ", 1) for line in printed.getvalue().splitlines())
