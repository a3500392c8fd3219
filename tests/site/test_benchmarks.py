"""The page on the benchmarks opens with their picture, which is small."""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]


def test_the_benchmarks_open_with_a_small_picture():
    picture = ROOT / "docs" / "images" / "accuracy.png"
    with Image.open(picture) as image:
        assert image.mode == "P", "256 colours"
    assert picture.stat().st_size < 100_000
    opening = (ROOT / "benchmarks" / "README.md").read_text("utf-8").split("\n", 2)[2]
    assert opening.startswith("![")
    assert opening.split("]", 1)[1].startswith("(../docs/images/accuracy.png)\n")
