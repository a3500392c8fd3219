"""
Quickstart: classify handwritten digits
=======================================

`BackpropClassifierCV`, which chooses λ and the network by cross-validation, is compared with grid
searches over two models of scikit-learn, on held-out test digits. The figure shows the test digits
with the largest errors of the network, each with the true digit, the predicted digit, and their
probabilities p. They are badly written: a 9 whose loop does not close, an 8 as narrow as a 1.
"""

# %%
# The script
#
# 1. holds out a quarter of scikit-learn's 1797 digits of 8 × 8 pixels as a test set, and fits
#    `BackpropClassifierCV` to the rest,
# 2. searches with the same folds and score the grids of scikit-learn's ``MLPClassifier`` (over
#    ``alpha``) and ``LogisticRegression`` (over ``C``),
# 3. draws the test digits that `BackpropClassifierCV` misclassified: as text, and as a figure if
#    Matplotlib is installed,
# 4. prints how long each search took, and the accuracy and the log-loss of all three on the test
#    digits.
#
# It takes 10 to 30 seconds on two cores.

from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifierCV

N_JOBS = 2
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
SCORING = "neg_log_loss"

NETWORK = BackpropClassifierCV(cv=FOLDS, scoring=SCORING, n_jobs=N_JOBS, random_state=0)

GRIDS = [
    (
        # its default solver, adam, took three times as long here, with a larger loss
        MLPClassifier(solver="lbfgs", max_iter=1000, random_state=0),
        {"alpha": [0.01, 0.1, 1]},
    ),
    (
        LogisticRegression(max_iter=1000),
        {"C": [0.01, 0.1, 1, 10]},
    ),
]

SHADES = " .:-=+*#%@"


def main():
    """Run the four steps."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    print(f"{len(X_train)} training digits, {len(X_test)} test digits")

    candidates = [(NETWORK, None), *GRIDS]
    fits = [fitted(model, grid, X_train, y_train) for model, grid in candidates]
    model, _ = fits[0]
    print_misread(model, X_test, y_test)
    plot_misread(model, X_test, y_test)
    print_comparison(fits, X_test, y_test)


# %%
# Search
# ------
# `BackpropClassifierCV` is the last step of a pipeline, and needs no grid. The other two models
# need a `GridSearchCV` around their pipeline.


def fitted(model, grid, X, y):
    """Fit a model that searches, or a grid search over one; print its scores; return both times."""
    pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
    if grid is not None:
        grid = {f"model__{name}": values for name, values in grid.items()}
        pipeline = GridSearchCV(pipeline, grid, scoring=SCORING, cv=FOLDS, n_jobs=N_JOBS)

    start = perf_counter()
    pipeline.fit(X, y)
    seconds = perf_counter() - start

    print(f"\n{name_of(pipeline)}: log-loss, mean ± std of {FOLDS.get_n_splits()} folds")
    print_scores(search_of(pipeline))
    print(f"searched and fitted in {seconds:.1f} s")
    return pipeline, seconds


def print_scores(search):
    """Print a line for each combination of parameters, and mark the best one."""
    results = search.cv_results_
    scores = zip(results["mean_test_score"], results["std_test_score"], strict=True)
    for i, (mean, std) in enumerate(scores):
        mark = " *" if i == search.best_index_ else ""
        score = "not needed" if np.isnan(mean) else f"{-mean:.4f} ± {std:.4f}{mark}"
        print(f"  {described(results['params'][i]):32} {score}")


# %%
# Show the mistakes
# -----------------


def print_misread(model, X_test, y_test, n_shown=4):
    """Print the misclassified digits with the largest errors as text."""
    worst = misread(model, X_test, y_test)
    print(f"\n{name_of(model)} misread {len(worst)} of {len(X_test)} test digits.", end=" ")
    if not worst:
        print("All are correct.")
        return
    worst = worst[:n_shown]
    print(f"These {len(worst)} got the lowest probability for the true digit:\n")
    blocks = [[*captions, *draw(X_test[i])] for i, captions in worst]
    for lines in zip(*blocks, strict=True):
        print("   ".join(f"{line:17}" for line in lines).rstrip())


def plot_misread(model, X_test, y_test, n_shown=8):
    """Plot the misclassified digits if Matplotlib is installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return
    worst = misread(model, X_test, y_test)[:n_shown]
    figure, axes = plt.subplots(2, 4, figsize=(6.5, 4.2), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (i, captions) in zip(axes.flat, worst, strict=False):
        ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
        ax.set_title("\n".join(captions), size=10)
    figure.suptitle(f"Test digits that {name_of(model)} misread")
    plt.show()


def misread(model, X_test, y_test):
    """Return the misclassified rows, largest error first, each with two captions."""
    probabilities, predicted = model.predict_proba(X_test), model.predict(X_test)
    rows = np.flatnonzero(predicted != y_test)
    rows = rows[np.argsort(probabilities[rows, y_test[rows]])]
    return [
        (
            i,
            [
                f"true {y_test[i]}, p = {probabilities[i, y_test[i]]:.3f}",
                f"read {predicted[i]}, p = {probabilities[i, predicted[i]]:.3f}",
            ],
        )
        for i in rows
    ]


def draw(pixels):
    """Return the lines of an 8 × 8 image, two characters per pixel."""
    levels = (pixels / 16 * (len(SHADES) - 1)).round().astype(int)
    return ["".join(2 * SHADES[level] for level in row) for row in levels.reshape(8, 8)]


# %%
# Compare
# -------


def print_comparison(fits, X_test, y_test):
    """Print the time of each search, and the accuracy and log-loss on the test digits."""
    print(f"\non the {len(X_test)} test digits     search   accuracy   log-loss   chosen")
    for model, seconds in fits:
        accuracy = accuracy_score(y_test, model.predict(X_test))
        loss = log_loss(y_test, model.predict_proba(X_test))
        chosen = described(search_of(model).best_params_)
        print(f"{name_of(model):22} {seconds:7.1f} s {accuracy:10.4f} {loss:10.4f}   {chosen}")
    error = np.sqrt(accuracy * (1 - accuracy) / len(X_test))
    print(f"The standard error of such an accuracy is about {error:.3f}.")


def search_of(model):
    """Return what has the scores: a grid search, or the last step of a pipeline."""
    return model if isinstance(model, GridSearchCV) else model["model"]


def name_of(model):
    """Return the name of the class that was fitted with several parameters."""
    pipeline = model.estimator if isinstance(model, GridSearchCV) else model
    return type(pipeline["model"]).__name__


def described(parameters):
    """Return the values of parameters, numbers with their name."""
    return ", ".join(
        str(value)
        if isinstance(value, str | tuple)
        else f"{name.removeprefix('model__')}={value:.2g}"
        for name, value in parameters.items()
    )


# %%
# Run it
# ------

if __name__ == "__main__":
    main()
