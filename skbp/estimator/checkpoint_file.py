"""The file of a checkpoint: written as a whole, and checked when it is read.

A line comes first, with the version of the format and a checksum of the rest, which is a
pickle. A new file is written beside the old one and then renamed, so that at any moment there
is the whole old or the whole new one.
"""

import hashlib
import os
import pickle
import platform
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

_VERSION = 1
_HEADER = re.compile(rb"skbp checkpoint (\d+) ([0-9a-f]{64})\n")
_LONGEST_HEADER = 100

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_TEMPORARY = re.compile(rf"\.skbp-checkpoint-{_HOST}-(\d+)-[0-9a-f]{{16}}\.tmp")


def write(path: Path, model: Any) -> None:
    """Write a model to a file; whenever the process ends, there is an old or a new one.

    An old file keeps its mode, and where ``path`` is a symbolic link, its target is replaced.

    Parameters
    ----------
    path : Path
        The file.
    model : object
        The model.
    """
    content = pickle.dumps(model)
    header = f"skbp checkpoint {_VERSION} {hashlib.sha256(content).hexdigest()}\n"
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    descriptor, temporary = _create_beside(target, 0o666 if mode is None else 0o600)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.chmod(temporary, mode)
            file.write(header.encode() + content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_directory(target.parent)


def read(path: Path) -> Any:
    """Read a model from a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object
        The model.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, is damaged, or needs another program.
    """
    whole, name = path.read_bytes(), f"path={str(path)!r}"
    header = _HEADER.match(whole[:_LONGEST_HEADER])
    if header is None:
        raise ValueError(f"{name} is not a checkpoint of an unfinished fit.")
    if int(header[1]) != _VERSION:
        raise ValueError(
            f"{name} has version {int(header[1])} of the format of checkpoints. This version of "
            f"skbp reads version {_VERSION}."
        )
    content = whole[header.end() :]
    if hashlib.sha256(content).hexdigest().encode() != header[2]:
        raise ValueError(f"{name} is damaged: its contents do not have its checksum.")
    try:
        return pickle.loads(content)
    except Exception as error:
        raise ValueError(f"{name} cannot be loaded by this program: {error}") from error


def check_place(path: Path) -> None:
    """Raise an error if a file cannot be written, and remove what killed processes left.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    ValueError
        If there is something else than a file in its place.
    OSError
        If no file can be created in its folder.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder for path={str(path)!r}.")
    if target.exists() and not target.is_file():
        raise ValueError(f"path={str(path)!r} is not a file.")
    _remove_leftovers(target.parent)
    try:
        descriptor, temporary = _create_beside(target, 0o600)
    except OSError as error:
        text = f"No file can be written in the folder of path={str(path)!r}: {error.strerror}"
        raise type(error)(error.errno, text) from error
    os.close(descriptor)
    temporary.unlink()


def _mode_of(target: Path) -> int | None:
    """Return the mode of a file, or None if there is none."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None


def _create_beside(target: Path, mode: int) -> tuple[int, Path]:
    """Create a file that nobody else has."""
    name = f".skbp-checkpoint-{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
    temporary = target.with_name(name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(temporary, flags, mode), temporary


def _remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of processes of this machine that were killed."""
    for file in folder.iterdir():
        name = _TEMPORARY.fullmatch(file.name)
        if name and not _is_alive(int(name[1])):
            with suppress(OSError):
                file.unlink()


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # there, signal 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _flush_directory(directory: Path) -> None:
    """Make a rename last through a power failure, where directories can be opened."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
