"""Files of skops: no type of skbp to trust but the classifier's own, and the same model again."""

import numpy as np
import pandas as pd
import pytest
from saved_models import NAMES, SKOPS_FOLDER, X, Y, fitted_models, predictions
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skbp import BackpropClassifier, BackpropClassifierCV
from skbp.activations import Activation
from skbp.estimator.plain_state import VERSION
from skbp.plot import LossCurveDisplay, NetworkDisplay

skops_io = pytest.importorskip("skops.io", reason="needs the extra skops")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSIFIER = "skbp.estimator.classifier.BackpropClassifier"
SEARCH = "skbp.estimator.classifier_cv.BackpropClassifierCV"
TRUSTED = [CLASSIFIER, SEARCH]


def reloaded(model):
    return skops_io.loads(skops_io.dumps(model), trusted=TRUSTED)


@pytest.mark.parametrize("name", ["adam", "multilabel", "search"])
def test_only_the_classifiers_must_be_trusted(name):
    content = skops_io.dumps(fitted_models()[name])
    expected = TRUSTED if name == "search" else [CLASSIFIER]
    assert skops_io.get_untrusted_types(data=content) == expected


def test_loaded_models_predict_and_continue_the_same():
    assert predictions(reloaded(fitted_models())) == predictions(fitted_models())


def test_a_loaded_search_has_its_results():
    model = BackpropClassifierCV([(2,), (2, 2)], alphas=[1, 0.1], cv=2, max_iter=4, random_state=0)
    loaded = reloaded(model.fit(X, NAMES))
    assert loaded.cv_results_.keys() == model.cv_results_.keys()
    for name, results in model.cv_results_.items():
        np.testing.assert_array_equal(loaded.cv_results_[name], results)
    assert loaded.summary() == model.summary()


def test_displays_of_a_loaded_classifier():
    model = fitted_models()["adam"]
    drawn, expected = (LossCurveDisplay.from_estimator(each) for each in (reloaded(model), model))
    for line, like in zip(drawn.lines_, expected.lines_, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), like.get_xydata())
    assert NetworkDisplay.from_estimator(reloaded(model)).ax_.has_data()


def test_an_activation_of_your_own_is_a_type_to_review():
    own = Activation(np.sin, np.cos, "sine")
    content = skops_io.dumps(BackpropClassifier((2,), own).initialize(X, Y))
    assert "skbp.activations.Activation" in skops_io.get_untrusted_types(data=content)


@pytest.mark.parametrize("path", sorted(SKOPS_FOLDER.iterdir()), ids=lambda path: path.name)
def test_saved_files_can_be_loaded(path):
    content = skops_io.load(path, trusted=TRUSTED)
    found, expected = predictions(content["models"]), content["predictions"]
    assert found.keys() == expected.keys()
    for name, p in found.items():
        np.testing.assert_allclose(p, expected[name], rtol=1e-9)


def test_there_is_a_file_of_this_version():
    assert SKOPS_FOLDER / f"state_{VERSION}.skops" in SKOPS_FOLDER.iterdir()


def frame():
    colors = np.array(["red", "green", "blue"])[np.arange(12) % 3]
    return pd.DataFrame({"length": X[:, 0], "color": colors, "width": X[:, 1]})


def test_names_of_features_and_the_output_of_transform():
    data = frame()
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["color"]), remainder="passthrough"
    ).set_output(transform="pandas")
    model = make_pipeline(encoder, BackpropClassifier((3,), random_state=0)).fit(data, NAMES)
    model[-1].set_output(transform="pandas")
    loaded = reloaded(model)
    assert loaded[-1].feature_names_in_.tolist() == model[-1].feature_names_in_.tolist()
    assert "onehotencoder__color_red" in loaded[-1].feature_names_in_
    pd.testing.assert_frame_equal(loaded.transform(data), model.transform(data))
    assert loaded.predict(data).tolist() == model.predict(data).tolist()
