"""Places in which a classifier serves as a transformer: before the end of a pipeline, for example.

skl2onnx takes any classifier for the last step. So its parsers of pipelines, unions and
column transformers are wrapped: they mark skbp's classifiers with the option ``transform``
where scikit-learn calls their `transform`.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from skl2onnx import update_registered_parser
from skl2onnx._parse import sklearn_parsers_map
from skl2onnx.common._registration import get_converter, register_converter
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from skbp.onnx.converters import CLASSIFIERS

_PIPELINE = "SklearnPipeline"


def register() -> None:
    """Wrap the parsers of scikit-learn's containers, and the converter of nested pipelines."""
    for kind in (Pipeline, FeatureUnion, ColumnTransformer):
        update_registered_parser(kind, _marking_parser(sklearn_parsers_map[kind]))
    converter = get_converter(_PIPELINE)
    register_converter(
        _PIPELINE,
        _marking_converter(converter),
        overwrite=True,
        options=converter.get_allowed_options(),
    )


def _marking_parser(parse: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(parse)
    def marking(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
        _mark(scope, model)
        return parse(scope, model, inputs, custom_parsers=custom_parsers)

    return marking


def _marking_converter(convert: Any) -> Callable[..., Any]:
    def marking(scope: Any, operator: Any, container: Any) -> None:
        pipeline = operator.raw_operator
        _mark(scope, pipeline)
        last = pipeline.steps[-1][1]
        if isinstance(last, CLASSIFIERS):
            # CalibratedClassifierCV, for one, asks the pipeline for scores
            options = container.get_options(pipeline, {"raw_scores": False})
            container.add_options(id(last), {"raw_scores": options["raw_scores"]})
        convert(scope, operator, container)

    return marking


def _mark(scope: Any, container: Any) -> None:
    """Mark the classifiers whose `transform` a container calls."""
    for step in _transformers(container):
        if isinstance(step, CLASSIFIERS):
            scope.add_options(id(step), {"transform": True})
        elif isinstance(step, Pipeline):
            _mark_last(scope, step)


def _mark_last(scope: Any, pipeline: Pipeline) -> None:
    """Mark the last step of a pipeline that serves as a transformer."""
    last = pipeline.steps[-1][1]
    if isinstance(last, CLASSIFIERS):
        scope.add_options(id(last), {"transform": True})
    elif isinstance(last, Pipeline):
        _mark_last(scope, last)


def _transformers(container: Any) -> Iterator[Any]:
    """Yield the steps of a container that it calls `transform` of."""
    if isinstance(container, Pipeline):
        yield from (step for _, step in container.steps[:-1])
    elif isinstance(container, FeatureUnion):
        yield from (step for _, step in container.transformer_list)
    else:
        yield from (step for _, step, _ in container.transformers_)
