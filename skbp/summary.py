"""A fitted classifier in a few lines of text: its layers, its loss, and why training stopped."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_HEADER = ("layer", "units", "activation", "parameters", "weight norm")
_Row = tuple[str, str, str, str, str]


def summary(classifier: Any) -> str:
    """Describe a fitted classifier.

    Parameters
    ----------
    classifier : BackpropClassifier
        Fitted.

    Returns
    -------
    str
        A table of its layers, and a line for each thing to know of its training.
    """
    facts = dict(_facts(classifier))
    width = max(map(len, facts))
    lines = [f"{name:{width}}  {value}" for name, value in facts.items()]
    return "\n".join([*_table([_HEADER, *_layers(classifier)]), "", *lines])


def _layers(classifier: Any) -> Iterator[_Row]:
    """Yield a row for each layer, with the weights that lead to it; and one for their sum."""
    network = classifier._network
    n_inputs, *sizes = network.layer_sizes
    yield ("1 input", str(n_inputs), "", "", "")
    for layer, size in enumerate(sizes):
        coef, intercept = classifier.coefs_[layer], classifier.intercepts_[layer]
        is_last = layer == len(sizes) - 1
        yield (
            f"{layer + 2} {'output' if is_last else 'hidden'}",
            str(size),
            network.h.name if is_last else network.g[layer].name,
            str(coef.size + intercept.size),
            f"{np.linalg.norm(coef):.4g}",
        )
    yield ("total", "", "", str(network.n_parameters), "")


def _table(rows: Sequence[_Row]) -> list[str]:
    """Return the lines of a table, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    layer, units, activation, parameters, norm = widths
    return [
        f"{a:{layer}}  {b:>{units}}  {c:{activation}}  {d:>{parameters}}  {e:>{norm}}".rstrip()
        for a, b, c, d, e in rows
    ]


def _facts(classifier: Any) -> Iterator[tuple[str, str]]:
    """Yield what there is to know of the training, each with its name."""
    state = classifier._state
    yield "loss", f"{classifier.loss_:.6g}"
    yield "iterations", f"{classifier.n_iter_} of {state.solver}"
    if classifier.best_iter_ is not None:
        score = f"{classifier.best_validation_score_:.6g}"
        yield "best", f"iteration {classifier.best_iter_ + 1}, validation score {score}"
    yield "stopped", state.ending
