"""
Quickstart: a search beside that of MLPClassifier
=================================================

`BackpropClassifierCV` and a grid search over scikit-learn's ``MLPClassifier`` choose λ for the same
network on handwritten digits. The figure shows the log-loss on the test digits against the time of
the search: lower and further to the left is better.
"""

# %%
# The script splits scikit-learn's 1797 digits of 8 × 8 pixels into thirds. Each of them is the
# training set once, and the other two are the test set. On each training set it fits
#
# 1. `BackpropClassifierCV` as an ensemble of ten networks, and as a single one. With
#    ``exhaustive=True`` it fits each λ from new weights, as a grid search does,
# 2. `BackpropClassifierCV` with its defaults: two other networks, six values of λ, and an early end
#    where a smaller λ only overfits,
# 3. a ``GridSearchCV`` over ``alpha`` of ``MLPClassifier``, with the network, values of λ, folds
#    and solver of 1,
# 4. ``MLPClassifier`` with its defaults and no search.
#
# It prints the median time, and the mean error and log-loss on the test digits. It takes half a
# minute on two cores. The figure needs Matplotlib; the text does not.

import warnings
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skbp import BackpropClassifierCV

THIRDS = StratifiedKFold(3, shuffle=True, random_state=0)

SEARCH = {"cv": StratifiedKFold(5, shuffle=True, random_state=1), "n_jobs": 2}
ALPHAS = [10, 1, 0.1]
OURS = {"hidden_layer_sizes": (100,), "activation": "relu", "alphas": ALPHAS, "exhaustive": True}

# Its default solver, adam, has a larger log-loss here.
THEIRS = MLPClassifier(solver="lbfgs", random_state=0)
GRID = {"mlpclassifier__alpha": ALPHAS}
GRID_SEARCH = "GridSearchCV(MLPClassifier)"


def models():
    """Return the models to compare by name, each in a pipeline behind a scaler."""
    ours = BackpropClassifierCV(**OURS, **SEARCH, random_state=0)
    ensemble = BackpropClassifierCV(**OURS, **SEARCH, n_members=10, random_state=0)
    default = BackpropClassifierCV(**SEARCH, random_state=0)
    return {
        "BackpropClassifierCV, 10 members": scaled(ensemble),
        "BackpropClassifierCV, 1 member": scaled(ours),
        "BackpropClassifierCV, defaults": scaled(default),
        GRID_SEARCH: GridSearchCV(scaled(THEIRS), GRID, scoring="neg_log_loss", **SEARCH),
        "MLPClassifier, defaults": scaled(MLPClassifier(random_state=0)),
    }


def scaled(model):
    """Return a pipeline of a scaler and a model."""
    return make_pipeline(StandardScaler(), model)


# %%
# Fit and measure
# ---------------
# BLAS has one thread, which is faster here for ``MLPClassifier`` too. It often ends at its 200
# iterations; the warning is ignored.


def main():
    """Measure all models on each third, print the table and draw the figure."""
    X, y = load_digits(return_X_y=True)
    results = {name: [] for name in models()}
    for test, training in THIRDS.split(X, y):  # the other way round: the smaller part trains
        for name, model in models().items():
            results[name].append(measure(model, X[training], y[training], X[test], y[test]))
    print(f"{len(training)} training digits, {len(test)} test digits, three times\n")
    print_table(results)
    plot(results)


def measure(model, X_train, y_train, X_test, y_test):
    """Return the seconds of a fit, and the log-loss and the error on the test rows."""
    start = perf_counter()
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X_train, y_train)
    seconds = perf_counter() - start
    loss = log_loss(y_test, model.predict_proba(X_test))
    return seconds, loss, np.mean(model.predict(X_test) != y_test)


# %%
# The table
# ---------
# The last column is the difference of the log-loss from that of the grid search. ± is the standard
# error of its mean over the three training sets, which have no digit in common.


def print_table(results):
    """Print a row for each model."""
    print(f"{'':32} {'fit':>7} {'error':>7} {'log-loss':>9}   difference")
    reference = losses(results[GRID_SEARCH])
    for name, measured in results.items():
        seconds, _, errors = zip(*measured, strict=True)
        difference = losses(measured) - reference
        spread = difference.std(ddof=1) / np.sqrt(len(difference))
        text = "" if name == GRID_SEARCH else f"   {difference.mean():+.4f} ± {spread:.4f}"
        print(
            f"{name:32} {median(seconds):5.1f} s {np.mean(errors):7.1%}"
            f" {losses(measured).mean():9.4f}{text}"
        )


def losses(measured):
    """Return the log-loss on each third."""
    return np.array([loss for _, loss, _ in measured])


# %%
# The figure
# ----------


def plot(results):
    """Plot the log-loss against the time of the fit, if Matplotlib is installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return
    _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, measured in results.items():
        seconds = median(each[0] for each in measured)
        colour = "tab:orange" if "MLPClassifier" in name else "tab:blue"
        ax.plot(seconds, losses(measured).mean(), "o", color=colour)
        ax.annotate(
            name,
            (seconds, losses(measured).mean()),
            xytext=(7, 0),
            textcoords="offset points",
            verticalalignment="center",
            color=colour,
        )
    ax.set(xlabel="median time of a fit, s", ylabel="mean log-loss on the test digits")
    ax.margins(x=0.5, y=0.2)
    ax.set_xlim(left=0)
    ax.spines[["top", "right"]].set_visible(False)
    plt.show()


# %%
# Run it
# ------

if __name__ == "__main__":
    main()
