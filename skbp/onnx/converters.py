"""The converters of skbp's classifiers, as skl2onnx calls them: parse, shapes, convert."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import get_model_alias, update_registered_converter
from skl2onnx._parse import _apply_zipmap
from skl2onnx.common._registration import register_converter, register_shape_calculator
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.utils.validation import check_is_fitted

from skbp._typing import Floats
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.classifier_cv import BackpropClassifierCV
from skbp.estimator.targets import MultilabelTargets
from skbp.network import Network
from skbp.onnx.graph import Graph
from skbp.onnx.heads import Head, Units, head_of
from skbp.onnx.layers import check_activations, hidden, linear

CLASSIFIERS = (BackpropClassifier, BackpropClassifierCV)

_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
    "log_proba": [True, False],
    "transform": [True, False],
}
_TRANSFORM = "SkbpTransform"


class _Member(NamedTuple):
    """A network, its weights Θ, and its weight in the mean of the probabilities."""

    network: Network
    coefs: Sequence[Floats]
    intercepts: Sequence[Floats]
    share: float


def register() -> None:
    """Register the converters of the classifiers, and of their hidden layers."""
    for kind in CLASSIFIERS:
        update_registered_converter(
            kind,
            f"Skbp{kind.__name__}",
            _set_shapes,
            _convert,
            parser=_parse,
            options=_OPTIONS,
        )
    register_shape_calculator(_TRANSFORM, _set_shape_of_transform, overwrite=True)
    register_converter(_TRANSFORM, _convert_transform, overwrite=True)


def _parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Declare what a model puts out."""
    check_is_fitted(model)
    for member in _members(model):
        check_activations(member.network)
    options = scope.get_options(model, {"zipmap": True, "transform": False})
    if options["transform"]:
        return _declare(scope, _TRANSFORM, model, inputs, {"features": _type_of(inputs)})
    # ZipMap, which makes dicts, takes float32 only
    kind = FloatTensorType() if options["zipmap"] is True else _type_of(inputs)
    outputs = {"label": Int64TensorType(), "probabilities": kind}
    wants_class_labels = options.get("output_class_labels", False)
    if wants_class_labels:
        outputs["class_labels"] = Int64TensorType()
    declared = _declare(scope, get_model_alias(type(model)), model, inputs, outputs)
    if not options["zipmap"]:
        return declared
    if wants_class_labels:
        raise ValueError("output_class_labels=True needs zipmap=False.")
    return list(_apply_zipmap(options["zipmap"], scope, model, kind, declared))


def _declare(
    scope: Any, alias: str, model: Any, inputs: list[Any], outputs: dict[str, Any]
) -> list[Any]:
    operator = scope.declare_local_operator(alias, model)
    operator.inputs = inputs
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return list(operator.outputs)


def _type_of(inputs: list[Any]) -> Any:
    """Return the type of probabilities: float64 if an input is, otherwise float32."""
    is_double = any(isinstance(each.type, DoubleTensorType) for each in inputs)
    return DoubleTensorType() if is_double else FloatTensorType()


def _set_shapes(operator: Any) -> None:
    """Set the types and shapes of labels, probabilities and, if asked for, class labels."""
    model, n = operator.raw_operator, _checked_n_rows(operator)
    classes = _labels(get_label_classes(operator.scope_inst, model))
    kind = Int64TensorType if classes.dtype.kind == "i" else StringTensorType
    K = len(classes)
    is_multilabel = isinstance(model.targets_, MultilabelTargets)
    label, probabilities, *class_labels = operator.outputs
    label.set_type(kind([n, K] if is_multilabel else [n]))
    probabilities.type.shape = [n, K]
    for each in class_labels:
        each.set_type(kind([K]))


def _set_shape_of_transform(operator: Any) -> None:
    model, n = operator.raw_operator, _checked_n_rows(operator)
    operator.outputs[0].type.shape = [n, model._n_features_out]


def _checked_n_rows(operator: Any) -> Any:
    """Return the number of rows, after a look at the number of columns."""
    columns = [(*each.type.shape, None)[1] for each in operator.inputs]
    model = operator.raw_operator
    if all(isinstance(n, int) for n in columns) and sum(columns) != model.n_features_in_:
        raise ValueError(
            f"{type(model).__name__} was fitted with {model.n_features_in_} features. "
            f"Got {sum(columns)} instead; pass an X with the columns of the training data."
        )
    return operator.inputs[0].get_first_dimension()


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a classifier."""
    model = operator.raw_operator
    options = container.get_options(model, {"raw_scores": False, "log_proba": False})
    graph, x = _graph_of(scope, operator, container)
    head = head_of(model.targets_, graph)
    h, z, p = _outputs(graph, head, model, x)
    if options["raw_scores"]:
        p = head.scores(h, z)
    elif options["log_proba"]:
        p = head.log_probabilities(h, z)
    elif p is None:
        p = head.probabilities(h, z)
    label, probabilities, *class_labels = operator.outputs
    classes = _labels(get_label_classes(scope, model))
    names = (graph.integers if classes.dtype.kind == "i" else graph.texts)(classes)
    numbers = head.classes(z)
    is_multilabel = isinstance(model.targets_, MultilabelTargets)
    graph.name(numbers if is_multilabel else graph("Gather", names, numbers), label.full_name)
    graph.name(_as_type(graph, p, probabilities), probabilities.full_name)
    for each in class_labels:
        graph.name(names, each.full_name)


def _convert_transform(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of the hidden layers, as `transform` computes them."""
    graph, x = _graph_of(scope, operator, container)
    members = _members(operator.raw_operator)
    if any(not member.network.g for member in members):
        raise ValueError("There is no hidden layer to transform with: hidden_layer_sizes=().")
    each = [hidden(graph, x, m.network, m.coefs, m.intercepts) for m in members]
    features = graph("Concat", *each, axis=1) if len(each) > 1 else each[0]
    (output,) = operator.outputs
    graph.name(_as_type(graph, features, output), output.full_name)


def _graph_of(scope: Any, operator: Any, container: Any) -> tuple[Graph, str]:
    """Return the graph, and the examples: all inputs side by side.

    As in skbp, what is not float32 is computed in float64.
    """
    is_double = any(not isinstance(each.type, FloatTensorType) for each in operator.inputs)
    graph = Graph(scope, container, is_double)
    columns = [graph("Cast", each.full_name, to=graph.proto) for each in operator.inputs]
    return graph, graph("Concat", *columns, axis=1) if len(columns) > 1 else columns[0]


def _as_type(graph: Graph, values: str, variable: Any) -> str:
    """Return values in the precision of a variable."""
    is_double = isinstance(variable.type, DoubleTensorType)
    if is_double == graph.is_double:
        return values
    return graph("Cast", values, to=TensorProto.DOUBLE if is_double else TensorProto.FLOAT)


def _outputs(graph: Graph, head: Head, model: Any, x: str) -> tuple[str, str, str | None]:
    """Return the activation of the output units, z, and the probabilities if they are a mean."""
    each = [(*_units(graph, member, x), member.share) for member in _members(model)]
    if len(each) == 1:
        h, z, _ = each[0]
        return h, z, None
    shares = [
        graph("Mul", head.probabilities(h, z), graph.numbers([share])) for h, z, share in each
    ]
    p = graph("Sum", *shares)
    return *head.units_of(p), p


def _units(graph: Graph, member: _Member, x: str) -> Units:
    network, coefs, intercepts, _ = member
    a = hidden(graph, x, network, coefs, intercepts)
    return network.h.name, linear(graph, a, coefs[-1], intercepts[-1])


def _members(model: Any) -> list[_Member]:
    """Return the networks of a model: one, or those of an ensemble."""
    models = getattr(model, "members_", [model])
    shares = getattr(model, "member_weights_", np.ones(1))
    if len(models) == 1:
        models = [model]  # its own weights, which may have been changed
    return [
        _Member(each.network_, each.coefs_, each.intercepts_, share)
        for each, share in zip(models, shares.tolist(), strict=True)
    ]


def _labels(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes as int64 or as strings, all that ONNX has for labels.

    scikit-learn takes no fractions for classes, so floats are whole numbers.
    """
    return classes.astype(np.int64 if classes.dtype.kind in "biuf" else str)
