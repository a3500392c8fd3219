"""What Sphinx-Gallery asks for by name: the order of the examples, and what holds for each."""

import warnings
from contextlib import ExitStack

import matplotlib.pyplot as plt

ORDER = (
    "quickstart",
    "path",
    "grid_search",
    "data_frame",
    "imbalance",
    "calibration",
    "drift",
    "feature_extractor",
    "dask_cluster",
    "lecture",
    "homework",
    "solvers",
    "decision_boundary",
    "hidden_units",
)


class InOrder:
    """Sort the examples as they stand in ``ORDER``."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, file_name):
        """Return the place of an example."""
        return ORDER.index(file_name.removesuffix(".py"))


def leave_out_backgrounds(gallery_conf, file_name, when):
    """Let the page be seen through the figures of an example, whether it is light or dark."""
    plt.rcParams["savefig.transparent"] = True


_during_an_example = ExitStack()


def make_warnings_errors(gallery_conf, file_name, when):
    """Let an example that warns fail, as the tests do, and leave what comes after it alone."""
    if when == "before":
        _during_an_example.enter_context(warnings.catch_warnings(action="error"))
        # plt.show(), on a machine with a screen
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
    else:
        _during_an_example.close()
