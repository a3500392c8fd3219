"""A model and the losses of its training in MLflow, with its default format, skops."""

import os

import numpy as np
import pytest
from fitting import may_stop_early
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.callbacks import LogMetrics

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # the small mlflow has no database
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

mlflow_sklearn = pytest.importorskip("mlflow.sklearn", reason="needs the extra mlflow")
mlflow = pytest.importorskip("mlflow")

X, Y = load_iris(return_X_y=True)
TRUSTED = ["skbp.estimator.classifier.BackpropClassifier"]


@pytest.fixture(autouse=True)
def _store(tmp_path):
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    yield
    mlflow.set_tracking_uri(None)


def network(**parameters):
    return BackpropClassifier((4,), random_state=0, **parameters)


def test_a_logged_model_is_loaded_as_it_was():
    model = make_pipeline(StandardScaler(), network()).fit(X, Y)
    with mlflow.start_run():
        info = mlflow_sklearn.log_model(
            model, name="iris", skops_trusted_types=TRUSTED, pip_requirements=["skbp"]
        )
    loaded = mlflow_sklearn.load_model(info.model_uri)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    served = mlflow.pyfunc.load_model(info.model_uri)
    np.testing.assert_array_equal(served.predict(X), model.predict(X))


@may_stop_early
@pytest.mark.skipif(not hasattr(BackpropClassifier, "set_callbacks"), reason="scikit-learn 1.9")
def test_a_callback_logs_each_iteration():
    model = network(solver="adam", early_stopping=True, max_iter=6)
    model.set_callbacks(LogMetrics(mlflow.log_metrics))
    with mlflow.start_run() as run:
        model.fit(X, Y)
    client = mlflow.MlflowClient()

    def logged(name):
        found = client.get_metric_history(run.info.run_id, name)
        assert [each.step for each in found] == list(range(1, model.n_iter_ + 1))
        return [each.value for each in found]

    assert logged("loss") == model.loss_curve_
    assert logged("validation_loss") == model.validation_loss_curve_
    assert logged("validation_score") == model.validation_scores_
