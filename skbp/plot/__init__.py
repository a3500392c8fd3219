"""Displays of a network: how it was trained, what it is made of, and what it has found.

They follow scikit-learn's Display conventions: the class methods ``from_…`` compute what is
drawn and draw it; `plot` draws it again, in axes of your own if you like; the data stay in
attributes, and ``ax_`` and ``figure_`` are Matplotlib's. Matplotlib is imported when something
is drawn; ``pip install "skbp[plot]"`` brings it.
"""

from skbp.plot.gradient_check import GradientCheckDisplay
from skbp.plot.grid_search import GridSearchDisplay
from skbp.plot.hidden_units import HiddenUnitsDisplay
from skbp.plot.loss_curve import LossCurveDisplay
from skbp.plot.network import NetworkDisplay

__all__ = [
    "GradientCheckDisplay",
    "GridSearchDisplay",
    "HiddenUnitsDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
]
