"""Versions of skbp and of the packages it uses, and the engine that computes."""

import platform
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

from skbp.engine.compiled import kernels


def show_versions() -> None:
    """Print what a report of a problem should tell.

    That is the versions of Python, skbp and what it needs; the system; whether the
    compiled kernels compute, and with which of the processor's instructions, or NumPy;
    and the threads of each library.

    Examples
    --------
    >>> import skbp
    >>> skbp.show_versions()
    skbp: ...
    """
    packages = ("skbp", "numpy", "scipy", "scikit-learn", "threadpoolctl", "joblib")
    for package in packages:
        print(f"{package}: {version(package)}")
    print(f"Python: {platform.python_version()}")
    print(f"system: {platform.system()} {platform.machine()}")
    print(f"computed by: {_path()}")
    for library in threadpool_info():
        name = f"{library['internal_api']} {library['version'] or ''}".strip()
        print(f"threads of {Path(library['filepath']).name}: {library['num_threads']} ({name})")


def _path() -> str:
    if kernels is None:
        return "NumPy (no compiled kernels)"
    return f"compiled kernels ({kernels.in_use()})"
