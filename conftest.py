"""What all tests need, the doctests too: Matplotlib draws on no screen, and figures are closed.

The pages of the documentation are doctests; what builds the site, and the gallery, is not.
"""

from importlib.util import find_spec

import matplotlib
import matplotlib.pyplot as plt
import pytest

matplotlib.use("Agg")

collect_ignore_glob = ["docs/*.py"]  # in all folders
if not (find_spec("skl2onnx") and find_spec("onnxruntime")):
    collect_ignore_glob += ["skbp/onnx/*", "tests/onnx/*", "docs/guide/my_table.md"]
if not all(map(find_spec, ["skl2onnx", "onnxruntime", "skops", "mlflow"])):
    collect_ignore_glob += ["docs/guide/deploy.md"]
if not find_spec("sklearn.callback"):  # scikit-learn 1.9
    collect_ignore_glob += ["docs/guide/resume.md"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")
