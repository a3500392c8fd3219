"""The multilayer neural network of the backpropagation lecture, as a scikit-learn classifier."""

from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.classifier_cv import BackpropClassifierCV
from skbp.versions import show_versions

__version__ = "0.1.0"

__all__ = ["BackpropClassifier", "BackpropClassifierCV", "__version__", "show_versions"]
