"""A fit that saves checkpoints, and at some iteration waits until it is killed.

Run by test_checkpoint.py as ``python killed_fit.py PATH MOMENT ITERATION``. Like a user's
script that may be started again and again, it goes on from the checkpoint if there is one.
"""

import os
import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from skbp import BackpropClassifier
from skbp.callbacks import Checkpoint

PARAMS = {
    "hidden_layer_sizes": (6,),
    "solver": "sgd",
    "batch_size": 16,
    "learning_rate": "one_cycle",
    "max_iter": 20,
    "early_stopping": True,
    "n_iter_no_change": 100,
    "dropout": 0.2,
    "class_weight": {0: 1.0, 1: 2.0, 2: 0.5},
    "random_state": 7,
}


def examples():
    X, y = load_iris(return_X_y=True)
    return scale(X).astype("float32"), y


def wait_to_be_killed():
    print("waiting", flush=True)
    sys.stdin.read()  # ends only if the test does
    os._exit(1)


class Saving(Checkpoint):
    """A checkpoint that gets stuck at some moment of some iteration."""

    def __init__(self, path, moment, iteration):
        super().__init__(path)
        self.moment = moment
        self.iteration = iteration

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        is_now = fitted_estimator.n_iter_ == self.iteration
        if is_now and self.moment == "writing":
            os.fsync = self.write_half
        if is_now and self.moment == "renaming":
            os.replace = lambda *paths: wait_to_be_killed()
        super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)

    def write_half(self, descriptor):
        os.truncate(descriptor, os.fstat(descriptor).st_size // 2)
        wait_to_be_killed()


if __name__ == "__main__":
    path, moment, iteration = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    model = Checkpoint.load(path) if path.exists() else BackpropClassifier(**PARAMS)
    model.set_callbacks(Saving(path, moment, iteration)).fit(*examples())
