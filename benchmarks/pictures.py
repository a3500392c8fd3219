"""Writes the figures of the benchmarks as small files."""

from io import BytesIO

from PIL import Image


def save(figure, path):
    """Write a figure as a PNG of 256 colours, which is a third of the size."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=150)
    picture = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
