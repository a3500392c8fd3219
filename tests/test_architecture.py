"""The dependency rule: which module of skbp imports which (DESIGN.md, section 3)."""

import ast
import re
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
GROUND = {"skbp._typing"}
# what each module may import, besides the ground
MAY_IMPORT = {
    "skbp": "classifier versions",
    "skbp._typing": "",
    "skbp.activations": "",
    "skbp.blas_threads": "",
    "skbp.blocks": "",
    "skbp.callbacks": "",
    "skbp.choice": "activations solvers solvers.update_rules",
    "skbp.classifier": "activations callbacks choice constraints data losses prediction "
    "solvers training",
    "skbp.constraints": "activations losses",
    "skbp.data": "",
    "skbp.dropout": "activations network",
    "skbp.fast": "activations blas_threads blocks losses network objective probabilities "
    "solvers solvers.update_rules weights",
    "skbp.gradient_check": "",
    "skbp.losses": "",
    "skbp.monitor": "plateau",
    "skbp.network": "activations",
    "skbp.objective": "blocks losses",
    "skbp.plateau": "",
    "skbp.plot": "plot.gradient_check plot.grid_search plot.hidden_units plot.loss_curve "
    "plot.network",
    "skbp.plot.common": "",
    "skbp.plot.gradient_check": "blas_threads gradient_check objective plot.common training "
    "weights",
    "skbp.plot.grid_search": "plot.common",
    "skbp.plot.hidden_units": "network plot.common",
    "skbp.plot.loss_curve": "plot.common",
    "skbp.plot.network": "plot.common plot.network_drawing plot.network_layout "
    "plot.network_marks plot.network_sample weights",
    "skbp.plot.network_drawing": "plot.network_layout plot.network_marks",
    "skbp.plot.network_layout": "network",
    "skbp.plot.network_marks": "plot.common plot.network_sample",
    "skbp.plot.network_sample": "data losses network plot.common weights",
    "skbp.prediction": "blas_threads blocks fast network probabilities summary",
    "skbp.probabilities": "activations losses",
    "skbp.solvers": "solvers.descent solvers.interface solvers.learning_rates "
    "solvers.line_search solvers.progress solvers.update_rules",
    "skbp.solvers.descent": "monitor plateau "
    "solvers.interface solvers.learning_rates solvers.progress solvers.update_rules",
    "skbp.solvers.interface": "",
    "skbp.solvers.learning_rates": "plateau",
    "skbp.solvers.line_search": "monitor solvers.interface solvers.progress",
    "skbp.solvers.progress": "solvers.interface solvers.learning_rates solvers.update_rules",
    "skbp.solvers.update_rules": "",
    "skbp.summary": "",
    "skbp.training": "blas_threads choice data dropout fast losses monitor network objective "
    "solvers solvers.interface validation weights",
    "skbp.validation": "data fast losses probabilities weights",
    "skbp.versions": "fast",
    "skbp.weights": "",
}
SOLVERS = {name for name in PATHS if name.startswith("skbp.solvers")}

PLOT = {name for name in PATHS if name.startswith("skbp.plot")}

# The boundary to scikit-learn knows its estimators. Beside it, validation sees the examples,
# and gets a scorer as a function; the core knows nothing of either.
BOUNDARY = {
    f"skbp.{name}"
    for name in ("callbacks", "classifier", "constraints", "data", "prediction", "training")
} | PLOT
CORE = set(PATHS) - BOUNDARY - {"skbp", "skbp.validation"}
OF_SCIKIT_LEARN = {
    "skbp.network": {"sklearn.utils.check_random_state"},
    "skbp.weights": {"sklearn.utils.check_array"},
}
# joblib and threadpoolctl come with scikit-learn
RUN_TIME = {"joblib", "numpy", "scipy", "sklearn", "threadpoolctl"}
OPTIONAL = {name: {"matplotlib"} for name in PLOT}

# What the kernels compute is computed by these too, for all to read: they know of no faster path.
READABLE = CORE - {"skbp.fast", "skbp.versions"}


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


def reachable(name):
    """Return the modules of skbp that a module imports, that these import, and so on."""
    found, new = set(), own_imports(name)
    while new:
        found |= new
        new = set().union(*map(own_imports, new)) - found
    return found


def test_the_rule_knows_every_module():
    assert set(MAY_IMPORT) == set(PATHS)


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_each_module_imports_only_what_it_may(name):
    assert own_imports(name) <= {f"skbp.{other}" for other in MAY_IMPORT[name].split()} | GROUND


def test_only_the_package_itself_imports_the_classifier():
    assert [name for name in PATHS if "skbp.classifier" in own_imports(name)] == ["skbp"]


def test_there_is_no_cycle():
    TopologicalSorter({name: own_imports(name) for name in PATHS}).prepare()


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_stands_without_the_boundary(name):
    assert reachable(name) <= CORE


@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_no_solver_learns_of_networks_validation_or_callbacks(name):
    assert reachable(name) <= SOLVERS | GROUND | {"skbp.monitor", "skbp.plateau"}


@pytest.mark.parametrize("name", sorted(set(PATHS) - BOUNDARY))
def test_only_the_boundary_knows_scikit_learn(name):
    of_scikit_learn = {full_name for full_name in imports(name) if full_name.startswith("sklearn")}
    assert of_scikit_learn <= OF_SCIKIT_LEARN.get(name, set())


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_only_run_time_dependencies_are_imported(name):
    packages = {full_name.split(".")[0] for full_name in imports(name)}
    allowed = RUN_TIME | OPTIONAL.get(name, set()) | {"skbp"}
    assert packages <= allowed | sys.stdlib_module_names


def test_no_module_needs_the_displays():
    assert [name for name in PATHS if own_imports(name) & PLOT and name not in PLOT] == []


@pytest.mark.parametrize("name", sorted(READABLE))
def test_the_readable_path_knows_of_no_other(name):
    assert "skbp.fast" not in reachable(name)


def test_only_the_choice_of_the_path_loads_the_extension():
    # by its name, since it need not be there
    sources = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}
    assert [name for name in sources if re.search(r"\b_kernels\b", sources[name])] == ["skbp.fast"]
