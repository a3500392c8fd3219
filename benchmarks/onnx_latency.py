"""How long predictions of one row and of 1000 rows take: predict_proba, and onnxruntime.

Both compute with one thread, in turn; a time is the median of the rounds. It needs the extra onnx.
"""

import warnings
from importlib.metadata import version
from statistics import median

import numpy as np
import onnxruntime
from clock import clocked
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from tables import print_table

from skbp import BackpropClassifier
from skbp.onnx import to_onnx

ROUNDS = 15
SECONDS = 0.1  # of a round
OUTPUTS = ("logistic", "softmax")


def seconds_of_calls(*functions):
    """Return the median time of a call of each function; they take turns."""
    counts = [max(1, int(SECONDS / clocked(function)())) for function in functions]
    rounds = [
        [clocked(repeated(function, count))() / count for function, count in pairs]
        for pairs in [list(zip(functions, counts, strict=True))] * ROUNDS
    ]
    return [median(times) for times in zip(*rounds, strict=True)]


def repeated(function, count):
    """Return a function that calls the given one several times."""

    def calls():
        for _ in range(count):
            function()

    return calls


def session_of(model, X):
    """Return a session of onnxruntime with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(to_onnx(model, X).SerializeToString(), options)


def row_of_table(output, dtype, n_rows):
    """Return the times of both, and their ratio."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(dtype)
    model = BackpropClassifier((100,), output_activation=output, max_iter=50, random_state=0)
    model.fit(X, y)
    session, rows = session_of(model, X), np.resize(X, (n_rows, X.shape[1]))
    skbp, onnx = seconds_of_calls(
        lambda: model.predict_proba(rows), lambda: session.run(["probabilities"], {"X": rows})
    )
    times = [f"{1e6 * seconds:.0f} µs" for seconds in (skbp, onnx)]
    return [
        f"64-100-10 relu, {output}",
        n_rows,
        np.dtype(dtype).name,
        *times,
        f"{skbp / onnx:.2f}×",
    ]


def main():
    """Print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    both = ["predict_proba", "onnxruntime"]
    header = ["network", "rows", "dtype", *both, " ÷ ".join(both)]
    kinds = [(o, t, n) for n in (1, 1000) for t in (np.float32, np.float64) for o in OUTPUTS]
    packages = ["skbp", "numpy", "skl2onnx", "onnxruntime"]
    print(", ".join(f"{package} {version(package)}" for package in packages))
    print_table("Predictions with onnxruntime", header, [row_of_table(*kind) for kind in kinds])


if __name__ == "__main__":
    main()
