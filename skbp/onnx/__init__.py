"""Conversion of fitted classifiers to ONNX, with skl2onnx.

After ``import skbp.onnx``, ``skl2onnx.to_onnx`` converts `BackpropClassifier`,
`BackpropClassifierCV` and the scikit-learn models that contain them.
"""

from importlib import import_module

try:
    import_module("skl2onnx")
except ImportError as error:
    raise ImportError(
        'skbp.onnx needs skl2onnx. Install it in a checkout of skbp with: pip install ".[onnx]"'
    ) from error

from skbp.onnx import converters, places
from skbp.onnx.conversion import to_onnx

__all__ = ["to_onnx"]

converters.register()
places.register()
