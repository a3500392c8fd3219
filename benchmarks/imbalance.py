"""Measure the effect of class weights and early stopping, beside MLPClassifier's, on real data.

    python benchmarks/imbalance.py            # five minutes on two cores
    python benchmarks/imbalance.py --quick    # two splits instead of ten: one minute

README.md in this directory describes the method and has the results.
"""

import argparse
import json
import sys
import warnings
from dataclasses import asdict, astuple, dataclass
from math import ceil
from pathlib import Path
from time import perf_counter

import pandas as pd
from data_sets import DATA_SETS
from joblib import Parallel, delayed
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from tables import TEST_FRACTION, print_table, print_versions, standard_error
from threadpoolctl import threadpool_limits

from skbp import BackpropClassifier

# MLPClassifier's defaults, except max_iter, whose default of 200 is too small to converge
SETTINGS = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "solver": "adam",
    "learning_rate_init": 0.001,
    "batch_size": "auto",
    "max_iter": 1000,
    "tol": 1e-4,
    "n_iter_no_change": 10,
    "validation_fraction": 0.1,
}
MLP_ALPHA = 1e-4


@dataclass(frozen=True)
class Variant:
    """Model class and training options.

    Parameters
    ----------
    model : {"MLPClassifier", "BackpropClassifier", "class shares"}
        Model class; "class shares" predicts the class frequencies of the training set.
    early_stopping : bool
        Whether to use early stopping on a tenth of the training set.
    balanced : bool
        Whether all classes get the same total weight.
    """

    model: str
    early_stopping: bool = False
    balanced: bool = False


SHARES = Variant("class shares")
MLP = Variant("MLPClassifier")
MLP_BALANCED = Variant("MLPClassifier", balanced=True)
MLP_STOPPED = Variant("MLPClassifier", early_stopping=True)
MLP_STOPPED_BALANCED = Variant("MLPClassifier", early_stopping=True, balanced=True)
OURS = Variant("BackpropClassifier")
OURS_BALANCED = Variant("BackpropClassifier", balanced=True)
OURS_STOPPED = Variant("BackpropClassifier", early_stopping=True)
OURS_STOPPED_BALANCED = Variant("BackpropClassifier", early_stopping=True, balanced=True)

UNWEIGHTED = [SHARES, MLP, MLP_STOPPED, OURS, OURS_STOPPED]
WEIGHTED = [MLP_BALANCED, MLP_STOPPED_BALANCED, OURS_BALANCED, OURS_STOPPED_BALANCED]


@dataclass(frozen=True)
class Table:
    """A table of results with a row for each data set.

    Parameters
    ----------
    title : str
        Title of the table.
    metric : str
        Metric to show.
    columns : dict of str to Variant, or to a pair of them
        Columns; a pair stands for the difference of the first and the second.
    form : str
        Format of the numbers.
    only_imbalanced : bool
        Whether to include only imbalanced data sets.
    """

    title: str
    metric: str
    columns: dict
    form: str
    only_imbalanced: bool = False


def effect_of_weights(mlp, mlp_weighted, ours, ours_weighted):
    """Return the columns of a table on the effect of class weights."""
    return {
        "MLP": mlp,
        "MLP, sample_weight": mlp_weighted,
        "skbp": ours,
        "skbp, class_weight": ours_weighted,
        "skbp: with − without": (ours_weighted, ours),
        "weighted: skbp − MLP": (ours_weighted, mlp_weighted),
    }


WITHOUT_STOPPING = effect_of_weights(MLP, MLP_BALANCED, OURS, OURS_BALANCED)
WITH_STOPPING = effect_of_weights(
    MLP_STOPPED, MLP_STOPPED_BALANCED, OURS_STOPPED, OURS_STOPPED_BALANCED
)
STOPPING = {
    "MLP": MLP,
    "MLP, early stopping": MLP_STOPPED,
    "skbp": OURS,
    "skbp, early stopping": OURS_STOPPED,
}
EFFECT_OF_STOPPING = {
    "class shares": SHARES,
    **STOPPING,
    "skbp: with − without": (OURS_STOPPED, OURS),
    "with: skbp − MLP": (OURS_STOPPED, MLP_STOPPED),
}
STOPPING_WEIGHTED = {
    "MLP": MLP_BALANCED,
    "MLP, early stopping": MLP_STOPPED_BALANCED,
    "skbp": OURS_BALANCED,
    "skbp, early stopping": OURS_STOPPED_BALANCED,
}

TABLES = [
    Table(
        "Balanced accuracy in %, without early stopping",
        "balanced_accuracy",
        WITHOUT_STOPPING,
        ".1%",
        only_imbalanced=True,
    ),
    Table(
        "Balanced accuracy in %, with early stopping",
        "balanced_accuracy",
        WITH_STOPPING,
        ".1%",
        only_imbalanced=True,
    ),
    Table(
        "Average precision in %, without early stopping",
        "average_precision",
        WITHOUT_STOPPING,
        ".1%",
        only_imbalanced=True,
    ),
    Table("Log-loss of the test set", "log_loss", EFFECT_OF_STOPPING, ".3f"),
    Table("Epochs", "epochs", STOPPING, ".0f"),
    Table("Epochs with weights", "epochs", STOPPING_WEIGHTED, ".0f", only_imbalanced=True),
]


def main():
    """Run all fits and print the tables."""
    options = parse_arguments()
    records = []
    for data_set in DATA_SETS:
        records += measure(data_set, *data_set.load(), options.splits, options.jobs)
    print_versions()
    for table in TABLES:
        print_results(table, pd.DataFrame(records))
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=1))


def parse_arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two splits instead of ten")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    parser.add_argument("--json", type=Path, help="where to write the results of all fits")
    options = parser.parse_args()
    options.splits = 2 if options.quick else 10
    return options


def measure(data_set, X, y, n_splits, n_jobs):
    """Train all variants on all splits of a data set, and return the results."""
    start = perf_counter()
    variants = UNWEIGHTED + WEIGHTED * data_set.imbalanced
    splits = Parallel(n_jobs)(
        delayed(measure_split)(variants, X, y, split) for split in range(n_splits)
    )
    print(f"{data_set.name}: {perf_counter() - start:.0f} s", file=sys.stderr)
    return [{"data_set": data_set.name} | record for records in splits for record in records]


def measure_split(variants, X, y, split):
    """Train and test the variants on one split."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=TEST_FRACTION, stratify=y, random_state=split
    )
    scaler = StandardScaler().fit(X_train)
    X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are in a table
        return [
            {"split": split}
            | asdict(variant)
            | scores(trained(variant, X_train, y_train, random_state=split), X_test, y_test)
            for variant in variants
        ]


def trained(variant, X, y, random_state):
    """Return the trained model of a variant."""
    if variant.model == "class shares":
        return DummyClassifier(strategy="prior").fit(X, y)
    parameters = SETTINGS | {
        "early_stopping": variant.early_stopping,
        "random_state": random_state,
    }
    if variant.model == "MLPClassifier":
        weights = compute_sample_weight("balanced", y) if variant.balanced else None
        return MLPClassifier(alpha=MLP_ALPHA, **parameters).fit(X, y, sample_weight=weights)
    return BackpropClassifier(
        output_activation="softmax",
        alpha=same_alpha(len(y), variant.early_stopping),
        class_weight="balanced" if variant.balanced else None,
        **parameters,
    ).fit(X, y)


def same_alpha(n_rows, early_stopping):
    """Return the alpha equivalent to MLPClassifier's, which is divided by the batch size."""
    n_held_out = ceil(SETTINGS["validation_fraction"] * n_rows) if early_stopping else 0
    n_trained = n_rows - n_held_out
    return MLP_ALPHA * n_trained / min(200, n_trained)


def scores(model, X, y):
    """Return the metrics of a trained model."""
    probabilities = model.predict_proba(X)
    binary = len(model.classes_) == 2
    return {
        "balanced_accuracy": balanced_accuracy_score(y, model.predict(X)),
        "average_precision": average_precision_score(y, probabilities[:, 1]) if binary else None,
        "log_loss": log_loss(y, probabilities, labels=model.classes_),
        "epochs": getattr(model, "n_iter_", None),
    }


def print_results(table, runs):
    """Print a table of results."""
    variant = list(Variant.__dataclass_fields__)
    measured = runs.pivot(index=["data_set", "split"], columns=variant, values=table.metric)
    rows = []
    for data_set in DATA_SETS:
        if data_set.imbalanced or not table.only_imbalanced:
            of_splits = measured.loc[data_set.name]
            cells = [cell(of_splits, column, table.form) for column in table.columns.values()]
            rows.append([data_set.name, *cells])
    print_table(table.title, ["data set", *table.columns], rows)


def cell(measured, column, form):
    """Return the mean of a column over the splits, and its standard error."""
    if isinstance(column, Variant):
        values, sign = measured[astuple(column)], ""
    else:
        first, second = map(astuple, column)
        values, sign = measured[first] - measured[second], "+"
    mean = format(values.mean(), f"{sign}z{form}")  # z: no minus before a zero
    error = format(standard_error(values), form)
    return f"{mean} ± {error}".replace("%", "").replace("-", "−")  # the title has the %


if __name__ == "__main__":
    main()
