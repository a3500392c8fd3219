"""The dependency rule: which module of skbp imports which (DESIGN.md, section 3)."""

import ast
import sys
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
SOLVERS = {name for name in PATHS if name.startswith("skbp.solvers")}
GROUND = {"skbp._typing"}

MAY_IMPORT = {
    "skbp": {"skbp.classifier"},
    "skbp._typing": set(),
    "skbp.activations": GROUND,
    "skbp.blas_threads": GROUND,
    "skbp.choice": GROUND | {"skbp.activations"} | SOLVERS,
    "skbp.classifier": set(PATHS) - {"skbp", "skbp.gradient_check"},
    "skbp.gradient_check": GROUND,
    "skbp.losses": GROUND | {"skbp.activations"},
    "skbp.monitor": GROUND,
    "skbp.network": GROUND | {"skbp.activations"},
    "skbp.objective": GROUND | {"skbp.losses"},
    "skbp.weights": GROUND,
    **dict.fromkeys(SOLVERS, GROUND | {"skbp.monitor"} | SOLVERS),
}
RUN_TIME = {"numpy", "scipy", "sklearn", "threadpoolctl"}
OF_SCIKIT_LEARN = {
    "skbp.network": {"sklearn.utils.check_random_state"},
    "skbp.weights": {"sklearn.utils.check_array"},
}


def imports(name):
    """Return the full names of all that a module imports, inside functions too."""
    package = name if PATHS[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(PATHS[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


def own_imports(name):
    """Return the modules of skbp that a module imports."""
    own = {full_name for full_name in imports(name) if full_name.split(".")[0] == "skbp"}
    return {full_name if full_name in PATHS else full_name.rpartition(".")[0] for full_name in own}


def test_the_rule_knows_every_module():
    assert set(MAY_IMPORT) == set(PATHS)


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_each_module_imports_only_what_it_may(name):
    assert own_imports(name) <= MAY_IMPORT[name]


def test_only_the_package_itself_imports_the_classifier():
    assert [name for name in PATHS if "skbp.classifier" in own_imports(name)] == ["skbp"]


def test_there_is_no_cycle():
    TopologicalSorter({name: own_imports(name) for name in PATHS}).prepare()


@pytest.mark.parametrize("name", sorted(set(MAY_IMPORT) - {"skbp.classifier"}))
def test_only_the_classifier_knows_scikit_learn(name):
    of_scikit_learn = {full_name for full_name in imports(name) if full_name.startswith("sklearn")}
    assert of_scikit_learn <= OF_SCIKIT_LEARN.get(name, set())


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_only_run_time_dependencies_are_imported(name):
    packages = {full_name.split(".")[0] for full_name in imports(name)}
    assert packages <= RUN_TIME | {"skbp"} | sys.stdlib_module_names
