"""Measurements and tables shared by the modules of guide.py."""

import sys
import warnings
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler
from tables import TEST_FRACTION, print_table, standard_error
from threadpoolctl import threadpool_limits

# the best or nearly the best power of ten in the table of lambda_and_sizes.md
NEAR_BEST_ALPHA = {
    "abalone": 1,
    "arrests": 1,
    "segment, window": 0.1,
    "shuttle": 0.1,
    "solar flare": 10,
    "yeast": 10,
    "breast cancer": 1,
    "digits": 0.1,
    "phishing": 1,
    "segment": 0.1,
    "wine": 0.1,
    "20,000 rows": 1,
}

# the networks of the pages, unless they say otherwise; all rows are trained to the end
PLAIN = {"activation": "logistic", "early_stopping": False}


@dataclass(frozen=True)
class Sample:
    """Rows of a data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    X : ndarray of shape (n_rows, n_features)
        Features.
    y : ndarray of shape (n_rows,)
        Classes.
    """

    name: str
    X: np.ndarray
    y: np.ndarray

    @property
    def alpha(self):
        """λ near the best one."""
        return NEAR_BEST_ALPHA[self.name]

    def split(self, random_state):
        """Return X_train, X_test, y_train, y_test, scaled on the training rows."""
        X_train, X_test, y_train, y_test = train_test_split(
            self.X, self.y, test_size=TEST_FRACTION, stratify=self.y, random_state=random_state
        )
        scaler = StandardScaler().fit(X_train)
        return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test

    def loss_in_folds(self, model, n_folds):
        """Return the log-loss of a model in cross-validation."""
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
        return -cross_val_score(model, self.X, self.y, scoring="neg_log_loss", cv=folds).mean()


@dataclass(frozen=True)
class Bench:
    """Limits of the measurements, and number of processes.

    Parameters
    ----------
    data_sets : list of DataSet
        Data sets.
    most_splits : int
        Maximum number of splits, folds or seeds.
    most_rows : int
        Maximum number of rows of each data set.
    jobs : int
        Number of processes; -1 for one per core.
    """

    data_sets: list
    most_splits: int
    most_rows: int
    jobs: int

    def samples(self, most_rows=sys.maxsize, only_imbalanced=False):
        """Return a stratified sample of each data set, or all rows if there are fewer."""
        chosen = [each for each in self.data_sets if each.imbalanced or not only_imbalanced]
        return [sample_of(data_set, self.rows(most_rows)) for data_set in chosen]

    def rows(self, number):
        """Return the number of rows, limited to the maximum."""
        return min(number, self.most_rows)

    def splits(self, number):
        """Return the range of splits, limited to the maximum."""
        return range(min(number, self.most_splits))

    def folds(self, number):
        """Return the number of folds in a list, limited to the maximum."""
        return [len(self.splits(number))]

    def measure(self, function, samples, **options):
        """Call a function with each sample and combination of options; return the results."""
        settings = [
            dict(zip(options, values, strict=True)) for values in product(*options.values())
        ]
        calls = list(product(samples, settings))
        results = Parallel(self.jobs)(
            delayed(on_one_thread)(function, sample, **setting) for sample, setting in calls
        )
        return pd.DataFrame(
            {"data set": sample.name} | setting | result
            for (sample, setting), result in zip(calls, results, strict=True)
        )


def sample_of(data_set, most_rows):
    """Return a stratified sample of a data set, or all rows if there are fewer."""
    X, y = data_set.load()
    if len(y) > most_rows:
        X, _, y, _ = train_test_split(X, y, train_size=most_rows, stratify=y, random_state=0)
    return Sample(data_set.name, X, y)


def on_one_thread(function, *arguments, **options):
    """Call a function on one thread, without convergence warnings."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return function(*arguments, **options)


def table(runs, column, value, summary):
    """Return a table with a row per data set and a column per option, in the order of the runs."""
    cells = runs.pivot_table(value, "data set", column, summary, sort=False)
    return cells.reindex(columns=runs[column].unique())


def show(title, frame, form="{:.3f}"):
    """Print a table with the index as the first column."""
    cells = frame.map(lambda cell: cell if isinstance(cell, str) else form.format(cell))
    rows = [[name, *row] for name, row in zip(frame.index, cells.to_numpy(), strict=True)]
    header = [frame.index.name, *frame.columns]
    print_table(title, header, [["–" if cell == "nan" else cell for cell in row] for row in rows])


def mean_and_error(values):
    """Format the mean over the splits and its standard error."""
    return f"{values.mean():z.3f} ± {standard_error(values):.3f}".replace("-", "−")
