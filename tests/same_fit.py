"""When two fits are the same: all that they have found out, bit by bit."""

import re

from numpy.testing import assert_equal


def fitted_attributes(model):
    """Return the public fitted attributes of a model, by name."""
    return {
        name: _comparable(value)
        for name, value in vars(model).items()
        if re.fullmatch("[^_].*_", name)
    }


def _comparable(value):
    """Return a value; the type and the attributes of an object that only equals itself."""
    if not hasattr(value, "__dict__") or type(value).__eq__ is not object.__eq__:
        return value
    return type(value), {name: _comparable(part) for name, part in vars(value).items()}


def bits_of(model):
    """Return the bits of all weights of a model."""
    return b"".join(w.tobytes() for w in [*model.coefs_, *model.intercepts_])


def assert_same_fit(model, other, but_for=()):
    """Hold all fitted attributes of two models equal, but for some."""
    ours, theirs = fitted_attributes(model), fitted_attributes(other)
    for name in but_for:
        del ours[name], theirs[name]
    assert_equal(ours, theirs)
    # the assertion above takes float32 for float64, and −0 for 0
    assert bits_of(model) == bits_of(other)
