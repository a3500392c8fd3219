"""The examples run, without a warning, and print what they are there to show."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*arguments):
    """Run Python in a new process where warnings are errors and text is UTF-8."""
    return subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=300,
    )


@pytest.fixture
def quickstart():
    """Import examples/quickstart.py, which is in no package; it is to run in this process."""
    spec = importlib.util.spec_from_file_location("quickstart", EXAMPLES / "quickstart.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.N_JOBS = 1
    return module


def test_quickstart_tunes_and_compares(quickstart, monkeypatch, capsys):
    # a smaller grid; CI runs the whole example
    ours, theirs, regression = (model for model, _ in quickstart.CANDIDATES)
    sizes = {"hidden_layer_sizes": [(10,), (25,)]}
    small = [
        (ours, {"alpha": [0.1, 1], **sizes}),
        (theirs, {"alpha": [1], "hidden_layer_sizes": [(10,)]}),
        (regression, {"C": [0.1, 1]}),
    ]
    monkeypatch.setattr(quickstart, "CANDIDATES", small)
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


def test_plot_readme_says_what_it_needs():
    code = (
        "import runpy, sys; sys.modules['matplotlib'] = None; "
        f"runpy.run_path({str(EXAMPLES / 'plot_readme.py')!r}, run_name='__main__')"
    )
    process = run("-c", code)
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr == (
        'This example needs matplotlib. Install it with: pip install "skbp[docs]"\n'
    )
