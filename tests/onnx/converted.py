"""What onnxruntime computes with a converted model, and random models to compare."""

import numpy as np
import onnxruntime

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS
from skbp.onnx import to_onnx

onnxruntime.set_default_logger_severity(3)

TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
OPSETS = range(13, 23)


def session_of(onnx):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        onnx.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def outputs(model, X, **kwargs):
    """Return what a model puts out after its conversion."""
    return session_of(to_onnx(model, X, **kwargs)).run(None, {"X": X})


def labels(kind, m, rng):
    """Return labels of a kind, of which each class is there."""
    y = np.r_[np.arange(5), rng.randint(0, 5, m - 5)]
    if kind == "multilabel":
        return np.c_[y % 2, y > 2].astype(int)
    if kind.startswith("binary"):
        y = y % 2
    names = {
        "text": np.array(["a", "bé", "ccc", "d", "e"]),
        "objects": np.array(["x", "y", "z", "u", "v"], object),
        "bool": np.array([False, True]),
        "small": np.array([3, 1, 4, 15, 9], np.uint8),
        "float": np.array([-1.0, 2, 5, 7, 8]),
        "int": np.array([-7, 0, 3, 1 << 40, 5]),
    }
    chosen = names[rng.choice([n for n in names if len(names[n]) > y.max()])]
    return chosen[y]


def random_model(seed):
    """Return a model with random weights, data, and their scale: 100 for a third of the models."""
    rng = np.random.RandomState(seed)
    kind = rng.choice(["binary", "binary of two units", "multiclass", "multilabel"])
    dtype = rng.choice([np.float32, np.float64])
    sizes = tuple(rng.randint(1, 9, rng.randint(0, 4)).tolist())
    X = rng.randn(60, rng.randint(1, 7)).astype(dtype)
    y = labels(kind, len(X), rng)
    model = BackpropClassifier(
        sizes,
        [str(rng.choice(list(ACTIVATIONS))) for _ in sizes],
        output_activation=str(rng.choice(["logistic", "softmax"])),
        binary_outputs=2 if "two" in kind else 1,
        random_state=seed,
    ).initialize(X, y)
    gain = rng.choice([0.3, 1, 3])
    for coef, bias in zip(model.coefs_, model.intercepts_, strict=True):
        coef *= dtype(gain)
        bias += rng.randn(len(bias)).astype(dtype)
    scale = rng.choice([1, 1, 100])
    return model, X * dtype(scale), scale
