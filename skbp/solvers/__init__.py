"""The solvers, which minimise an objective from a start vector.

There are two kinds. `ConjugateGradient` and `LBFGS` search along lines and need
the objective itself; they are SciPy's. Gradient descent needs a gradient only: of
the whole set (`GradientDescent`) or of one batch of rows after the other
(`MiniBatchDescent`). All have the method ``minimize(objective, theta, watch)`` and
return a `Result`; none knows what a network is.
"""

from skbp.solvers.descent import GradientDescent, MiniBatchDescent
from skbp.solvers.interface import Result, Solver
from skbp.solvers.learning_rates import (
    Adaptive,
    Constant,
    Cosine,
    Course,
    InverseScaling,
    LearningRate,
    OneCycle,
)
from skbp.solvers.line_search import LBFGS, ConjugateGradient
from skbp.solvers.progress import Progress
from skbp.solvers.update_rules import Adam, Momentum

__all__ = [
    "LBFGS",
    "Adam",
    "Adaptive",
    "ConjugateGradient",
    "Constant",
    "Cosine",
    "Course",
    "GradientDescent",
    "InverseScaling",
    "LearningRate",
    "MiniBatchDescent",
    "Momentum",
    "OneCycle",
    "Progress",
    "Result",
    "Solver",
]
