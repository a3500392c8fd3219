"""Classifiers that accuracy.py compares, at their defaults and on one thread.

Those of pytabkit and CatBoost are imported when they are made, and only where they are installed.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import signature

from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.neural_network import MLPClassifier

from skbp import BackpropClassifier, BackpropClassifierCV


@dataclass(frozen=True)
class Classifier:
    """A classifier to compare.

    Parameters
    ----------
    name : str
        Name in the tables and in the plot.
    make : callable
        Function of ``random_state`` that returns the classifier, not fitted.
    is_network : bool, default=False
        Whether it is a neural network with hidden units.
    package : str, default="sklearn"
        Package that contains it.
    """

    name: str
    make: Callable[..., ClassifierMixin]
    is_network: bool = False
    package: str = "sklearn"

    @property
    def is_ours(self):
        """Whether it is skbp's."""
        return self.package == "skbp"

    @property
    def is_installed(self):
        """Whether its package can be imported."""
        return find_spec(self.package) is not None


def greedy_ensemble(random_state):
    """Return skbp's ensemble of ten members."""
    return BackpropClassifierCV(n_members=10, random_state=random_state)


def logistic_regression(random_state):
    """Return LogisticRegressionCV with the defaults that scikit-learn 1.9 announces."""
    announced = {"scoring": "neg_log_loss"}
    if "use_legacy_attributes" in signature(LogisticRegressionCV).parameters:
        announced |= {"use_legacy_attributes": False, "l1_ratios": (0,)}
    return LogisticRegressionCV(random_state=random_state, **announced)


def real_mlp(random_state):
    """Return pytabkit's RealMLP with tuned defaults."""
    from pytabkit import RealMLP_TD_Classifier

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return RealMLP_TD_Classifier(random_state=random_state, device="cpu", n_threads=1)


def cat_boost(random_state):
    """Return CatBoostClassifier, which prints and writes nothing."""
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        random_state=random_state, thread_count=1, verbose=False, allow_writing_files=False
    )


CLASSIFIERS = [
    Classifier("BackpropClassifierCV", BackpropClassifierCV, True, "skbp"),
    Classifier("BackpropClassifierCV, n_members=10", greedy_ensemble, True, "skbp"),
    Classifier("BackpropClassifier", BackpropClassifier, True, "skbp"),
    Classifier("MLPClassifier", MLPClassifier, True),
    Classifier("RealMLP", real_mlp, True, "pytabkit"),
    Classifier("LogisticRegressionCV", logistic_regression),
    Classifier("HistGradientBoosting", HistGradientBoostingClassifier),
    Classifier("RandomForest", RandomForestClassifier),
    Classifier("CatBoost", cat_boost, package="catboost"),
]


def installed():
    """Return the classifiers whose package is installed, and say what the others need."""
    for each in CLASSIFIERS:
        if not each.is_installed:
            print(f"{each.name} is left out; it needs: pip install {each.package}")
    return [each for each in CLASSIFIERS if each.is_installed]
