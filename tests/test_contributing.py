"""docs/contributing: who follows a page to the letter has added what it promises.

A page changes files in two ways. In its ```diff block, a hunk begins with ``@@ path @@``, and its
lines are those of a unified diff; and there are lines such as "- In `path`, `this` becomes `that`".
The tests do that to a copy of the package, and run there what the page says to run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from skbp import BackpropClassifier

ROOT = Path(__file__).parents[1]

DIFF = re.compile(r"^```diff\n(.*?)^```", re.DOTALL | re.MULTILINE)
HUNK = re.compile(r"^@@ (\S+) @@\n((?:[ +-].*\n)+)", re.MULTILINE)
REPLACEMENT = re.compile(r"^- In `([^`]+)`, `([^`]+)` becomes `([^`]+)`", re.MULTILINE)
COMMAND = re.compile(r"python -m pytest ([^`\n]+)")


@dataclass(frozen=True)
class Page:
    """A page, and the parameter of `BackpropClassifier` to which it adds a value."""

    name: str
    parameter: dict[str, str]

    @property
    def text(self):
        return (ROOT / "docs" / "contributing" / self.name).read_text("utf-8")

    def changes(self):
        """Yield a path, what is to be replaced in the file, and what by."""
        for diff in DIFF.findall(self.text):
            assert HUNK.sub("", diff) == ""
            for path, hunk in HUNK.findall(diff):
                lines = hunk.splitlines(keepends=True)
                yield path, *("".join(line[1:] for line in lines if line[0] != s) for s in "+-")
        yield from REPLACEMENT.findall(self.text)


over_pages = pytest.mark.parametrize(
    "page",
    [
        Page("activation.md", {"activation": "arctan"}),
        Page("loss.md", {"loss": "spherical"}),
        Page("solver.md", {"solver": "adagrad"}),
    ],
    ids=lambda page: page.name,
)

# python -m pytest, and then a fit in the same process
TEST_AND_FIT = """
import sys, warnings
import pytest
if pytest.main(sys.argv[1:]):
    sys.exit("The tests failed.")
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
import skbp
X, y = load_iris(return_X_y=True)
warnings.simplefilter("error")
model = skbp.BackpropClassifier((10,), random_state=0, **{parameter}).fit(scale(X), y)
print(skbp.__file__, model.score(scale(X), y))
"""


@pytest.fixture
def copy(tmp_path):
    """Return a folder with a copy of the package and its tests, without the extension."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    for folder in ("skbp", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def follow(page, copy):
    for path, old, new in page.changes():
        text = (copy / path).read_text("utf-8")
        assert text.count(old) == 1, f"{page.name} finds this not once in {path}:\n{old}"
        (copy / path).write_text(text.replace(old, new), "utf-8")


def run(copy, *arguments):
    """Run Python in the copy, whose package it imports."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "SKBP_NO_COMPILED": "1"}
    environment.pop("PYTEST_ADDOPTS", None)  # which may ask for coverage
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@over_pages
def test_a_page_is_under_40_lines(page):
    assert len(page.text.splitlines()) < 40


@over_pages
def test_what_a_page_adds_is_not_there_yet(page):
    (name,) = page.parameter
    with pytest.raises(ValueError, match=f"The '{name}' parameter of BackpropClassifier must be"):
        BackpropClassifier(**page.parameter).fit([[0.0], [1.0]], [0, 1])


@over_pages
def test_what_a_page_adds_passes_the_tests_that_it_names_and_learns(page, copy):
    follow(page, copy)
    (arguments,) = COMMAND.findall(page.text)
    script = TEST_AND_FIT.format(parameter=page.parameter)
    done = run(copy, "-c", script, *shlex.split(arguments), "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 20
    file, score = done.stdout.rsplit("\n", 2)[1].rsplit(maxsplit=1)
    assert Path(file).is_relative_to(copy)
    assert float(score) > 0.95
