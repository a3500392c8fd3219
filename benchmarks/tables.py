"""Tables in Markdown, versions and standard errors, for the benchmarks on real data."""

import platform
from importlib.metadata import version
from importlib.util import find_spec
from math import sqrt

import skbp

TEST_FRACTION = 0.3


def print_table(title, header, rows):
    """Print a table in Markdown."""
    print(f"\n### {title}\n")
    for row in [header, ["---"] * len(header), *rows]:
        print("| " + " | ".join(map(str, row)) + " |")


def print_versions(*optional):
    """Print the versions, also of optional packages that are installed."""
    packages = ["scikit-learn", "numpy", "scipy", "river", "scikit-lego", "pandas"]
    packages += filter(find_spec, optional)
    versions = [f"{package} {version(package)}" for package in packages]
    python = f"Python {platform.python_version()}"
    print(", ".join([f"skbp {skbp.__version__}", python, *versions]))


def standard_error(values):
    """Return the standard error of the mean over random splits, which overlap.

    This is the corrected standard error of Nadeau and Bengio, "Inference for the Generalization
    Error", Machine Learning 52, 2003; the usual one would be too small.
    """
    return sqrt((1 / len(values) + TEST_FRACTION / (1 - TEST_FRACTION)) * values.var(ddof=1))
