"""How long the choice of λ takes: BackpropClassifierCV beside grid searches over the same grid.

    python benchmarks/search.py             # some minutes
    python benchmarks/search.py --quick     # one round on two data sets

Every search has the same networks, λ and folds, and ends with a fit on all rows. The rounds of all
searches alternate, and the medians are compared. BLAS has one thread, but for MLPClassifier, which
has its default. The processes of n_jobs=2 are started before.
"""

import argparse
import warnings
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skbp import BackpropClassifier, BackpropClassifierCV

SIZES = [(50,), (50, 50)]
ALPHAS = np.geomspace(6, 0.02, 6)
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
ROUNDS = 3


def data_sets():
    """Yield the name, X and y of each data set."""
    X, y = load_breast_cancer(return_X_y=True)
    yield "breast cancer", X, y
    X, y = load_digits(return_X_y=True)
    yield "digits", X, y
    X, y = make_classification(2000, 20, n_informative=8, n_classes=3, flip_y=0.1, random_state=0)
    yield "2000 made rows", X, y


def searches():
    """Return the searches by name; the first one is what the others are compared with."""
    networks = {"hidden_layer_sizes": SIZES, "alpha": ALPHAS}
    ours = BackpropClassifier(output_activation="softmax", early_stopping=False, random_state=0)
    theirs = MLPClassifier(solver="lbfgs", random_state=0)
    grid = {"cv": FOLDS, "scoring": "neg_log_loss"}
    given = {"alphas": ALPHAS, "cv": FOLDS, "random_state": 0}
    cv = BackpropClassifierCV(SIZES, "relu", **given)
    two_jobs = BackpropClassifierCV(SIZES, "relu", n_jobs=2, **given)
    return {
        "BackpropClassifierCV": (cv, 1),
        "BackpropClassifierCV, n_jobs=2": (two_jobs, 1),
        "GridSearchCV(BackpropClassifier)": (GridSearchCV(ours, networks, **grid), 1),
        "GridSearchCV(MLPClassifier, lbfgs)": (GridSearchCV(theirs, networks, **grid), None),
    }


def measure(X, y, n_rounds):
    """Return the seconds of each round, and the test log-loss, for each search."""
    split = train_test_split(X, y, stratify=y, random_state=0)
    X_train, X_test, y_train, y_test = split
    scaler = StandardScaler().fit(X_train)
    X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    seconds = {name: [] for name in searches()}
    losses = {}
    for _ in range(n_rounds):
        for name, (search, n_threads) in searches().items():
            with threadpool_limits(n_threads):
                start = perf_counter()
                search.fit(X_train, y_train)
                seconds[name].append(perf_counter() - start)
            losses[name] = log_loss(y_test, search.predict_proba(X_test))
    return seconds, losses


def main():
    """Print a row for each data set and search."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round on two data sets")
    given = parser.parse_args()
    chosen = list(data_sets())[: 2 if given.quick else None]
    BackpropClassifierCV(n_jobs=2, random_state=0).fit(*load_iris(return_X_y=True))
    print(f"{len(SIZES)} networks × {len(ALPHAS)} λ × 5 folds; medians, test log-loss")
    for name, X, y in chosen:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seconds, losses = measure(X, y, 1 if given.quick else ROUNDS)
        least = median(seconds["BackpropClassifierCV"])
        print(f"\n{name}, {len(y)} rows")
        for search, times in seconds.items():
            typical = median(times)
            print(
                f"  {search:36} {typical:8.2f} s  {typical / least:6.2f} ×  "
                f"log-loss {losses[search]:.4f}"
            )


if __name__ == "__main__":
    main()
