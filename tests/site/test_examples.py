"""What the examples print is what they are there to show.

That each one runs, with its pictures and without a warning, is seen where Sphinx builds the
gallery; and that the quickstart runs without Matplotlib, by the command of the README in .ci/run.
"""

import ast
import importlib.util
import re
import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

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
    "lecture": {"decision_boundary", "hidden_units", "lecture", "solvers"},
}


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
    module.N_JOBS = 1
    monkeypatch.setattr(plt, "show", lambda: None)
    yield module
    plt.close("all")


@pytest.fixture
def small_grid(quickstart, monkeypatch):
    """Let the quickstart search less; CI runs the whole example."""
    (theirs, _), (regression, _) = quickstart.GRIDS
    small = [
        (theirs.set_params(tol=0.01), {"alpha": [1], "hidden_layer_sizes": [(10,)]}),
        (regression.set_params(tol=0.01), {"C": [0.1, 1]}),
    ]
    monkeypatch.setattr(quickstart, "GRIDS", small)
    quickstart.NETWORK.set_params(alphas=[100, 1], hidden_layer_sizes=[(25,), (4,)], n_jobs=1)


@pytest.mark.usefixtures("small_grid")
def test_quickstart_chooses_and_compares(quickstart, capsys):
    quickstart.main()
    printed = capsys.readouterr().out

    cells = re.findall(r"  (?:\d\.\d{4} ± \d\.\d{4}|not needed)", printed)
    assert len(cells) == 2 * 2 * 2 + 1 + 2
    assert printed.count(" *\n") == 3, "the best one of each search"
    tested = re.findall(r"^(\w+) +(\d+\.\d) s +(0\.\d{4}) +(0\.\d{4})   \w", printed, re.MULTILINE)
    names, times, accuracies, losses = zip(*tested, strict=True)
    assert names == ("BackpropClassifierCV", "MLPClassifier", "LogisticRegression")
    assert re.findall(r"searched and fitted in (\S+) s", printed) == list(times)
    assert float(accuracies[0]) > 0.96
    assert float(losses[0]) < 0.2

    misread, n_test = map(int, re.search(r"misread (\d+) of (\d+)", printed).groups())
    assert round(1 - misread / n_test, 4) == float(accuracies[0])
    shown = re.search(r"These (\d+) got", printed)
    assert int(shown[1]) == min(4, misread)
    _, _, drawn = printed.partition("for the true digit:\n\n")
    drawn, _, _ = drawn.partition("\n\n")
    assert len(drawn.splitlines()) == 2 + 8

    pictures = [ax for ax in plt.gcf().axes if ax.images]
    assert len(pictures) == min(8, misread)
    captions = drawn.splitlines()[0].split("   ")
    assert [ax.get_title().splitlines()[0] for ax in pictures[:4]] == captions


@pytest.mark.usefixtures("_no_matplotlib")
def test_quickstart_draws_no_picture_without_matplotlib(quickstart):
    quickstart.plot_misread(None, None, None)
    assert plt.get_fignums() == []


def test_quickstart_says_so_if_no_digit_was_misread(quickstart, capsys):
    X, y = quickstart.load_digits(n_class=2, return_X_y=True)
    network = quickstart.BackpropClassifierCV((5,), "tanh", alphas=[0.1], cv=2, random_state=0)
    model, _ = quickstart.fitted(network, None, X, y)
    quickstart.print_misread(model, X, y)
    assert capsys.readouterr().out.endswith("misread 0 of 360 test digits. All are correct.\n")


def test_quickstart_draws_an_image_in_eight_lines(quickstart):
    pixels = np.zeros(64)
    pixels[0], pixels[9], pixels[63] = 16, 8, 1
    lines = quickstart.draw(pixels)
    assert lines == ["@@" + 14 * " ", "  ==" + 12 * " ", *5 * [16 * " "], 14 * " " + ".."]


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


def test_the_readme_shows_the_picture_of_an_example():
    picture = ROOT / "docs" / "images" / "digits.png"
    with Image.open(picture) as image:
        assert image.mode == "P", "256 colours"
    assert picture.stat().st_size < 100_000
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "(docs/images/digits.png)" in readme
    assert "(examples/lecture/decision_boundary.py)" in readme


def test_no_example_is_left_out_of_the_gallery(monkeypatch):
    expected = {EXAMPLES / group / f"{name}.py" for group in GALLERY for name in GALLERY[group]}
    assert set(PATHS) == expected
    monkeypatch.setattr(sys, "path", [*sys.path])  # conf.py adds to it
    conf = runpy.run_path(str(ROOT / "docs" / "conf.py"))["sphinx_gallery_conf"]
    assert (ROOT / "docs" / conf["examples_dirs"]).resolve() == EXAMPLES
    assert all(re.search(conf["filename_pattern"], str(path)) for path in PATHS)
    assert not any(re.search(conf.get("ignore_pattern", "$^"), str(path)) for path in PATHS)
    assert all((EXAMPLES / group / "GALLERY_HEADER.rst").is_file() for group in GALLERY)


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
