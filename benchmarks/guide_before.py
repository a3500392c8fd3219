"""Tables of the pages on scaling, λ, sizes and class imbalance."""

import numpy as np
import pandas as pd
from data_sets import DATA_SETS
from guide_bench import PLAIN, mean_and_error, sample_of, show, table
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from skbp import BackpropClassifier

SCALERS = {
    "raw": "passthrough",
    "`StandardScaler`": StandardScaler(),
    "`MinMaxScaler`": MinMaxScaler(),
    "`RobustScaler`": RobustScaler(),
    "`PowerTransformer`": PowerTransformer(),
}
ACTIVATIONS = ["logistic", "tanh", "relu"]
ALPHAS = [0.001, 0.01, 0.1, 1, 10, 100]
SIZES = {
    "no hidden layer": (),
    "5": (5,),
    "25": (25,),
    "100": (100,),
    "300": (300,),
    "100, 100": (100, 100),
}
MOST_ROWS_FOR_300 = 2500
REGULARISERS = {
    "neither": {},
    "dropout 0.2": {"dropout": 0.2},
    "dropout 0.5": {"dropout": 0.5},
    "label smoothing 0.05": {"label_smoothing": 0.05},
    "label smoothing 0.1": {"label_smoothing": 0.1},
}
GRID = {
    "network__alpha": [0.01, 0.1, 1, 10],
    "network__hidden_layer_sizes": [(25,), (100,)],
}
IMBALANCE = [
    "rare class",
    "balanced accuracy, plain",
    "weighted",
    "moved threshold",
    "log-loss, plain",
    "weighted",
    "weighted, undone",
]
DIFFERENCES = [
    "balanced accuracy: weighted − moved threshold",
    "average precision: weighted − plain",
]


def scaling(bench):
    """Print the loss by scaler."""
    samples = bench.samples(most_rows=2000)
    runs = bench.measure(
        behind_scaler, samples, scaler=SCALERS, alpha=[0.1, 1, 10], n_folds=bench.folds(5)
    )
    best = table(runs, "scaler", "loss", "min")
    deviations = {each.name: each.X.std(axis=0) for each in samples}
    ends = {name: (sd[sd > 0].min(), sd.max()) for name, sd in deviations.items()}
    best.insert(
        0, "standard deviations of the features", [span(*ends[name]) for name in best.index]
    )
    order = sorted(best.index, key=lambda name: ends[name][0] / ends[name][1])
    show("Log-loss by scaler", best.loc[order])


def behind_scaler(sample, scaler, alpha, n_folds):
    """Measure a network with a scaler."""
    network = BackpropClassifier((25,), **PLAIN, alpha=alpha, max_iter=400, random_state=0)
    return {"loss": sample.loss_in_folds(make_pipeline(SCALERS[scaler], network), n_folds)}


def span(low, high):
    """Format a range with two digits."""
    return " to ".join(f"{float(f'{end:.2g}'):g}" for end in (low, high))


def lambda_and_sizes(bench):
    """Print the losses by λ, and by size with the best λ."""
    runs = bench.measure(
        of_size, bench.samples(most_rows=3000), size=SIZES, alpha=ALPHAS, n_folds=bench.folds(5)
    )
    by_alpha = table(runs[runs["size"] == "100"], "alpha", "loss", "mean")
    is_best = by_alpha.eq(by_alpha.min(axis=1), axis=0)
    cells = by_alpha.map("{:.3f}".format)
    cells = cells.mask(is_best, "**" + cells + "**")
    show("Log-loss of 100 units by λ", cells.rename(columns="λ = {:g}".format))
    show("Log-loss by hidden units, with the best λ", table(runs, "size", "loss", "min"))


def of_size(sample, size, alpha, n_folds):
    """Measure a network with these hidden layers."""
    if size == "300" and len(sample.y) > MOST_ROWS_FOR_300:
        return {"loss": np.nan}
    network = BackpropClassifier(SIZES[size], **PLAIN, alpha=alpha, max_iter=400, random_state=0)
    return {"loss": sample.loss_in_folds(make_pipeline(StandardScaler(), network), n_folds)}


def activations(bench):
    """Print the best λ of each activation, and its loss."""
    runs = bench.measure(
        of_activation,
        bench.samples(most_rows=3000),
        activation=ACTIVATIONS,
        alpha=[0.01, 0.1, 1, 10, 100],
        n_folds=bench.folds(5),
    )
    losses = runs.pivot_table("loss", ["data set", "activation"], "alpha", sort=False)
    best = pd.DataFrame({"alpha": losses.idxmin(axis=1), "loss": losses.min(axis=1)})
    show("The best λ by activation", best["alpha"].unstack(sort=False), "{:g}")
    show("Log-loss by activation, with the best λ", best["loss"].unstack(sort=False))


def of_activation(sample, activation, alpha, n_folds):
    """Measure a network with this activation."""
    network = BackpropClassifier(
        (50,), **PLAIN | {"activation": activation}, alpha=alpha, max_iter=400, random_state=0
    )
    return {"loss": sample.loss_in_folds(make_pipeline(StandardScaler(), network), n_folds)}


def one_standard_error(bench):
    """Print the cost of the one-standard-error rule on the digits."""
    [digits] = [each for each in DATA_SETS if each.name == "digits"]
    drawn_from = sample_of(digits, bench.most_rows)
    runs = bench.measure(simplest_and_best, [drawn_from], draw=bench.splits(10))
    losses = runs.set_index("draw")[["simplest", "best"]]
    losses["simplest ÷ best"] = losses["simplest"] / losses["best"]
    show("Log-loss of the simplest model within one standard error", losses)


def simplest_and_best(sample, draw):
    """Measure the simplest model within one standard error of the best one, and the best."""
    n_train = min(600, len(sample.y) // 2)
    X_train, X_test, y_train, y_test = train_test_split(
        sample.X, sample.y, train_size=n_train, stratify=sample.y, random_state=draw
    )
    network = BackpropClassifier(**PLAIN, random_state=0)
    model = Pipeline([("scale", StandardScaler()), ("network", network)])
    loss = {}
    for name, refit in ("simplest", simplest), ("best", True):
        search = GridSearchCV(model, GRID, scoring="neg_log_loss", refit=refit, cv=3)
        fitted = search.fit(X_train, y_train)
        loss[name] = log_loss(y_test, fitted.predict_proba(X_test))
    return loss


def simplest(results):
    """Return the cell within one standard error with the largest λ, then the fewest units."""
    mean, error = results["mean_test_score"], results["std_test_score"] / np.sqrt(3)
    good = np.flatnonzero(mean >= mean.max() - error[mean.argmax()])
    return max(good, key=lambda cell: simplicity(**results["params"][cell]))


def simplicity(network__alpha, network__hidden_layer_sizes):
    """Return the sort key of simplicity."""
    return network__alpha, -sum(network__hidden_layer_sizes)


def dropout(bench):
    """Print the effect of dropout and label smoothing with tuned λ."""
    runs = bench.measure(
        regularised,
        bench.samples(most_rows=3000),
        regulariser=REGULARISERS,
        alpha=[0.01, 0.1, 1, 10, 100],
        n_folds=bench.folds(5),
    )
    show("Log-loss with dropout and label smoothing", table(runs, "regulariser", "loss", "min"))


def regularised(sample, regulariser, alpha, n_folds):
    """Measure a network with dropout or label smoothing."""
    network = BackpropClassifier(
        (100,),
        "relu",
        solver="adam",
        learning_rate="cosine",
        batch_size=50,
        max_iter=80,
        alpha=alpha,
        random_state=0,
        **REGULARISERS[regulariser],
    )
    return {"loss": sample.loss_in_folds(make_pipeline(StandardScaler(), network), n_folds)}


def class_imbalance(bench):
    """Print the effect of class weights and a moved threshold."""
    samples = bench.samples(only_imbalanced=True)
    runs = bench.measure(with_and_without_weights, samples, split=bench.splits(10))
    groups = runs.groupby("data set", sort=False)
    shares = [f"{each.y.mean() * 100:.0f} %" for each in samples]
    accuracies = groups[["plain", "weighted", "moved"]].agg(mean_and_error)
    losses = groups[["loss plain", "loss weighted", "loss undone"]].mean()
    cells = pd.concat([accuracies, losses], axis=1)
    cells.insert(0, "rare class", shares)
    show("Class weights and a moved threshold", cells.set_axis(IMBALANCE, axis=1))
    show("What weights change", groups[DIFFERENCES].agg(mean_and_error))


def with_and_without_weights(sample, split):
    """Measure a network with class weights and one without."""
    X_train, X_test, y_train, y_test = sample.split(split)
    p, q = (
        BackpropClassifier(
            (25,), **PLAIN, alpha=sample.alpha, class_weight=class_weight, random_state=split
        )
        .fit(X_train, y_train)
        .predict_proba(X_test)[:, 1]
        for class_weight in (None, "balanced")
    )
    share = y_train.mean()
    odds = q / (1 - q) * share / (1 - share)
    plain, weighted, moved = (
        balanced_accuracy_score(y_test, rare) for rare in (p > 0.5, q > 0.5, p > share)
    )
    precision, precision_weighted = (average_precision_score(y_test, each) for each in (p, q))
    return {
        "plain": plain,
        "weighted": weighted,
        "moved": moved,
        "loss plain": log_loss(y_test, p),
        "loss weighted": log_loss(y_test, q),
        "loss undone": log_loss(y_test, odds / (1 + odds)),
        "balanced accuracy: weighted − moved threshold": weighted - moved,
        "average precision: weighted − plain": precision_weighted - precision,
    }
