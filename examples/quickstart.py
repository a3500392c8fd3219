"""
Quickstart: classify handwritten digits
=======================================

Three models are tuned on handwritten digits, and compared on held-out test digits. The figure at
the end shows the test digits with the largest errors of the tuned network, each with the true
digit, the predicted digit, and their probabilities p. They are badly written: a 9 whose loop does
not close, an 8 as narrow as a 1. For the first ones, the probability of the true digit is almost 0;
for the last ones, the network was uncertain.
"""

# %%
# The script
#
# 1. holds out a quarter of scikit-learn's 1797 digits of 8 × 8 pixels as a test set, and tunes
#    `BackpropClassifier` on the rest, by a grid search with cross-validation over λ (``alpha``) and
#    the size of the hidden layer,
# 2. does the same with scikit-learn's ``MLPClassifier`` and ``LogisticRegression``, with the same
#    split and folds, each over its own regularisation parameter, the networks over the same sizes,
# 3. prints the accuracy and the log-loss of all three on the test digits,
# 4. draws the test digits that `BackpropClassifier` misclassified: as text, and as a figure if
#    Matplotlib is installed.
#
# It takes 10 to 30 seconds on two cores.

from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier

SIZES = [(25,), (100,)]

CANDIDATES = [
    (
        BackpropClassifier(random_state=0),
        {"alpha": [0.1, 1, 10], "hidden_layer_sizes": SIZES},
    ),
    (
        # the default of 200 epochs is too small to converge here
        MLPClassifier(random_state=0, max_iter=1000),
        {"alpha": [0.01, 0.1, 1], "hidden_layer_sizes": SIZES},
    ),
    (
        LogisticRegression(max_iter=1000),
        {"C": [0.01, 0.1, 1, 10]},
    ),
]

N_JOBS = 2
SHADES = " .:-=+*#%@"


def main():
    """Run the four steps."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    print(f"{len(X_train)} training digits, {len(X_test)} test digits")

    searches = [tune(model, grid, X_train, y_train) for model, grid in CANDIDATES]
    print_comparison(searches, X_test, y_test)
    print_misread(searches[0], X_test, y_test)
    plot_misread(searches[0], X_test, y_test)


# %%
# Tune
# ----
# The scaler is part of the pipeline, so it is fitted on the training rows of each fold.


def tune(model, grid, X, y):
    """Run the grid search, print the accuracy of each cell, and return the search."""
    pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
    grid = {f"model__{name}": values for name, values in grid.items()}
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    start = perf_counter()
    search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=N_JOBS).fit(X, y)
    seconds = perf_counter() - start

    print(f"\n{name_of(search)}: accuracy in %, mean ± std of {folds.get_n_splits()} folds")
    print_grid(search)
    print(f"searched and refitted in {seconds:.1f} s")
    return search


def print_grid(search):
    """Print a row for each regularisation strength and a column for each size."""
    strength, *rest = search.param_grid
    columns = search.param_grid[rest[0]] if rest else [""]
    results = search.cv_results_
    scores = zip(results["mean_test_score"], results["std_test_score"], strict=True)
    cells = [f"{100 * mean:.1f} ± {100 * std:.1f}  " for mean, std in scores]
    cells[search.best_index_] = cells[search.best_index_][:-1] + "*"

    print_row(short(strength), [f"{column!s:^10}" for column in columns])
    for i, value in enumerate(search.param_grid[strength]):
        print_row(value, cells[i * len(columns) : (i + 1) * len(columns)])


def print_row(head, cells):
    """Print a line of a table."""
    print(" ".join([f"{head:>8}", *(f"{cell:>14}" for cell in cells)]).rstrip())


# %%
# Compare
# -------


def print_comparison(searches, X_test, y_test):
    """Print the accuracy and log-loss of the best models on the test digits."""
    print(f"\non the {len(X_test)} test digits   accuracy   log-loss   chosen")
    for search in searches:
        accuracy = search.score(X_test, y_test)
        loss = log_loss(y_test, search.predict_proba(X_test))
        chosen = ", ".join(f"{short(k)}={v}" for k, v in search.best_params_.items())
        print(f"{name_of(search):22} {accuracy:11.4f} {loss:10.4f}   {chosen}")
    error = np.sqrt(accuracy * (1 - accuracy) / len(X_test))
    print(f"The standard error of such an accuracy is about {error:.3f}.")


# %%
# Show the mistakes
# -----------------


def print_misread(search, X_test, y_test, n_shown=4):
    """Print the misclassified digits with the largest errors as text."""
    worst = misread(search, X_test, y_test)
    print(f"\n{name_of(search)} misread {len(worst)} of {len(X_test)} test digits.", end=" ")
    if not worst:
        print("All are correct.")
        return
    worst = worst[:n_shown]
    print(f"These {len(worst)} got the lowest probability for the true digit:\n")
    blocks = [[*captions, *draw(X_test[i])] for i, captions in worst]
    for lines in zip(*blocks, strict=True):
        print("   ".join(f"{line:17}" for line in lines).rstrip())


def plot_misread(search, X_test, y_test, n_shown=8):
    """Plot the misclassified digits if Matplotlib is installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return
    worst = misread(search, X_test, y_test)[:n_shown]
    figure, axes = plt.subplots(2, 4, figsize=(6.5, 4.2), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (i, captions) in zip(axes.flat, worst, strict=False):
        ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
        ax.set_title("\n".join(captions), size=10)
    figure.suptitle(f"Test digits that {name_of(search)} misread")
    plt.show()


def misread(search, X_test, y_test):
    """Return the misclassified rows, largest error first, each with two captions."""
    probabilities, predicted = search.predict_proba(X_test), search.predict(X_test)
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


def name_of(search):
    """Return the class name of the tuned model."""
    return type(search.estimator["model"]).__name__


def short(parameter):
    """Return the name of a parameter without the pipeline step."""
    return parameter.removeprefix("model__")


# %%
# Run it
# ------

if __name__ == "__main__":
    main()
