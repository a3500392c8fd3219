"""From z of the output units to labels and probabilities, for each kind of targets.

Each head does as ONNX nodes what the `skbp.estimator.targets` of its kind and
`skbp.probabilities` do. The labels come from z, whose order survives where units saturate.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from onnx import TensorProto

from skbp.estimator.targets import (
    BinaryTargets,
    MulticlassTargets,
    MultilabelTargets,
    Targets,
    TwoUnitTargets,
)
from skbp.onnx.graph import Graph
from skbp.onnx.layers import log_logistic

Units = tuple[str, str]
"""The activation of the output units, and the name of their z."""


class Head(ABC):
    """Labels, probabilities and scores as ONNX nodes, computed from z of the output units.

    Parameters
    ----------
    graph : Graph
        The graph to add it to.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @abstractmethod
    def classes(self, z: str) -> str:
        """Return the number of each row's class; for several labels a matrix of 0 and 1.

        Parameters
        ----------
        z : str
            The name of z.

        Returns
        -------
        str
            The name of the numbers.
        """

    @abstractmethod
    def probabilities(self, h: str, z: str) -> str:
        """Return what `predict_proba` returns.

        Parameters
        ----------
        h : str
            The name of the activation of the output units.
        z : str
            The name of z.

        Returns
        -------
        str
            The name of the probabilities.
        """

    @abstractmethod
    def log_probabilities(self, h: str, z: str) -> str:
        """Return what `predict_log_proba` returns.

        Parameters
        ----------
        h : str
            The name of the activation of the output units.
        z : str
            The name of z.

        Returns
        -------
        str
            The name of the logarithms.
        """

    def scores(self, h: str, z: str) -> str:
        """Return what `decision_function` returns, d for two classes as [−d, d].

        Parameters
        ----------
        h : str
            The name of the activation of the output units.
        z : str
            The name of z.

        Returns
        -------
        str
            The name of the scores, a column for each class.
        """
        return z

    @abstractmethod
    def units_of(self, p: str) -> Units:
        """Return output units that have given probabilities.

        Parameters
        ----------
        p : str
            The name of the probabilities.

        Returns
        -------
        h : str
            The name of the activation of the units.
        z : str
            The name of their z.
        """


class _Binary(Head):
    def classes(self, z: str) -> str:
        return _winners(self.graph, _both_sides(self.graph, z))

    def probabilities(self, h: str, z: str) -> str:
        return self.graph("Sigmoid", _both_sides(self.graph, z))

    def log_probabilities(self, h: str, z: str) -> str:
        return log_logistic(self.graph, _both_sides(self.graph, z))

    def scores(self, h: str, z: str) -> str:
        return _both_sides(self.graph, z)

    def units_of(self, p: str) -> Units:
        return "logistic", _second_less_first(self.graph, _log(self.graph, p))


class _Multiclass(Head):
    def classes(self, z: str) -> str:
        return _winners(self.graph, z)

    def probabilities(self, h: str, z: str) -> str:
        if h == "softmax":
            return self.graph("Softmax", z, axis=1)
        # a_k / Σ a_j is the softmax of log a
        p = self.graph("Softmax", log_logistic(self.graph, z), axis=1)
        return _ranked(self.graph, p, z, 1 - 2 * self._eps)

    def log_probabilities(self, h: str, z: str) -> str:
        if h == "softmax":
            return self.graph("LogSoftmax", z, axis=1)
        log_p = self.graph("LogSoftmax", log_logistic(self.graph, z), axis=1)
        return _ranked(self.graph, log_p, z, 1 + 2 * self._eps)

    def units_of(self, p: str) -> Units:
        return "softmax", _log(self.graph, p)

    @property
    def _eps(self) -> float:
        return float(self.graph.finfo.eps)


class _TwoUnits(_Multiclass):
    def scores(self, h: str, z: str) -> str:
        logs = log_logistic(self.graph, z) if h == "logistic" else z
        return _both_sides(self.graph, _second_less_first(self.graph, logs))


class _Multilabel(Head):
    def classes(self, z: str) -> str:
        return self.graph("Cast", self._is_positive(z), to=TensorProto.INT64)

    def probabilities(self, h: str, z: str) -> str:
        a = self.graph("Sigmoid", z)
        over_half = self.graph.numbers([0.5 + self.graph.finfo.epsneg])
        return self.graph("Where", self._is_positive(z), self.graph("Max", a, over_half), a)

    def log_probabilities(self, h: str, z: str) -> str:
        return log_logistic(self.graph, z)

    def units_of(self, p: str) -> Units:
        rest = self.graph("Sub", self.graph.numbers([1]), p)
        return "logistic", self.graph("Sub", _log(self.graph, p), _log(self.graph, rest))

    def _is_positive(self, z: str) -> str:
        return self.graph("Greater", z, self.graph.numbers([0]))


_HEADS: Mapping[type[Targets], type[Head]] = {
    BinaryTargets: _Binary,
    MulticlassTargets: _Multiclass,
    TwoUnitTargets: _TwoUnits,
    MultilabelTargets: _Multilabel,
}


def head_of(targets: Targets, graph: Graph) -> Head:
    """Return the head for a kind of targets.

    Parameters
    ----------
    targets : Targets
        The targets.
    graph : Graph
        The graph to add it to.

    Returns
    -------
    Head
        The head.
    """
    return _HEADS[type(targets)](graph)


def _both_sides(graph: Graph, z: str) -> str:
    """Return [−z, z]."""
    return graph("Concat", graph("Neg", z), z, axis=1)


def _second_less_first(graph: Graph, values: str) -> str:
    return graph("Sub", graph.column(values, 1), graph.column(values, 0))


def _winners(graph: Graph, z: str) -> str:
    """Return the number of the largest z of each row, the first one of several."""
    return graph("ArgMax", z, axis=1, keepdims=0)


def _log(graph: Graph, p: str) -> str:
    """Return the logarithms of probabilities, of the smallest number instead of 0."""
    return graph("Log", graph("Max", p, graph.numbers([graph.finfo.tiny])))


def _ranked(graph: Graph, p: str, z: str, factor: float) -> str:
    """Let the class with the largest z have the largest p, where saturated units tie.

    All others are multiplied by a factor that lowers them by about two units in the last place.
    """
    wins = graph("Equal", z, graph.reduced("ReduceMax", z))
    factors = graph("Where", wins, graph.numbers([1]), graph.numbers([factor]))
    return graph("Mul", p, factors)
