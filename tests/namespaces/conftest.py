"""The libraries, and the settings that scikit-learn's dispatch needs."""

import pytest
import sklearn

from skbp.estimator.namespaces import has_dispatch

if not has_dispatch:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(params=["array_api_strict", "torch"])
def xp(request):
    """A library; the test is skipped where it is not installed."""
    return pytest.importorskip(request.param)


@pytest.fixture
def dispatch(monkeypatch):
    """Turn the dispatch on."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=True):
        yield
