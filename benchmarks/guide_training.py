"""Tables of the pages on training: solvers, early stopping, warm start, seeds."""

from time import process_time

import numpy as np
import pandas as pd
from guide_bench import PLAIN, Sample, show, table
from sklearn.metrics import log_loss

from skbp import BackpropClassifier

SOLVERS = {
    "`lbfgs`": {"solver": "lbfgs"},
    "`cg`": {"solver": "cg"},
    "`adam`, batches of 32 rows": {"solver": "adam", "batch_size": 32},
    "`adam`": {"solver": "adam"},
    "`sgd`, one row at a time, no momentum": {"solver": "sgd", "batch_size": 1, "momentum": 0},
    "`sgd`": {"solver": "sgd"},
    "`gd`, 1000 iterations": {"solver": "gd"},
}
SCHEDULES = {
    "constant": {},
    "constant, from 0.03": {"learning_rate_init": 0.03},
    "cosine, from 0.03": {"learning_rate": "cosine", "learning_rate_init": 0.03},
    "one_cycle, from 0.03": {"learning_rate": "one_cycle", "learning_rate_init": 0.03},
}
SCHEDULED_FACTORS = {"logistic": 1, "tanh": 3, "relu": 10}  # of λ
MANY_ROWS = {
    "`lbfgs`": {"solver": "lbfgs", "max_iter": 400},
    "`adam`, cosine, from 0.03": {
        "solver": "adam",
        "max_iter": 20,
        "learning_rate": "cosine",
        "learning_rate_init": 0.03,
    },
}
STOPPING = {
    "λ = 0.01, to the end": {"alpha": 0.01},
    "λ = 0.01, stopped": {"alpha": 0.01, "early_stopping": True},
    "tuned λ, to the end": {},
    "tuned λ, stopped": {"early_stopping": True},
    "tuned λ, stopped, more patient": {"early_stopping": True, "n_iter_no_change": 30},
}
# fraction of rows and λ of the first fit, λ of the second fit
CHANGES = {
    "a tenth of the rows is new": (0.9, 1, 1),
    "λ falls from 1 to 0.1": (1, 1, 0.1),
    "λ falls from 10 to 0.1": (1, 10, 0.1),
}


def solvers(bench):
    """Print time, J and test loss of the solvers, relative to L-BFGS."""
    for title, activation, factor in [
        ("Solvers", "logistic", 1),
        ("Solvers, relu units, the same λ", "relu", 1),
        ("Solvers, relu units, ten times that λ", "relu", 10),
    ]:
        runs = bench.measure(
            by_solver,
            bench.samples(),
            solver=SOLVERS,
            activation=[activation],
            factor=[factor],
            split=bench.splits(3),
        )
        show(title, in_relation(runs))
        passes = runs[runs["solver"] == "`lbfgs`"].groupby("data set")["passes"].mean().median()
        print(f"\n`lbfgs` took {passes:.0f} passes over the rows (the median of the data sets).")


def by_solver(sample, solver, activation, factor, split):
    """Measure a fit of a solver."""
    X_train, X_test, y_train, y_test = sample.split(split)
    model = BackpropClassifier(
        (50,),
        activation,
        alpha=factor * sample.alpha,
        early_stopping=False,
        random_state=split,
        **SOLVERS[solver],
    )
    start = process_time()
    model.fit(X_train, y_train)
    return {
        "seconds": process_time() - start,
        "J": model.loss_,
        "loss": log_loss(y_test, model.predict_proba(X_test)),
        "passes": model.t_ / len(X_train),
    }


def in_relation(runs):
    """Return the results relative to L-BFGS, as geometric means over the data sets."""
    means = runs.groupby(["data set", "solver"])[["seconds", "J", "loss"]].mean()
    logs = np.log(means)
    relative = logs.sub(logs.xs("`lbfgs`", level="solver"), level="data set")
    ratios = np.exp(relative.groupby("solver").mean())
    loss = means["loss"]
    is_near = loss <= 1.02 * loss.groupby("data set").transform("min")
    columns = {
        "processor time": ratios["seconds"].map("{:.1f}".format),
        "J": ratios["J"].map("{:.2f}".format),
        "log-loss on test rows": ratios["loss"].map("{:.2f}".format),
        "sets on which it was within 2 % of the best test loss": is_near.groupby("solver")
        .sum()
        .map(f"{{}} of {runs['data set'].nunique()}".format),
    }
    return pd.DataFrame(columns).loc[list(SOLVERS)]


def schedules(bench):
    """Print the effect of learning rate schedules in 20 epochs of Adam."""
    problem = made_of_a_network("20,000 rows", bench.rows(30_000))
    runs = bench.measure(
        scheduled,
        [*bench.samples(), problem],
        schedule=SCHEDULES,
        activation=SCHEDULED_FACTORS,
        split=bench.splits(2),
    )
    losses = runs.pivot_table("loss", ["data set", "activation"], "schedule", sort=False)
    logs = np.log(losses.div(losses["constant"], axis=0))
    ratios = np.exp(logs.groupby("activation", sort=False).mean()).T
    show("Test loss by that of the constant default rate", ratios, "{:.2f}")


def scheduled(sample, schedule, activation, split):
    """Measure 20 epochs of Adam with a schedule."""
    X_train, X_test, y_train, y_test = sample.split(split)
    model = BackpropClassifier(
        (50,),
        activation,
        solver="adam",
        alpha=SCHEDULED_FACTORS[activation] * sample.alpha,
        batch_size=32,
        max_iter=20,
        n_iter_no_change=np.inf,
        early_stopping=False,
        random_state=split,
        **SCHEDULES[schedule],
    ).fit(X_train, y_train)
    return {"loss": log_loss(y_test, model.predict_proba(X_test))}


def many_rows(bench):
    """Print the time and J of Adam and L-BFGS on many rows."""
    problem = made_of_a_network("many rows", bench.rows(100_000))
    runs = bench.measure(on_many_rows, [problem], solver=MANY_ROWS).set_index("solver")
    runs["processor time"] = runs["seconds"] / runs.loc["`lbfgs`", "seconds"]
    show("Many rows", runs[["iterations", "processor time", "J"]], "{:.3g}")


def on_many_rows(sample, solver):
    """Measure a fit to many rows."""
    model = BackpropClassifier((100,), **PLAIN, alpha=3, random_state=0, **MANY_ROWS[solver])
    start = process_time()
    model.fit(sample.X, sample.y)
    return {"seconds": process_time() - start, "iterations": model.n_iter_, "J": model.loss_}


def made_of_a_network(name, n_rows):
    """Return random rows of 30 features with classes from a random network."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 30))
    hidden, output = rng.normal(size=(30, 20)) * 2 / np.sqrt(30), rng.normal(size=(20, 5))
    scores = np.tanh(X @ hidden) @ output
    return Sample(name, X, (scores + 0.5 * rng.gumbel(size=scores.shape)).argmax(axis=1))


def early_stopping(bench):
    """Print losses and iterations with and without early stopping."""
    samples = bench.samples(most_rows=4000)
    for solver in "`lbfgs`", "`adam`, batches of 32 rows":
        runs = bench.measure(
            stopped, samples, solver=[solver], stopping=STOPPING, split=bench.splits(5)
        )
        losses = table(runs, "stopping", "loss", "mean")
        show(f"Log-loss with and without early stopping, {solver}", losses)
        iterations = table(runs, "stopping", "iterations", "mean")
        show(f"Iterations, {solver}", iterations, "{:.0f}")


def stopped(sample, solver, stopping, split):
    """Measure a fit with or without early stopping."""
    X_train, X_test, y_train, y_test = sample.split(split)
    parameters = PLAIN | {"alpha": sample.alpha, "random_state": split} | STOPPING[stopping]
    model = BackpropClassifier((50,), **SOLVERS[solver], **parameters).fit(X_train, y_train)
    return {"loss": log_loss(y_test, model.predict_proba(X_test)), "iterations": model.n_iter_}


def warm_start(bench):
    """Print the iterations and J of warm and cold starts."""
    runs = bench.measure(
        warm_and_cold, bench.samples(most_rows=3000), change=CHANGES, split=bench.splits(5)
    )
    for change in CHANGES:
        means = (
            runs[runs["change"] == change].groupby("data set", sort=False).mean(numeric_only=True)
        )
        iterations, J = means["iterations, warm"], means["J, warm"]
        columns = {
            "iterations, warm": iterations.map("{:.0f}".format),
            "from random weights": means["iterations, cold"].map("{:.0f}".format),
            "warm ÷ random": (iterations / means["iterations, cold"]).map("{:.0%}".format),
            "J, warm": J,
            "J, from random weights": means["J, cold"],
            "J, warm ÷ random": J / means["J, cold"],
        }
        show(f"Warm start: {change}", pd.DataFrame(columns))


def warm_and_cold(sample, change, split):
    """Measure a fit from the weights of another, and one from random weights."""
    X, _, y, _ = sample.split(split)
    n_first, alpha_first, alpha = CHANGES[change]
    first = slice(round(n_first * len(y)))
    cold = BackpropClassifier((25,), **PLAIN, alpha=alpha, random_state=split).fit(X, y)
    warm = BackpropClassifier(
        (25,), **PLAIN, alpha=alpha_first, warm_start=True, random_state=split
    )
    warm.fit(X[first], y[first]).set_params(alpha=alpha).fit(X, y)
    return {
        "iterations, warm": warm.n_iter_,
        "iterations, cold": cold.n_iter_,
        "J, warm": warm.loss_,
        "J, cold": cold.loss_,
    }


def reproducibility(bench):
    """Print the effect of the seed, and of averaging several networks."""
    runs = bench.measure(of_seeds, bench.samples(most_rows=4000), n_seeds=[len(bench.splits(10))])
    show("Seeds", runs.drop(columns="n_seeds").set_index("data set"), "{:.4f}")


def of_seeds(sample, n_seeds):
    """Measure networks with different start weights."""
    X_train, X_test, y_train, y_test = sample.split(0)
    models = [
        BackpropClassifier((50,), **PLAIN, alpha=sample.alpha, random_state=seed).fit(
            X_train, y_train
        )
        for seed in range(n_seeds)
    ]
    probabilities = [model.predict_proba(X_test) for model in models]
    losses = [log_loss(y_test, each) for each in probabilities]
    accuracies = [model.score(X_test, y_test) for model in models]
    accuracy = np.mean(accuracies)
    return {
        "log-loss": np.mean(losses),
        "its standard deviation ÷ its mean": np.std(losses) / np.mean(losses),
        "log-loss of the mean probabilities": log_loss(y_test, np.mean(probabilities, axis=0)),
        "accuracy": accuracy,
        "its standard deviation": np.std(accuracies),
        "its standard error by the test set": np.sqrt(accuracy * (1 - accuracy) / len(y_test)),
    }
