"""Models of scikit-learn that contain a classifier of skbp, and skbp's ensembles."""

import numpy as np
import pytest
from converted import outputs
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skbp import BackpropClassifier, BackpropClassifierCV

X, NUMBERS = load_iris(return_X_y=True)
NAMES = load_iris().target_names
BINARY = NUMBERS == 1


def network(**parameters):
    return BackpropClassifier((6,), alpha=0.1, random_state=0, **parameters)


def search(n_members, **parameters):
    return BackpropClassifierCV(
        [(4,), (3, 3)], ["relu"], alphas=2, cv=2, n_members=n_members, random_state=0, **parameters
    )


def stacked(*estimators, final=None):
    named = [(str(i), each) for i, each in enumerate(estimators)]
    return StackingClassifier(named, final_estimator=final, cv=2)


def voting(how):
    named = [("a", network()), ("b", LogisticRegression())]
    return VotingClassifier(named, voting=how, flatten_transform=False)  # skl2onnx needs False


CONTAINERS = {
    "alone": network(),
    "softmax": network(output_activation="softmax"),
    "pipeline": make_pipeline(StandardScaler(), network()),
    "column transformer": make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", MinMaxScaler(), [1])]), network()
    ),
    "stacking": stacked(network(), LogisticRegression()),
    "stacking of pipelines": stacked(make_pipeline(StandardScaler(), network())),
    "last of a stacking": stacked(LogisticRegression(), final=network()),
    "voting": voting("soft"),
    "calibrated": CalibratedClassifierCV(network(), cv=2),
    "calibrated pipeline": CalibratedClassifierCV(make_pipeline(StandardScaler(), network()), cv=2),
    "grid search": GridSearchCV(make_pipeline(StandardScaler(), network()), {}, cv=2),
    "bagging": BaggingClassifier(network(), n_estimators=2, random_state=0),
    "transform": make_pipeline(StandardScaler(), network(), LogisticRegression()),
    "transform twice": make_pipeline(network(), network(), network()),
    "transform in a union": make_pipeline(make_union(StandardScaler(), network()), network()),
    "transform in a column transformer": make_pipeline(
        ColumnTransformer([("a", make_pipeline(StandardScaler(), network()), [0, 1, 2])]),
        LogisticRegression(),
    ),
    "transform in a stacking": stacked(make_pipeline(network(), LogisticRegression())),
    "transform of a search": make_pipeline(search(2), LogisticRegression()),
    "search of one": search(1),
    "search of several": search(4),
    "search of folds": search(1, refit=False),
    "search in a pipeline": make_pipeline(StandardScaler(), search(1)),
}


@pytest.mark.parametrize("y", [NAMES[NUMBERS], BINARY.astype(int)], ids=["names", "binary"])
@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_onnxruntime_computes_the_same(name, y):
    model = CONTAINERS[name].fit(X, y)
    label, p = outputs(model, X)
    np.testing.assert_allclose(p, model.predict_proba(X), rtol=0, atol=1e-11)
    np.testing.assert_array_equal(label, model.predict(X))
