"""Small models to save; run it to write them to the folders named ``saved``.

The files of earlier versions of the state stay, because they must be loaded too. That of version
0 was written by skbp before there were plain states, with two of the models.
"""

import pickle
from copy import deepcopy
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np

from skbp import BackpropClassifier, BackpropClassifierCV

FOLDER = Path(__file__).parent / "estimator" / "saved"
SKOPS_FOLDER = Path(__file__).parent / "persistence" / "saved"

RNG = np.random.RandomState(0)
X = RNG.randn(12, 2)
Y = np.arange(12) % 3
NAMES = np.array(["a", "b", "c"])[Y]


def fitted_models():
    """Return fitted models by a name."""
    parameters = {"max_iter": 4, "tol": 0, "random_state": 0}
    search = BackpropClassifierCV((2,), "tanh", alphas=[1, 0.1], cv=2, refit=False, **parameters)
    return {
        "adam": BackpropClassifier((2,), "tanh", solver="adam", **parameters).fit(X, NAMES),
        "multilabel": BackpropClassifier((2,), **parameters).fit(X, np.c_[Y > 0, Y > 1] * 1),
        "search": search.fit(X, NAMES),
    }


def predictions(models):
    """Return what the models predict, and what the first one does when it has gone on."""
    found = {name: model.predict_proba(X).tolist() for name, model in models.items()}
    models["adam"].partial_fit(X, NAMES)
    return found | {"continued": models["adam"].predict_proba(X).tolist()}


def write(version):
    """Write the models, and what they predict."""
    models = fitted_models()
    content = {"models": pickle.dumps(models, protocol=4), "predictions": predictions(models)}
    (FOLDER / f"state_{version}.pickle").write_bytes(pickle.dumps(content, protocol=4))


def write_with_skops(version):
    """Write the same with skops."""
    import skops.io

    models = fitted_models()
    content = {"models": models, "predictions": predictions(deepcopy(models))}
    path = SKOPS_FOLDER / f"state_{version}.skops"
    skops.io.dump(content, path, compression=ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    from skbp.estimator.plain_state import VERSION

    write(VERSION)
    write_with_skops(VERSION)
