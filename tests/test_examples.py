"""The examples run, without a warning, and print what they are there to show."""

import ast
import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


IN_THE_GALLERY = {
    "calibration",
    "data_frame",
    "decision_boundary",
    "drift",
    "feature_extractor",
    "grid_search",
    "hidden_units",
    "imbalance",
    "lecture",
    "quickstart",
    "solvers",
}


def run(*arguments):
    """Run Python in a new process where warnings are errors, text is UTF-8, and no window opens."""
    on_no_screen = "ignore:FigureCanvasAgg is non-interactive:UserWarning"
    return subprocess.run(
        [sys.executable, "-W", "error", "-W", on_no_screen, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "MPLBACKEND": "Agg"},
        timeout=300,
    )


def run_without_matplotlib(path):
    """Run an example as if Matplotlib were not installed."""
    code = (
        "import runpy, sys; sys.modules['matplotlib'] = None; "
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    return run("-c", code)


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
    """Let the quickstart search a smaller grid; CI runs the whole example."""
    ours, theirs, regression = (model for model, _ in quickstart.CANDIDATES)
    sizes = {"hidden_layer_sizes": [(10,), (25,)]}
    small = [
        (ours, {"alpha": [0.1, 1], **sizes}),
        (theirs, {"alpha": [1], "hidden_layer_sizes": [(10,)]}),
        (regression, {"C": [0.1, 1]}),
    ]
    monkeypatch.setattr(quickstart, "CANDIDATES", small)


@pytest.mark.usefixtures("small_grid")
def test_quickstart_tunes_and_compares(quickstart, capsys):
    quickstart.main()
    printed = capsys.readouterr().out

    cells = re.findall(r"\d\d\.\d ± \d\.\d", printed)
    assert len(cells) == 4 + 1 + 2
    assert printed.count(" *\n") + printed.count(" * ") == 3, "the best cell of each table"
    tested = dict(re.findall(r"^(\w+) +(0\.\d{4}) +0\.\d{4}   \w", printed, re.MULTILINE))
    assert list(tested) == ["BackpropClassifier", "MLPClassifier", "LogisticRegression"]
    assert float(tested["BackpropClassifier"]) > 0.96

    misread, n_test = map(int, re.search(r"misread (\d+) of (\d+)", printed).groups())
    assert round(1 - misread / n_test, 4) == float(tested["BackpropClassifier"])
    shown = re.search(r"These (\d+) got", printed)
    assert int(shown[1]) == min(4, misread)
    _, _, drawn = printed.partition("for the true digit:\n\n")
    assert len(drawn.splitlines()) == 2 + 8

    pictures = [ax for ax in plt.gcf().axes if ax.images]
    assert len(pictures) == min(8, misread)
    captions = drawn.splitlines()[0].split("   ")
    assert [ax.get_title().splitlines()[0] for ax in pictures[:4]] == captions


@pytest.mark.usefixtures("small_grid")
def test_quickstart_prints_the_same_without_matplotlib(quickstart, monkeypatch, capsys):
    def printed():
        quickstart.main()
        return re.sub(r"in \d+\.\d s", "in … s", capsys.readouterr().out)

    with_pictures = printed()
    plt.close("all")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert printed() == with_pictures
    assert plt.get_fignums() == []


def test_quickstart_says_so_if_no_digit_was_misread(quickstart, capsys):
    X, y = quickstart.load_digits(n_class=2, return_X_y=True)
    search = quickstart.tune(
        quickstart.BackpropClassifier(random_state=0),
        {"alpha": [0.1], "hidden_layer_sizes": [(5,)]},
        X,
        y,
    )
    quickstart.print_misread(search, X, y)
    assert capsys.readouterr().out.endswith("misread 0 of 360 test digits. All are correct.\n")


def test_quickstart_draws_an_image_in_eight_lines(quickstart):
    pixels = np.zeros(64)
    pixels[0], pixels[9], pixels[63] = 16, 8, 1
    lines = quickstart.draw(pixels)
    assert lines == ["@@" + 14 * " ", "  ==" + 12 * " ", *5 * [16 * " "], 14 * " " + ".."]


def test_lecture():
    process = run(EXAMPLES / "lecture.py")
    assert process.stderr == ""
    assert process.returncode == 0
    printed = process.stdout

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


def test_the_lecture_prints_the_same_without_matplotlib():
    process = run_without_matplotlib(EXAMPLES / "lecture.py")
    assert process.stderr == ""
    assert process.returncode == 0
    numbers, _, hint = process.stdout.rpartition("\n\n")
    assert numbers == run(EXAMPLES / "lecture.py").stdout.rstrip("\n")
    assert 'pip install "skbp[plot]"' in hint


def test_decision_boundary_makes_the_picture_of_the_readme(tmp_path):
    picture = ROOT / "docs" / "images" / "digits.png"
    again = tmp_path / picture.name
    process = run(EXAMPLES / "decision_boundary.py", again)
    assert process.stderr == ""
    assert process.returncode == 0
    table = [line.split() for line in process.stdout.splitlines()[1:]]
    _, training, test, _ = np.array(table, dtype=float).T
    assert training[0] > training[1] > training[2], "as the paragraph of the example says"
    assert test[1] == max(test), "as the paragraph of the example says"

    with Image.open(picture) as before, Image.open(again) as now:
        # Matplotlib's versions round the height differently
        assert np.abs(np.subtract(before.size, now.size)).max() <= 1
        assert before.mode == now.mode == "P", "256 colours"
    assert picture.stat().st_size < 100_000
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "(docs/images/digits.png)" in readme
    assert "(examples/decision_boundary.py)" in readme


def test_no_example_is_left_out_of_the_gallery(monkeypatch):
    paths = sorted(EXAMPLES.glob("*.py"))
    assert {path.stem for path in paths} == IN_THE_GALLERY
    monkeypatch.setattr(sys, "path", [*sys.path])  # conf.py adds to it
    conf = runpy.run_path(str(ROOT / "docs" / "conf.py"))["sphinx_gallery_conf"]
    assert (ROOT / "docs" / conf["examples_dirs"]).resolve() == EXAMPLES
    assert all(re.search(conf["filename_pattern"], str(path)) for path in paths)
    assert not any(re.search(conf.get("ignore_pattern", "$^"), str(path)) for path in paths)
    assert (EXAMPLES / "GALLERY_HEADER.rst").is_file()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_has_a_title_a_paragraph_and_a_picture(path):
    source = path.read_text("utf-8")
    title, underline, blank, *paragraph = ast.get_docstring(ast.parse(source)).splitlines()
    assert underline == "=" * len(title)
    assert blank == ""
    assert "" not in paragraph, "one paragraph"
    assert len(" ".join(paragraph).split()) > 30, "it says what to see"
    assert "\n# %%\n" in source
    assert re.search(r"\bplt\.(subplots|figure|subplot_mosaic)\(", source)
    assert re.search(r"^ *plt\.show\(\)$", source, re.MULTILINE)
