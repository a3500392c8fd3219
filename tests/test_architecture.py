"""The dependency rule: imports run down the folders of skbp, and there are no cycles."""

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import skbp

ROOT = Path(skbp.__file__).parent.parent
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "skbp").rglob("*.py"))
}

# From the top down; modules of one line are one part, and those of a part import each other.
# Flat modules that are not named here are the lecture's.
LAYERS = [
    ["skbp", "versions"],
    ["onnx"],
    ["plot"],
    ["dask"],
    ["callbacks"],
    ["estimator"],
    ["objective"],
    ["engine"],
    ["lecture"],
    ["solvers"],
    ["_typing"],
]
RANKS = {part: rank for rank, parts in enumerate(reversed(LAYERS)) for part in parts}

# scikit-learn's own helpers that are needed below the estimator
FROM_SCIKIT_LEARN = {
    "skbp.network": {"sklearn.utils.check_random_state"},
    "skbp.weights": {"sklearn.utils.check_array"},
}
KNOWS_SCIKIT_LEARN = {"estimator", "callbacks", "dask", "onnx", "plot"}
# joblib and threadpoolctl come with scikit-learn
RUN_TIME = {"joblib", "numpy", "scipy", "sklearn", "threadpoolctl"}
OPTIONAL = {
    "dask": {"dask", "distributed", "pandas"},
    "onnx": {"onnx", "skl2onnx"},
    "plot": {"matplotlib"},
}


def part_of(module):
    """Return the folder of a module, or what a flat module belongs to."""
    part = module.split(".")[1] if "." in module else module
    return part if part in RANKS else "lecture"


def without_type_checking(node):
    """Yield the nodes of a module that are run: all but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from without_type_checking(child)


@cache
def imports(name):
    """Return the full names of all that a module imports, inside functions too."""
    package = name if PATHS[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in without_type_checking(ast.parse(PATHS[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


@cache
def own_imports(name):
    """Return the modules of skbp that a module imports."""
    own = {full_name for full_name in imports(name) if full_name.split(".")[0] == "skbp"}
    return {full_name if full_name in PATHS else full_name.rpartition(".")[0] for full_name in own}


@pytest.mark.parametrize("name", PATHS)
def test_imports_run_down(name):
    above = {other for other in own_imports(name) if RANKS[part_of(other)] > RANKS[part_of(name)]}
    assert above == set()


@pytest.mark.parametrize("name", [name for name in PATHS if part_of(name) == "lecture"])
def test_the_lecture_knows_no_solver(name):
    assert {part_of(other) for other in own_imports(name)} <= {"lecture", "_typing"}


def test_there_is_no_cycle():
    graph = {name: own_imports(name) - {name} for name in PATHS}
    TopologicalSorter(graph).prepare()


def test_engines_know_nothing_of_each_other():
    engines = {"skbp.engine.numpy", "skbp.engine.compiled", "skbp.engine.namespace"}
    assert all(own_imports(name).isdisjoint(engines) for name in engines)


@pytest.mark.parametrize("name", PATHS)
def test_only_the_boundary_knows_scikit_learn(name):
    from_scikit_learn = {full for full in imports(name) if full.startswith("sklearn")}
    is_boundary = part_of(name) in KNOWS_SCIKIT_LEARN
    assert is_boundary or from_scikit_learn <= FROM_SCIKIT_LEARN.get(name, set())


@pytest.mark.parametrize("name", PATHS)
def test_only_run_time_dependencies_are_imported(name):
    packages = {full_name.split(".")[0] for full_name in imports(name)}
    allowed = RUN_TIME | OPTIONAL.get(part_of(name), set()) | {"skbp"}
    assert packages <= allowed | sys.stdlib_module_names
