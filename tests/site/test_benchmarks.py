"""The pictures of the benchmarks are small, and that of the speed shows the ratios of run.py."""

import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"


@pytest.fixture
def benchmarks(monkeypatch):
    """Let the scripts import each other, and be imported."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    before = {*sys.modules}
    yield
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["accuracy", "accuracy_error", "speed"])
def test_a_picture_is_small(name):
    picture = IMAGES / f"{name}.png"
    with Image.open(picture) as image:
        assert image.mode == "P", "256 colours"
    assert picture.stat().st_size < 100_000


def test_the_benchmarks_open_with_their_picture():
    opening = (ROOT / "benchmarks" / "README.md").read_text("utf-8").split("\n", 2)[2]
    assert opening.startswith("![")
    assert opening.split("]", 1)[1].startswith("(../docs/images/accuracy.png)\n")


@pytest.mark.usefixtures("benchmarks")
def test_each_bar_is_a_ratio_of_medians():
    from contenders import MLP, MLP_1, OURS, OURS_1
    from report import Result
    from sizes import FULL
    from speed_plot import BARS, draw
    from works import works

    by_title = {work.title: work for work in works(FULL)}
    memory = by_title[f"{[*BARS][-1]} float64"]
    values = {OURS: [1, 2, 2], MLP: [14, 15, 16], OURS_1: [4, 4, 4], MLP_1: [12, 12, 12]}
    records = []
    for name in BARS:
        work = by_title[f"{name} float64"]
        has = {c: v for c, v in values.items() if not c.one_thread or work is not memory}
        records.append(Result(work, has).record())
    ax = Figure().subplots()
    draw(ax, records)
    assert [bar.get_width() for bar in ax.patches] == [7.5] * 4 + [3] * 3
    assert [text.get_text() for text in ax.texts] == ["7.5×"] * 4 + ["3×"] * 3
