"""docs/contributing: who follows a page to the letter has added what it promises.

A page changes files in two ways. In its ```diff block, a hunk begins with ``@@ path @@``, and its
lines are those of a unified diff; and there are lines such as "- In `path`, `this` becomes `that`".
The test does what all pages say to a copy of the package, and runs there what they say to run.
"""

import json
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

ROOT = Path(__file__).parents[2]

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


PAGES = [
    Page("activation.md", {"activation": "arctan"}),
    Page("loss.md", {"loss": "spherical"}),
    Page("solver.md", {"solver": "adagrad"}),
]
over_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

# python -m pytest, and then a fit with each new value in the same process
TEST_AND_FIT = """
import json, sys, warnings
import pytest

class Passed:
    names = []
    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.names.append(report.nodeid)

if pytest.main(sys.argv[1:], plugins=[Passed()]):
    sys.exit("The tests failed.")
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
import skbp
X, y = load_iris(return_X_y=True)
warnings.simplefilter("error")
scores = [
    skbp.BackpropClassifier((10,), max_iter=9000, random_state=0, **parameter)
    .fit(scale(X), y)
    .score(scale(X), y)
    for parameter in {parameters}
]
print(json.dumps([skbp.__file__, Passed.names, scores]))
"""


@pytest.fixture
def copy(tmp_path):
    """Return a folder with a copy of the package and its tests, without the extension."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "figures")
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
def test_what_a_page_adds_is_not_there_yet(page):
    (name,) = page.parameter
    with pytest.raises(ValueError, match=f"The '{name}' parameter of BackpropClassifier must be"):
        BackpropClassifier(**page.parameter).fit([[0.0], [1.0]], [0, 1])


def test_what_the_pages_add_passes_the_tests_that_they_name_and_learns(copy):
    # all in one copy and one process, which is much faster than one for each page
    paths, names = set(), []
    for page in PAGES:
        follow(page, copy)
        (arguments,) = COMMAND.findall(page.text)
        *named, option, name = shlex.split(arguments)
        assert option == "-k"
        paths.update(named)
        names.append(name)
    assert [[name] for name in names] == [list(page.parameter.values()) for page in PAGES]

    script = TEST_AND_FIT.replace("{parameters}", repr([page.parameter for page in PAGES]))
    done = run(copy, "-c", script, *sorted(paths), "-q", "-k", " or ".join(names))
    assert done.returncode == 0, done.stdout + done.stderr
    file, passed, scores = json.loads(done.stdout.splitlines()[-1])
    assert Path(file).is_relative_to(copy)
    for name in names:
        assert sum(name in test for test in passed) > 20, name
    assert min(scores) > 0.95
