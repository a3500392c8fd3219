"""A fit whose epochs take half a second or more, for a test to press Ctrl-C in the middle of one.

Run by test_classifier.py as ``python -u interrupted_fit.py PATH``. It says when the fit has
begun, when an iteration has finished and when the fit has ended, and leaves the model and the
warnings at the path.
"""

import signal
import sys
import warnings

import joblib
import numpy as np

from skbp import BackpropClassifier

PARAMS = {"hidden_layer_sizes": (300, 300), "solver": "sgd", "max_iter": 4, "random_state": 0}


def examples():
    X = np.random.default_rng(0).normal(size=(80_000, 20)).astype("float32")
    return X, X[:, 0] * X[:, 1] > 0


if __name__ == "__main__":
    # what starts tests in the background may have them ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    X, y = examples()
    print("Begun")
    with warnings.catch_warnings(record=True) as caught:
        model = BackpropClassifier(**PARAMS, verbose=True).fit(X, y)
    print("Ended")
    joblib.dump((model, [str(warning.message) for warning in caught]), sys.argv[1])
