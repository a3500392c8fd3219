"""SHAP's values of a network without a hidden layer are known; `docs/guide/explain.md` uses it.

The first call of `shap.Explainer` compiles for 20 seconds, which is left to the page.
"""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skbp import BackpropClassifier

# of Matplotlib, where shap is imported
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

X, y = load_iris(return_X_y=True)
BACKGROUND = X[::5]


@pytest.mark.parametrize("labels", [y, y == 1], ids=["three classes", "two classes"])
def test_the_values_of_a_linear_network_are_exact(labels):
    shap = pytest.importorskip("shap")
    model = BackpropClassifier((), random_state=0).fit(X, labels)
    explainer = shap.KernelExplainer(model.decision_function, BACKGROUND)
    values = explainer(X[:20], silent=True)
    effects = X[:20] - BACKGROUND.mean(axis=0)
    exact = effects[:, :, np.newaxis] * model.coefs_[0]
    np.testing.assert_allclose(values.values, exact.reshape(values.shape), rtol=0, atol=1e-10)
    expected = model.decision_function(BACKGROUND).mean(axis=0)
    np.testing.assert_allclose(values.base_values[0], expected, rtol=1e-10)


def test_a_method_is_explained_and_not_the_classifier():
    shap = pytest.importorskip("shap")
    model = BackpropClassifier((), random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="not callable"):
        shap.Explainer(model, BACKGROUND)
    assert callable(shap.Explainer(model.predict_proba, BACKGROUND))
