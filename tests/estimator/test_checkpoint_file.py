"""skbp.estimator.checkpoint_file: whole files, their modes and checksums, and what is left."""

import os
import pickle
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from skbp.estimator import checkpoint_file
from skbp.estimator.checkpoint_file import check_place, read, write

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.checkpoint"


class Foreign:
    """Something that the program that loads it does not have."""


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def leftover(folder, process):
    file = folder / f".skbp-checkpoint-{checkpoint_file._HOST}-{process}-{'0' * 16}.tmp"
    file.write_text("half")
    return file


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


# -------------------------------------------------------------------------------------- writing


def test_what_was_written_is_read(path):
    for content in ([1, 2], {"a": 3}):
        write(path, content)
        assert read(path) == content
    assert list(path.parent.iterdir()) == [path]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o400])
def test_an_old_file_keeps_its_mode(path, mode):
    write(path, 1)
    path.chmod(mode)
    write(path, 2)
    assert mode_of(path) == mode
    assert read(path) == 2


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_open_would_give(path, umask):
    before = os.umask(umask)
    try:
        write(path, 1)
    finally:
        os.umask(before)
    assert mode_of(path) == 0o666 & ~umask


@posix
def test_the_file_is_never_readable_by_more_than_the_old_one(path, monkeypatch):
    write(path, 1)
    path.chmod(0o600)
    modes, fsync = [], os.fsync

    def record(descriptor):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write(path, 2)
    assert modes[0] == 0o600


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_replaced(path, exists):
    folder = path.parent / "elsewhere"
    folder.mkdir()
    target = folder / "target"
    if exists:
        write(target, 1)
    path.symlink_to(target)
    check_place(path)
    write(path, 2)
    assert path.is_symlink()
    assert read(target) == read(path) == 2
    assert list(folder.iterdir()) == [target]


@posix
def test_files_and_links_of_others_are_left_alone(path):
    stranger, secret = path.with_name("model.checkpoint.tmp"), path.with_name("secret")
    secret.write_text("mine")
    stranger.symlink_to(secret)
    check_place(path)
    write(path, 1)
    assert stranger.is_symlink()
    assert secret.read_text() == "mine"


def test_several_writers_do_not_disturb_each_other(path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(path, [number] * 1000), range(200)))
    assert len(set(read(path))) == 1
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file(path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    write(path, 1)
    monkeypatch.setattr(os, "chmod", fail)
    with pytest.raises(OSError, match="disk full"):
        write(path, 2)
    assert read(path) == 1
    assert list(path.parent.iterdir()) == [path]


# -------------------------------------------------------------------------------------- reading


def test_a_file_that_was_cut_off_is_damaged(path):
    write(path, list(range(100)))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"is damaged|is not a checkpoint"):
            read(path)


def test_every_bit_that_flips_is_noticed(path):
    write(path, list(range(20)))
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(ValueError, match=r"path='.*model\.checkpoint'"):
                read(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"text", pickle.dumps([1]), b"\x00" * 1000])
def test_other_files_are_not_checkpoints(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        read(path)


def test_another_version_is_named(path):
    write(path, 1)
    path.write_bytes(path.read_bytes().replace(b"checkpoint 1 ", b"checkpoint 23 "))
    with pytest.raises(ValueError, match=r"has version 23 .* reads version 1"):
        read(path)


def test_contents_that_the_program_does_not_know(path, monkeypatch):
    write(path, Foreign())
    monkeypatch.delitem(globals(), "Foreign")
    with pytest.raises(ValueError, match=r"cannot be loaded by this program: .*Foreign"):
        read(path)


def test_no_file_is_no_damaged_file(path):
    with pytest.raises(FileNotFoundError):
        read(path)


# ------------------------------------------------------------------------------ before the fit


def test_the_check_leaves_nothing(path):
    check_place(path)
    assert list(path.parent.iterdir()) == []
    write(path, 1)
    check_place(path)
    assert read(path) == 1
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder(path):
    with pytest.raises(FileNotFoundError, match="There is no folder for path="):
        check_place(path / "no" / "folder")


def test_a_folder_is_no_file(path):
    path.mkdir()
    with pytest.raises(ValueError, match="is not a file"):
        check_place(path)


@posix
def test_a_pipe_is_no_file(path):
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is not a file"):
        check_place(path)


def test_a_folder_that_cannot_be_written(path, monkeypatch):
    def fail(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(PermissionError, match=r"path='.*model\.checkpoint'.*Permission denied"):
        check_place(path)


@posix
def test_only_what_dead_processes_left_is_removed(path):
    left = leftover(path.parent, dead_process())
    kept = [leftover(path.parent, os.getpid())]
    for name in (left.name.replace(checkpoint_file._HOST, "0" * 8), left.name + "x", "a.tmp"):
        kept.append(path.with_name(name))
        kept[-1].write_text("other")
    check_place(path)
    assert sorted(path.parent.iterdir()) == sorted(kept)
