"""scikit-learn's tests of MLPClassifier, run on BackpropClassifier.

    python benchmarks/mlpclassifier_tests.py

is run when scikit-learn is upgraded, and by none of the tests. The class has MLPClassifier's
defaults here. `EXPECTED` says which tests fail, and why; the page coming_from_mlpclassifier.md in
docs says so too. The script fails if another one fails, or if one of these passes.
"""

import inspect
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import sklearn
import sklearn.neural_network
from sklearn.neural_network import MLPClassifier

from skbp import BackpropClassifier

PRIVATE = "uses private attributes of MLPClassifier", AttributeError
EXPECTED: dict[str, tuple[str, type[BaseException]]] = {
    "test_fit": PRIVATE,
    "test_gradient": PRIVATE,
    "test_learning_rate_warmstart": PRIVATE,
    "test_adaptive_learning_rate": PRIVATE,
    "test_n_iter_no_change": PRIVATE,
    "test_n_iter_no_change_inf": PRIVATE,
    "test_early_stopping": (
        "best_loss_ is the smallest loss with early stopping too, and not None",
        AssertionError,
    ),
    "test_early_stopping_stratified": (
        "a class of one row stays in the training set, and is no error",
        pytest.fail.Exception,
    ),
    "test_preserve_feature_names": (
        "y with a single class is refused, as in LogisticRegression",
        ValueError,
    ),
    "test_warm_start": (
        "the ValueError for other classes has another text",
        AssertionError,
    ),
}

SETTINGS = {
    **MLPClassifier().get_params(),
    "output_activation": "softmax",
    "scoring": "accuracy",
}


class Replacement(BackpropClassifier):
    """BackpropClassifier with the defaults of MLPClassifier.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        The number of units of each hidden layer.
    activation : str, default="relu"
        The activation of the hidden units.
    **parameters : object
        All other parameters.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        **parameters: Any,
    ) -> None:
        given = {"hidden_layer_sizes": hidden_layer_sizes, "activation": activation}
        super().__init__(**{**SETTINGS, **given, **parameters})

    # from which scikit-learn reads the names of the parameters
    __init__.__signature__ = inspect.signature(BackpropClassifier.__init__)  # type: ignore[attr-defined]


class Plugin:
    """Leaves out the tests of MLPRegressor, and marks those that are expected to fail."""

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Choose the tests and mark them."""
        items[:] = [item for item in items if _uses_replacement(item)]
        names = {item.originalname for item in items}
        if unknown := EXPECTED.keys() - names:
            raise pytest.UsageError(f"scikit-learn no longer has the tests {sorted(unknown)}.")
        for item in items:
            if item.originalname in EXPECTED:
                reason, error = EXPECTED[item.originalname]
                item.add_marker(pytest.mark.xfail(reason=reason, raises=error, strict=True))


def _uses_replacement(item: pytest.Function) -> bool:
    classes = [value for value in _parameters(item).values() if inspect.isclass(value)]
    if sklearn.neural_network.MLPRegressor in classes:
        return False
    return Replacement in classes or "MLPClassifier" in inspect.getsource(item.function)


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def main(arguments: list[str]) -> int:
    """Run the tests, and return pytest's exit status."""
    sklearn.neural_network.MLPClassifier = Replacement
    settings = ["-c", os.devnull, "--rootdir", str(Path(sklearn.__file__).parent)]
    settings += ["-p", "no:cacheprovider", "-q", "-rxX", "-W", "ignore"]
    tests = ["--pyargs", "sklearn.neural_network.tests.test_mlp"]
    return pytest.main([*settings, *tests, *arguments], plugins=[Plugin()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
