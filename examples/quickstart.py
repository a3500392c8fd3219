"""Read handwritten digits: tune, compare, and look at the mistakes.

    python examples/quickstart.py

The data are scikit-learn's 1797 digits of 8 × 8 pixels. The script

1. keeps a quarter of them for the test and tunes `BackpropClassifier` on the rest, by a grid
   search with cross-validation over λ (`alpha`) and the size of the hidden layer,
2. does the same with scikit-learn's `MLPClassifier` and `LogisticRegression`: the same split,
   the same folds, each over its own regularisation, the networks over the same sizes,
3. prints the accuracy and the log-loss of all three on the test digits,
4. draws a few test digits that `BackpropClassifier` misread.

It takes 10 to 30 seconds on two cores.
"""

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
        {"alpha": [0.01, 0.1, 1], "hidden_layer_sizes": SIZES},
    ),
    (
        # 200 epochs, its default, are too few to converge here
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
    print(f"{len(X_train)} digits to train on, {len(X_test)} to test on")

    searches = [tune(model, grid, X_train, y_train) for model, grid in CANDIDATES]
    print_comparison(searches, X_test, y_test)
    print_misread(searches[0], X_test, y_test)


def tune(model, grid, X, y):
    """Search the grid, print the accuracy of each cell, return the refitted search."""
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
    """Print a row for each strength of regularisation and a column for each size."""
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


def print_comparison(searches, X_test, y_test):
    """Print how the best model of each search does on the test digits."""
    print(f"\non the {len(X_test)} test digits   accuracy   log-loss   chosen")
    for search in searches:
        accuracy = search.score(X_test, y_test)
        loss = log_loss(y_test, search.predict_proba(X_test))
        chosen = ", ".join(f"{short(k)}={v}" for k, v in search.best_params_.items())
        print(f"{name_of(search):22} {accuracy:11.4f} {loss:10.4f}   {chosen}")
    error = np.sqrt(accuracy * (1 - accuracy) / len(X_test))
    print(f"The standard error of such an accuracy is about {error:.3f}.")


def print_misread(search, X_test, y_test, n_shown=4):
    """Draw the digits that the model was most wrong about."""
    probabilities = search.predict_proba(X_test)
    predicted = search.predict(X_test)
    misread = np.flatnonzero(predicted != y_test)
    print(f"\n{name_of(search)} misread {len(misread)} of {len(X_test)} test digits.", end=" ")
    if not len(misread):
        print("All are correct.")
        return
    worst = misread[np.argsort(probabilities[misread, y_test[misread]])][:n_shown]
    print(f"These {len(worst)} got the lowest probability for the true digit:\n")
    blocks = [
        [
            f"true {y_test[i]}, p = {probabilities[i, y_test[i]]:.3f}",
            f"read {predicted[i]}, p = {probabilities[i, predicted[i]]:.3f}",
            *draw(X_test[i]),
        ]
        for i in worst
    ]
    for lines in zip(*blocks, strict=True):
        print("   ".join(f"{line:17}" for line in lines).rstrip())


def draw(pixels):
    """Return the lines of an 8 × 8 picture, two characters a pixel."""
    levels = (pixels / 16 * (len(SHADES) - 1)).round().astype(int)
    return ["".join(2 * SHADES[level] for level in row) for row in levels.reshape(8, 8)]


def name_of(search):
    """Return the class name of the model that was tuned."""
    return type(search.estimator["model"]).__name__


def short(parameter):
    """Return a parameter's name without the pipeline step."""
    return parameter.removeprefix("model__")


if __name__ == "__main__":
    main()
