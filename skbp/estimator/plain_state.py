"""The state of an estimator in plain parts, to save: dicts, lists, tuples, numbers and arrays.

What is saved names no class of skbp but the estimator's own. So a loader that trusts types by
their names, such as skops, needs to trust that one only, and the other classes may move to other
modules. An object of skbp becomes a dict of its parts, with a name of its kind. Objects of the
user's own, such as an activation or a scorer, stay as they are.

A state has a version. Whoever adds a part that has a default, or takes none away, may leave it:
older states get the default. Otherwise raise `VERSION`, and add to `UPGRADES` a function that
turns a state of the version before into one of the new version.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sklearn.preprocessing import LabelBinarizer

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.estimator.state import Conditions, FitState
from skbp.estimator.targets import (
    BinaryTargets,
    MulticlassTargets,
    MultilabelTargets,
    TwoUnitTargets,
)
from skbp.estimator.training import TrainingState
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.solvers import Ending, Progress
from skbp.solvers.history import History, Snapshot
from skbp.solvers.stopping import Plateau

VERSION = 1
"""The version of the parts. 0 is that of skbp 0.1.0, whose pickles hold the objects themselves."""

UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {0: dict}
"""Functions that map a state of a version to one of the next version."""

_VERSION_KEY = "_skbp_state_version"
_KIND = "__skbp__"

_DATACLASSES = (Conditions, FitState, Network, Plateau, Progress, Snapshot, TrainingState)
_WITH_ATTRIBUTES = (
    BinaryTargets,
    History,
    LabelBinarizer,
    MulticlassTargets,
    MultilabelTargets,
    TwoUnitTargets,
)
_REGISTERED: Mapping[str, Mapping[Any, Any]] = {
    "Activation": ACTIVATIONS,
    "Ending": Ending.__members__,
    "Loss": LOSSES,
    "OutputActivation": OUTPUT_ACTIVATIONS,
}


class PlainState:
    """Mixin for estimators that are saved in plain parts."""

    def __getstate__(self) -> dict[str, Any]:
        of_base: Any = super()
        state = {name: plain(value) for name, value in of_base.__getstate__().items()}
        return state | {_VERSION_KEY: VERSION}

    def __setstate__(self, state: dict[str, Any]) -> None:
        of_base: Any = super()
        state = _upgraded(state, type(self).__name__)
        of_base.__setstate__({name: restored(value) for name, value in state.items()})

    def __copy__(self) -> Any:
        # with the same objects as attributes, not converted ones
        made = type(self).__new__(type(self))
        vars(made).update(vars(self))
        return made


def plain(value: Any) -> Any:
    """Return a value with skbp's own objects as dicts.

    Parameters
    ----------
    value : object
        The value; not changed.

    Returns
    -------
    object
        Its plain parts, or the value itself if there is nothing to replace.
    """
    convert = _TO_PARTS.get(type(value))
    return value if convert is None else convert(value)


def restored(value: Any) -> Any:
    """Return the value that `plain` was given.

    Parameters
    ----------
    value : object
        What `plain` has returned.

    Returns
    -------
    object
        The value.

    Raises
    ------
    ValueError
        If it has parts of an unknown kind.
    """
    if type(value) in (list, tuple):
        return _same_sequence(value, restored)
    if type(value) is not dict:
        return value
    parts = {key: restored(each) for key, each in value.items()}
    kind = parts.get(_KIND)
    if not isinstance(kind, str):
        return parts
    if kind not in _FROM_PARTS:
        raise ValueError(f"The saved model has a part of an unknown kind, {kind!r}.")
    del parts[_KIND]
    return _FROM_PARTS[kind](parts)


def _upgraded(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a state of the present version."""
    state = dict(state)
    version = state.pop(_VERSION_KEY, 0)
    if version > VERSION:
        raise ValueError(
            f"This {name} was saved by a later version of skbp: its state has version {version}, "
            f"and this version of skbp reads versions up to {VERSION}. Install a later skbp."
        )
    for older in range(version, VERSION):
        state = UPGRADES[older](state)
    return state


def _same_sequence(values: Any, convert: Callable[[Any], Any]) -> Any:
    """Return the converted values, or the list or tuple itself if none has changed."""
    parts = [convert(each) for each in values]
    changed = any(new is not old for new, old in zip(parts, values, strict=True))
    return type(values)(parts) if changed else values


def _parts_of_sequence(values: Any) -> Any:
    return _same_sequence(values, plain)


def _parts_of_dict(values: dict[Any, Any]) -> dict[Any, Any]:
    return {key: plain(each) for key, each in values.items()}


def _parts_of_dataclass(value: Any) -> dict[str, Any]:
    parts = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return {_KIND: type(value).__name__, **parts}


def _parts_of_attributes(value: Any) -> dict[str, Any]:
    return {_KIND: type(value).__name__, **_parts_of_dict(vars(value))}


def _name_of(value: Any) -> Any:
    """Return the name under which an object is registered; one of the user's own stays."""
    kind = _KIND_OF_REGISTERED[type(value)]
    for name, member in _REGISTERED[kind].items():
        # losses have no state, so those of a type are the same
        if member == value or (kind == "Loss" and type(member) is type(value)):
            return {_KIND: kind, "name": name}
    return value


def _with_attributes(kind: type) -> Callable[[dict[str, Any]], Any]:
    def make(attributes: dict[str, Any]) -> Any:
        made: Any = object.__new__(kind)
        vars(made).update(attributes)
        return made

    return make


def _with_fields(kind: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda parts: kind(**parts)


def _registered(registry: Mapping[Any, Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda parts: registry[parts["name"]]


_KIND_OF_REGISTERED = {
    type(member): kind for kind, registry in _REGISTERED.items() for member in registry.values()
}
_TO_PARTS: Mapping[type, Callable[[Any], Any]] = {
    list: _parts_of_sequence,
    tuple: _parts_of_sequence,
    dict: _parts_of_dict,
    **dict.fromkeys(_DATACLASSES, _parts_of_dataclass),
    **dict.fromkeys(_WITH_ATTRIBUTES, _parts_of_attributes),
    **dict.fromkeys(_KIND_OF_REGISTERED, _name_of),
}
_FROM_PARTS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    **{kind.__name__: _with_fields(kind) for kind in _DATACLASSES},
    **{kind.__name__: _with_attributes(kind) for kind in _WITH_ATTRIBUTES},
    **{name: _registered(registry) for name, registry in _REGISTERED.items()},
}
