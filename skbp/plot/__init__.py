"""Displays of a fitted network, its training and its parameter search.

The displays follow scikit-learn's conventions. The class methods ``from_*`` compute the data and
plot them, and `plot` plots them again. The data are stored as attributes, along with the
Matplotlib axes ``ax_`` and figure ``figure_``. Matplotlib is imported on first use; install it
with ``pip install ".[plot]"`` in a checkout.
"""

from skbp.plot.gradient_check import GradientCheckDisplay
from skbp.plot.grid_search import GridSearchDisplay
from skbp.plot.hidden_units import HiddenUnitsDisplay
from skbp.plot.loss_curve import LossCurveDisplay
from skbp.plot.network import NetworkDisplay
from skbp.plot.path import PathDisplay

__all__ = [
    "GradientCheckDisplay",
    "GridSearchDisplay",
    "HiddenUnitsDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "PathDisplay",
]
