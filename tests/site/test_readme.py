"""The README opens with code and a picture, is short, and its picture of δ is what its code draws.

    python tests/site/test_readme.py

draws that picture anew.
"""

import re
from doctest import DocTestParser
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "delta.png"


def test_the_first_screen_has_code_and_a_picture():
    opening = "\n".join(README.read_text("utf-8").splitlines()[:25])
    assert ">>> from skbp import BackpropClassifierCV" in opening
    assert "(docs/images/accuracy.png)" in opening


def test_the_readme_is_short():
    assert len(README.read_text("utf-8").splitlines()) < 150


def test_the_picture_of_the_errors_is_what_the_code_above_it_draws():
    above, _, _ = README.read_text("utf-8").partition("(docs/images/delta.png)")
    assert above.rstrip().rpartition("```")[0].rstrip().splitlines()[-1].startswith(">>> display")
    with Image.open(PICTURE) as picture:
        assert picture.mode == "P", "256 colours"
        expected = np.asarray(picture.convert("L"), dtype=float)
    drawn = np.asarray(draw().convert("L"), dtype=float)
    assert drawn.shape == expected.shape
    assert abs(drawn - expected).mean() < 4, "To draw it anew: python tests/site/test_readme.py"
    assert PICTURE.stat().st_size < 100_000


def draw():
    """Run the README's code that draws the errors, and return the picture."""
    examples = DocTestParser().get_examples(README.read_text("utf-8"))
    sources = "".join(example.source for example in examples)
    [code] = re.findall(r"^from skbp.plot import (?s:.*?)^display.*\n", sources, re.MULTILINE)
    names = {}
    exec("from skbp import BackpropClassifier\n" + code, names)
    buffer = BytesIO()
    names["display"].figure_.savefig(buffer, dpi=120)
    return Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    draw().save(PICTURE, optimize=True)
