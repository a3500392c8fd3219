"""Compare BackpropClassifierCV and BackpropClassifier with other classifiers on real data.

    python benchmarks/accuracy.py             # a quarter of an hour on one core
    python benchmarks/accuracy.py --quick     # two splits of three data sets: under a minute

All have their defaults. RealMLP and CatBoost, which take longer, are compared where they are
installed (``pip install ".[rivals]"``). The script prints tables of error, log-loss and fit time,
and draws the ranks against the fit time. README.md in this directory describes the method and has
the results.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from classifiers import CLASSIFIERS, installed
from data_sets import DATA_SETS
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from pictures import save
from scipy.stats import gmean
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import TEST_FRACTION, print_table, print_versions, standard_error
from threadpoolctl import threadpool_limits

QUICK_SETS = ["solar flare", "breast cancer", "wine"]
OURS_COLOUR, OTHER_COLOUR = "tab:blue", "0.45"
LEADER = {"arrowstyle": "-", "relpos": (0, 0.5), "linewidth": 0.5, "alpha": 0.5}


def main():
    """Run all fits, print the tables and draw the plot."""
    options = parse_arguments()
    data_sets = chosen(options)
    classifiers = installed()
    records = read(options.json)
    for data_set in data_sets:
        records += measure(data_set, classifiers, options.splits, options.jobs, records)
        write(options.json, records)
    names = {each.name for each in data_sets}
    runs = pd.DataFrame(each for each in records if each["data set"] in names)
    print_versions("pytabkit", "torch", "catboost")
    print_summary(summary_of(runs))
    print_results("Error in %", runs, "error", ".1%")
    print_results("Log-loss", runs, "log_loss", ".3f")
    print_data_sets(data_sets)
    draw(summary_of(runs), options.plot)


def parse_arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two splits of three data sets")
    parser.add_argument(
        "--most-rows", type=int, default=sys.maxsize, help="leave out data sets with more rows"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--json", type=Path, help="file for the results of all fits; those it has are not repeated"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        default=Path("accuracy.png"),
        help="file for the plot by log-loss; that by error is beside it (default: accuracy.png)",
    )
    options = parser.parse_args()
    options.splits = 2 if options.quick else 10
    return options


def chosen(options):
    """Return the data sets that the command line asks for."""
    return [
        each
        for each in DATA_SETS
        if (not options.quick or each.name in QUICK_SETS)
        and len(each.load()[1]) <= options.most_rows
    ]


def read(path):
    """Return the results in a file, if there is one."""
    return json.loads(path.read_text("utf-8")) if path is not None and path.exists() else []


def write(path, records):
    """Write the results to a file, if it is asked for."""
    if path is not None:
        path.write_text(json.dumps(records, indent=1), "utf-8")


def measure(data_set, classifiers, n_splits, n_jobs, records):
    """Fit the classifiers on all splits of a data set, and return the results not yet there."""
    start = perf_counter()
    done = {(each["data set"], each["split"], each["classifier"]) for each in records}
    X, y = data_set.load()
    calls = [
        (classifier, split)
        for split in range(n_splits)
        for classifier in classifiers
        if (data_set.name, split, classifier.name) not in done
    ]
    results = Parallel(n_jobs)(delayed(score)(*call, X, y) for call in calls)
    print(f"{data_set.name}: {perf_counter() - start:.0f} s", file=sys.stderr)
    return [{"data set": data_set.name} | result for result in results]


def score(classifier, split, X, y):
    """Return the error, log-loss and fit time of a classifier on one split."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=TEST_FRACTION, stratify=y, random_state=split
    )
    model = make_pipeline(StandardScaler(), classifier.make(random_state=split))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # MLPClassifier's 200 epochs are few
        warnings.filterwarnings("ignore", module="pytabkit|pytorch_lightning|torch")
        start = process_time()
        model.fit(X_train, y_train)
        seconds = process_time() - start
        predicted, probabilities = np.ravel(model.predict(X_test)), model.predict_proba(X_test)
    return {
        "split": split,
        "classifier": classifier.name,
        "error": np.mean(predicted != y_test),
        "log_loss": log_loss(y_test, probabilities, labels=model.classes_),
        "seconds": seconds,
    }


def summary_of(runs):
    """Return a table with a row for each classifier, over all data sets."""
    error, loss = means(runs, "error"), means(runs, "log_loss")
    return pd.DataFrame(
        {
            "error": error.mean(),
            "log-loss": loss.mean(),
            "log-loss, geometric mean": loss.apply(gmean),
            "rank, error": error.rank(axis=1).mean(),
            "rank, log-loss": loss.rank(axis=1).mean(),
            "fit time": runs.groupby("classifier")["seconds"].median(),
        }
    ).loc[in_order(runs)]


def means(runs, metric):
    """Return the means over the splits: a row for each data set, a column for each classifier."""
    table = runs.pivot_table(metric, "data set", "classifier", "mean", sort=False)
    return table.round(12)  # so that equal errors tie


def in_order(runs):
    """Return the names of the classifiers that have results."""
    return [each.name for each in CLASSIFIERS if each.name in set(runs["classifier"])]


def print_summary(summary):
    """Print a row for each classifier."""
    forms = [".1%", ".3f", ".3f", ".1f", ".1f", ".2f"]
    rows = [
        [name, *map(format, row, forms)]
        for name, row in zip(summary.index, summary.to_numpy(), strict=True)
    ]
    print_table("Summary", ["", *summary.columns[:-1], "fit time, s"], rows)


def print_results(title, runs, metric, form):
    """Print tables with a row for each data set: one of the networks, one of the others."""
    measured = runs.pivot(index=["data set", "split"], columns="classifier", values=metric)
    for kind, is_network in [("networks", True), ("other classifiers", False)]:
        names = [each.name for each in CLASSIFIERS if each.is_network is is_network]
        names = [name for name in names if name in measured]
        rows = [
            [data_set, *(cell(measured.loc[data_set][name], form) for name in names)]
            for data_set in runs["data set"].unique()
        ]
        print_table(f"{title}: {kind}", ["data set", *names], rows)


def cell(values, form):
    """Return the mean over the splits and its standard error; the title has the %."""
    return f"{values.mean():{form}} ± {standard_error(values):{form}}".replace("%", "")


def print_data_sets(data_sets):
    """Print a row for each data set."""
    header = ["data set", "comes with", "to predict", "rows", "repeated rows", "features"]
    rows = []
    for data_set in data_sets:
        X, y = data_set.load()
        repeated = 1 - len(np.unique(X, axis=0)) / len(X)
        counts = np.unique(y, return_counts=True)[1]
        rows.append(
            [
                data_set.name,
                data_set.package,
                data_set.question,
                len(X),
                f"{repeated:.0%}",
                X.shape[1],
                f"{len(counts)} (rarest {counts.min() / len(y):.0%})",
            ]
        )
    print_table("Data sets", [*header, "classes"], rows)


def draw(summary, path):
    """Draw the ranks by log-loss against the fit time, and those by error in a second file."""
    for metric, file in [("log-loss", path), ("error", path.with_stem(f"{path.stem}_error"))]:
        figure = Figure(figsize=(6, 3), layout="constrained")
        ax = figure.subplots()
        draw_ranks(ax, summary["fit time"], summary[f"rank, {metric}"])
        ax.set(title=f"Rank by {metric}", ylabel="mean rank, best at the top")
        save(figure, file)


def draw_ranks(ax, seconds, ranks):
    """Draw a point for each classifier, joined to its name beside the axes."""
    ours = {each.name for each in CLASSIFIERS if each.is_ours}
    ax.set(xscale="log", xlabel="median fit time, s", ylim=(len(ranks) + 0.5, 0.5))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.1)
    heights = spread(ranks.sort_values(), (len(ranks) - 1) / 11)
    for name, height in heights.items():
        colour = OURS_COLOUR if name in ours else OTHER_COLOUR
        ax.plot(seconds[name], ranks[name], "o", color=colour)
        ax.annotate(
            name,
            (seconds[name], ranks[name]),
            xytext=(1.03, height),
            textcoords=ax.get_yaxis_transform(),
            verticalalignment="center",
            color=colour,
            size=10,
            arrowprops=LEADER | {"color": colour},
        )
    ax.grid(alpha=0.3)


def spread(heights, gap):
    """Return heights at least a gap apart, given them in ascending order."""
    steps = gap * np.arange(len(heights))
    return np.maximum.accumulate(heights - steps) + steps


if __name__ == "__main__":
    main()
