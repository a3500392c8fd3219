"""What the examples print is what they are there to show.

That each one runs, with its pictures and without a warning, is seen where Sphinx builds the
gallery; and that the quickstart runs without Matplotlib, by the command of the README in .ci/run.
"""

import ast
import importlib.util
import re
import runpy
import sys
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATHS = sorted(EXAMPLES.rglob("*.py"))

GALLERY = {
    "": {"quickstart", "path", "grid_search"},
    "your_data": {
        "calibration",
        "dask_cluster",
        "data_frame",
        "drift",
        "feature_extractor",
        "imbalance",
    },
    "lecture": {"decision_boundary", "hidden_units", "homework", "lecture", "solvers"},
}


SMALL = {"n_jobs": 1, "cv": 2, "alphas": [1], "mlpclassifier__alpha": [1]}


def run(name, *arguments):
    """Run an example as a script, in this process."""
    with pytest.MonkeyPatch.context() as patch, np.printoptions():
        path = EXAMPLES / f"{name}.py"
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        patch.setattr(plt, "show", lambda: None)
        runpy.run_path(str(path), run_name="__main__")


@pytest.fixture
def _no_matplotlib(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def quickstart(monkeypatch):
    """Import examples/quickstart.py, which is in no package; it is to run in this process."""
    spec = importlib.util.spec_from_file_location("quickstart", EXAMPLES / "quickstart.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(plt, "show", lambda: None)
    yield module
    plt.close("all")


@pytest.fixture
def small(quickstart, monkeypatch):
    """Let the quickstart search less, on digits of two kinds; CI runs the whole example."""
    monkeypatch.setattr(quickstart, "load_digits", partial(load_digits, n_class=2))
    for search in (quickstart.OURS, quickstart.SEARCH, quickstart.GRID):
        search.update({name: value for name, value in SMALL.items() if name in search})


@pytest.mark.usefixtures("small")
def test_the_quickstart_compares_five_models(quickstart, capsys):
    quickstart.main()
    printed = capsys.readouterr().out
    assert printed.startswith("120 training digits, 240 test digits")
    pattern = r"^(.+?) +\d+\.\d s +(\d\.\d)% +(\d\.\d{4})(?:   ([+-]\d\.\d{4}) ± (\d\.\d{4}))?$"
    rows = re.findall(pattern, printed, re.MULTILINE)
    assert [name for name, *_ in rows] == list(quickstart.models())
    loss = {name: float(loss) for name, _, loss, *_ in rows}
    assert max(loss.values()) < 0.1
    [reference] = [name for name, *_, difference, _ in rows if not difference]
    assert reference == quickstart.GRID_SEARCH
    for name, *_, difference, _ in rows:
        if difference:
            assert abs(loss[name] - loss[reference] - float(difference)) < 1.5e-4

    [ax] = plt.gcf().axes
    assert [text.get_text() for text in ax.texts] == list(quickstart.models())
    heights = [line.get_ydata()[0] for line in ax.lines]
    assert [round(height, 4) for height in heights] == list(loss.values())


def test_the_quickstart_searches_the_same_for_both(quickstart):
    ours = quickstart.models()["BackpropClassifierCV, 1 member"][-1]
    theirs = quickstart.models()[quickstart.GRID_SEARCH]
    network = theirs.estimator[-1]
    assert ours.hidden_layer_sizes == network.hidden_layer_sizes
    assert ours.activation == network.activation
    assert theirs.param_grid == {"mlpclassifier__alpha": ours.alphas}
    assert ours.cv is theirs.cv
    assert ours.n_jobs == theirs.n_jobs
    assert theirs.scoring == "neg_log_loss"


@pytest.mark.usefixtures("_no_matplotlib")
def test_the_quickstart_draws_no_figure_without_matplotlib(quickstart):
    quickstart.plot({})
    assert plt.get_fignums() == []


@pytest.mark.usefixtures("_no_matplotlib")
def test_the_lecture_without_matplotlib(capsys):
    run("lecture/lecture")
    printed = capsys.readouterr().out
    assert 'pip install ".[plot]"' in printed

    headings = re.findall(r"^(\d)\. .+\n-+\nslide: .+$", printed, re.MULTILINE)
    assert headings == list("1234567")

    errors = re.findall(r"^check_gradient.*: (\S+)$", printed, re.MULTILINE)
    assert len(errors) == 2
    assert all(float(error) < 1e-6 for error in errors)
    differences = re.findall(r"largest difference (\S+)$", printed, re.MULTILINE)
    assert len(differences) >= 6
    assert all(float(difference) < 1e-6 for difference in differences)

    before, after = (
        float(re.search(rf"J {when} the step.*: (\S+)$", printed, re.MULTILINE)[1])
        for when in ("before", "after")
    )
    assert after < before

    start = float(re.search(r"at the start J = (\S+)", printed)[1])
    trained = dict(re.findall(r" (sgd|gd|cg) +\d+ +(\S+)   \[0 1 1 2\]", printed))
    assert set(trained) == {"sgd", "gd", "cg"}
    assert all(float(J) < start / 10 for J in trained.values())


def test_the_homework_by_hand_agrees_with_skbp(capsys):
    run("lecture/homework")
    plt.close("all")
    printed = capsys.readouterr().out
    pattern = r"^(.+)\nby hand:\n(?:.+\n)+?by skbp:\n(?:.+\n)+?largest difference: (\S+)$"
    differences = re.findall(pattern, printed, re.MULTILINE)
    names = [name for name, _ in differences]
    assert {re.split(r"[^a-zA-ZΘδ]", name)[0] for name in names} == {"a", "J", "δ", "D", "Θ"}
    numerical = {name for name in names if "numerical" in name}
    assert len(numerical) == 2
    for name, difference in differences:
        assert float(difference) < (1e-8 if name in numerical else 1e-12), name

    before, after = re.search(r"J before the step (\S+), after it (\S+)", printed).groups()
    assert float(after) < float(before)


def test_no_example_is_left_out_of_the_gallery():
    expected = {EXAMPLES / group / f"{name}.py" for group in GALLERY for name in GALLERY[group]}
    assert set(PATHS) == expected
    conf = gallery_settings()
    assert (ROOT / "docs" / conf["examples_dirs"]).resolve() == EXAMPLES
    assert all(re.search(conf["filename_pattern"], str(path)) for path in PATHS)
    assert not any(re.search(conf.get("ignore_pattern", "$^"), str(path)) for path in PATHS)
    assert all((EXAMPLES / group / "GALLERY_HEADER.rst").is_file() for group in GALLERY)


def gallery_settings():
    """Return what docs/conf.py sets for the gallery; it needs Sphinx, which may not be here."""
    (found,) = [
        node.value
        for node in ast.parse((ROOT / "docs" / "conf.py").read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "sphinx_gallery_conf"
    ]
    return ast.literal_eval(found)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_example_has_a_title_a_paragraph_and_a_picture(path):
    source = path.read_text("utf-8")
    title, underline, blank, *paragraph = ast.get_docstring(ast.parse(source)).splitlines()
    assert underline == "=" * len(title)
    assert blank == ""
    assert paragraph
    assert "\n# %%\n" in source
    assert re.search(r"\bplt\.(subplots|figure|subplot_mosaic)\(", source)
    assert re.search(r"^ *plt\.show\(\)$", source, re.MULTILINE)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_caption_of_an_example_has_at_most_two_sentences(path):
    _, caption = ast.get_docstring(ast.parse(path.read_text("utf-8"))).split("\n\n", maxsplit=1)
    ends = re.findall(r"[.?!](?=\s+[`*A-Z]|$)", caption)
    assert 1 <= len(ends) <= 2
