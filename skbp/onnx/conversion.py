"""`to_onnx`: the short way from a fitted model to ONNX."""

from collections.abc import Mapping
from typing import Any

import skl2onnx
from sklearn.base import BaseEstimator, is_classifier


def to_onnx(
    model: BaseEstimator,
    X: Any,
    *,
    target_opset: int | Mapping[str, int] | None = None,
    options: Mapping[Any, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Convert a fitted model to ONNX.

    This is :func:`skl2onnx.to_onnx`, except that a classifier puts out its probabilities as a
    matrix, and not as a list of dicts.

    Parameters
    ----------
    model : estimator
        A fitted `BackpropClassifier` or `BackpropClassifierCV`, or a pipeline or another
        scikit-learn model with one of them inside.
    X : ndarray of shape (n_samples, n_features) or pandas DataFrame
        A row or more of the data to predict, whose types become those of the inputs. float32 is
        computed in float32, and anything else in float64. An array is one input, ``"X"``; of a
        frame, each column is an input with its name.
    target_opset : int or dict, default=None
        The version of ONNX's operators, 13 or later. None for the latest one that skl2onnx
        has been tested with.
    options : dict, default=None
        Options of skl2onnx. A classifier of skbp knows:

        - ``"zipmap"``: probabilities as a matrix (False, the default here), a list of dicts
          (True) or an output for each class ("columns")
        - ``"nocl"``: True for the numbers of the classes instead of the labels
        - ``"output_class_labels"``: True for ``classes_`` as a third output
        - ``"raw_scores"``: True for `decision_function` instead of probabilities; d for two
          classes is [−d, d]
        - ``"log_proba"``: True for `predict_log_proba` instead of probabilities
        - ``"transform"``: True for the output of `transform` and no other
    **kwargs : dict
        More arguments of :func:`skl2onnx.to_onnx`.

    Returns
    -------
    onnx.ModelProto
        The model. A classifier has the outputs ``"label"`` and ``"probabilities"``.

    Raises
    ------
    NotImplementedError
        If an activation is not one of skbp's own.
    ValueError
        If X has another number of columns than the training data.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbp import BackpropClassifier
    >>> from skbp.onnx import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), BackpropClassifier(random_state=0)).fit(X, y)
    >>> content = to_onnx(model, X).SerializeToString()
    >>> session = onnxruntime.InferenceSession(content)
    >>> label, probabilities = session.run(None, {"X": X})
    >>> np.array_equal(label, model.predict(X))
    True
    >>> np.allclose(probabilities, model.predict_proba(X), rtol=0, atol=1e-12)
    True
    """
    given = dict(options or {})
    if (
        is_classifier(model)
        and not _asks_for(given, "zipmap")
        and not _asks_for(given, "transform")
    ):
        given = _with_option(given, model, "zipmap", False)
    opset = dict(target_opset) if isinstance(target_opset, Mapping) else target_opset
    return skl2onnx.to_onnx(model, X, target_opset=opset, options=given, **kwargs)


def _asks_for(options: Mapping[Any, Any], name: str) -> bool:
    """Return whether an option is given, for the model or for a part of it."""
    return any(
        key == name
        or (isinstance(key, str) and key.endswith(f"__{name}"))
        or (isinstance(value, Mapping) and name in value)
        for key, value in options.items()
    )


def _with_option(
    options: dict[Any, Any], model: BaseEstimator, name: str, value: Any
) -> dict[Any, Any]:
    """Return options with another one for the model, in the form that they are written in."""
    if any(isinstance(key, str) for key in options):
        return options | {name: value}
    return options | {id(model): options.get(id(model), {}) | {name: value}}
