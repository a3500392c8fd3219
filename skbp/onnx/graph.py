"""An ONNX graph that grows by function calls, in one precision."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto

from skbp._typing import Floats

_REDUCTIONS_WITH_AXES_AS_INPUT = {"ReduceMax": 18}  # since this opset


class Graph:
    """Adds nodes to a graph of skl2onnx. A call adds one, and returns the name of its output.

    Parameters
    ----------
    scope : Scope
        Gives names that are not taken.
    container : ModelComponentContainer
        Holds the nodes.
    is_double : bool
        Whether the graph computes in float64, and not in float32.
    """

    def __init__(self, scope: Any, container: Any, is_double: bool) -> None:
        self._scope = scope
        self._container = container
        self.is_double = is_double
        self.finfo = np.finfo(np.float64) if is_double else np.finfo(np.float32)
        self.proto = TensorProto.DOUBLE if is_double else TensorProto.FLOAT

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node.

        Parameters
        ----------
        operator : str
            Its operator, such as ``"Gemm"``.
        *inputs : str
            The names of its inputs.
        **attributes : dict
            Its attributes.

        Returns
        -------
        str
            The name of its output.
        """
        output = self._scope.get_unique_variable_name(operator.lower())
        self._add(operator, inputs, output, attributes)
        return output

    def name(self, value: str, output: str) -> None:
        """Let a value be an output of the graph.

        Parameters
        ----------
        value : str
            The name of the value.
        output : str
            The name of the output.
        """
        self._add("Identity", (value,), output, {})

    def numbers(self, values: ArrayLike) -> str:
        """Add constant numbers of the graph's precision.

        Parameters
        ----------
        values : array-like
            The numbers.

        Returns
        -------
        str
            Their name.
        """
        return self._constant(np.asarray(values, self.finfo.dtype), self.proto)

    def integers(self, values: ArrayLike) -> str:
        """Add constant integers.

        Parameters
        ----------
        values : array-like of int
            The integers.

        Returns
        -------
        str
            Their name.
        """
        return self._constant(np.asarray(values, np.int64), TensorProto.INT64)

    def texts(self, values: ArrayLike) -> str:
        """Add constant strings.

        Parameters
        ----------
        values : array-like of str
            The strings.

        Returns
        -------
        str
            Their name.
        """
        encoded = [text.encode() for text in np.ravel(values).tolist()]
        return self._constant(np.array(encoded, object), TensorProto.STRING)

    def reduced(self, operator: str, values: str) -> str:
        """Reduce the rows of a matrix to a column.

        Parameters
        ----------
        operator : str
            A reduction, such as ``"ReduceMax"``.
        values : str
            The name of the matrix.

        Returns
        -------
        str
            The name of the column.
        """
        since = _REDUCTIONS_WITH_AXES_AS_INPUT[operator]
        if self._container.target_opset >= since:
            return self(operator, values, self.integers([1]), keepdims=1)
        return self(operator, values, axes=[1], keepdims=1)

    def column(self, values: str, number: int) -> str:
        """Take a column of a matrix.

        Parameters
        ----------
        values : str
            The name of the matrix.
        number : int
            The number of the column.

        Returns
        -------
        str
            The name of the column, a matrix.
        """
        return self("Gather", values, self.integers([number]), axis=1)

    def _add(
        self, operator: str, inputs: tuple[str, ...], output: str, attributes: dict[str, Any]
    ) -> None:
        name = self._scope.get_unique_operator_name(operator)
        self._container.add_node(operator, list(inputs), output, name=name, **attributes)

    def _constant(self, values: Floats, proto: int) -> str:
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, proto, list(values.shape), values.ravel().tolist())
        return str(name)
