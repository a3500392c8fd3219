"""docs/design.md: its table has every module, and imports go downwards in it."""

import re
from pathlib import Path

import pytest
from test_architecture import GROUND, PATHS, own_imports

PAGE = Path(__file__).parents[1] / "docs" / "design.md"
ROWS = [
    re.findall(r"`(\w+)`", row) for row in re.findall(r"^\|.*`.*\|$", PAGE.read_text("utf-8"), re.M)
]
LAYERS = {name: layer for layer, names in enumerate(ROWS) for name in names}
MODULES = sorted(set(PATHS) - GROUND - {"skbp"})


def part(module):
    """Return what the table calls a module, or the subpackage that it belongs to."""
    return module.split(".")[1]


def test_the_table_has_every_module_once():
    assert sorted(name for names in ROWS for name in names) == sorted({*map(part, MODULES)})


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_one_of_a_row_above(module):
    imported = own_imports(module) - GROUND
    assert all(LAYERS[part(other)] >= LAYERS[part(module)] for other in imported)
