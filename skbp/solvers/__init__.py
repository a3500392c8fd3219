"""The solvers, which minimise an objective from a start vector.

There are two kinds. `ConjugateGradient` and `LBFGS` search along lines and need
the objective itself; they are SciPy's. Gradient descent needs only a gradient: of
the whole set (`GradientDescent`) or of one batch of rows after the other
(`MiniBatchDescent`). All have the method ``minimize(objective, theta, callback, progress)``
and return a `Result`; none knows what a network is.
"""

from skbp.solvers.descent import BarzilaiBorwein, GradientDescent, MiniBatchDescent
from skbp.solvers.interface import Result, Solver
from skbp.solvers.line_search import LBFGS, ConjugateGradient
from skbp.solvers.progress import Progress
from skbp.solvers.schedules import (
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    OneCycle,
    Schedule,
)
from skbp.solvers.stopping import (
    Ending,
    GradientTolerance,
    LossPlateau,
    PlannedLength,
    Plateau,
    RatePlateau,
    ScorePlateau,
    StoppingRule,
)
from skbp.solvers.trial import RateTrial
from skbp.solvers.update_rules import Adam, Momentum

__all__ = [
    "LBFGS",
    "Adam",
    "Adaptive",
    "BarzilaiBorwein",
    "ConjugateGradient",
    "Constant",
    "Cosine",
    "Ending",
    "GradientDescent",
    "GradientTolerance",
    "InverseScaling",
    "LossPlateau",
    "MiniBatchDescent",
    "Momentum",
    "OneCycle",
    "PlannedLength",
    "Plateau",
    "Progress",
    "RatePlateau",
    "RateTrial",
    "Result",
    "Schedule",
    "ScorePlateau",
    "Solver",
    "StoppingRule",
]
