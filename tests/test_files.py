"""Files are there whole or not at all, and a folder that cannot be written in is told before the work."""

import errno
import fcntl
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import sys

import pytest

from keras_ssl.errors import UserError
from keras_ssl.files import Lock, checksums, damage, staged, told, whole_file, writable_folder, write_json


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_whole_file_appears_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "a" / "b" / "notes.txt"  # missing folders are made
    with whole_file(path) as beside:
        assert beside.name == path.name
        assert beside.is_relative_to(path.parent)  # a rename is atomic only within a file system
        beside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a", "b", "notes.txt"]


def test_a_whole_file_replaces_an_old_one_only_at_the_end(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("old")
    with whole_file(str(path)) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("old", ["old", None])
def test_a_failing_block_leaves_nothing_and_keeps_the_old_file(tmp_path, error, written, old):
    path = tmp_path / "notes.txt"
    if old:
        path.write_text(old)

    def write_and_fail():
        with whole_file(path) as beside:
            if written:
                beside.write_text("half")
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert names(tmp_path) == (["notes.txt"] if old else [])
    assert not old or path.read_text() == old


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "notes.txt"):
        pass
    assert names(tmp_path) == []


def test_two_blocks_at_once_do_not_share_a_file(tmp_path):
    path = tmp_path / "notes.txt"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last
    assert names(tmp_path) == ["notes.txt"]


def test_a_killed_process_keeps_the_old_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("old")
    if (child := os.fork()) == 0:  # a copy of this process, which need not import anything
        with whole_file(path) as beside:
            beside.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(names(tmp_path)) > 1  # nobody was there to remove it
    with whole_file(path) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["notes.txt"]


def test_json_is_written_whole(tmp_path):
    path = tmp_path / "runs" / "run.json"
    write_json(path, {"method": "naïve", "scores": [0.5, None]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"method": "naïve", "scores": [0.5, None]}
    assert path.read_bytes().endswith(b"}\n")
    with pytest.raises(TypeError, match="JSON"):
        write_json(path, {"method": object()})
    assert json.loads(path.read_text(encoding="utf-8"))["method"] == "naïve"
    assert names(tmp_path) == ["run.json", "runs"]


def test_a_writable_folder_may_be_missing_and_is_left_as_it_was(tmp_path, monkeypatch):
    assert writable_folder(tmp_path) == tmp_path
    assert writable_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    monkeypatch.chdir(tmp_path)
    assert writable_folder("c") == pathlib.Path("c")
    assert names(tmp_path) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("old")
    for path in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "runs"):
        with pytest.raises(UserError, match="a folder that can be written in") as caught:
            writable_folder(path, do="choose another `--out`")
        assert caught.value.received == f"{path} (Not a directory)"
        assert caught.value.do == "choose another `--out`"
    with pytest.raises(UserError, match="Not a directory"), whole_file(tmp_path / "notes.txt" / "a.txt"):
        pass
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write in any folder")
def test_a_folder_without_permission(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    for path in (locked, locked / "runs"):
        with pytest.raises(UserError, match="Permission denied"):
            writable_folder(path)
    with pytest.raises(UserError, match="Permission denied"), whole_file(locked / "notes.txt") as beside:
        beside.write_text("new")
    assert names(locked) == []


# ---- what a disk refuses ---------------------------------------------------------------------------------------------


def raised_from(error):
    other = RuntimeError("replace the layer that it names")
    other.__cause__ = error
    return other


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
OTHERS = RuntimeError("/out/state_temp/part-00000: No space left on device [Op:SaveV2]")  # as TensorFlow's


@pytest.mark.parametrize("error", [FULL, OTHERS, raised_from(FULL), raised_from(raised_from(OTHERS))])
def test_a_full_disk_is_told_in_one_sentence_whoever_writes(tmp_path, error):
    def write():
        with staged(tmp_path, "then go on") as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(UserError) as caught:
        write()
    expected = f"Expected room on the disk of {tmp_path}. Received No space left on device. Do: free some, then go on."
    assert str(caught.value) == expected
    assert names(tmp_path) == []


def test_a_read_only_disk_is_told_and_other_errors_pass():
    with (
        pytest.raises(UserError, match=r"written in. Received out \(Read-only file system\). Do: make it writable, or"),
        told("out"),
    ):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    for error in (KeyError("a"), FileNotFoundError(errno.ENOENT, "none"), UserError("a", "b", "c")):
        with pytest.raises(type(error)) as caught, told("out"):
            raise error
        assert caught.value is error


def test_a_file_that_is_really_too_large_is_told_and_not_kept(tmp_path):
    if (child := os.fork()) == 0:  # the limit is of a process
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with whole_file(tmp_path / "large") as beside:
                beside.write_bytes(bytes(5000))
        except UserError as error:
            os._exit(7 if "room on the disk" in str(error) else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert names(tmp_path) == []


# ---- locks and sums --------------------------------------------------------------------------------------------------


def test_a_lock_names_the_process_that_holds_it_and_ends_with_it(tmp_path):
    folder = tmp_path / "run"
    ready, tell = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with Lock(folder), staged(folder):
                os.write(tell, b"1")
                signal.pause()
        finally:
            os._exit(1)
    os.read(ready, 1)
    with pytest.raises(UserError) as caught, Lock(folder):
        pass
    command = shlex.join(sys.orig_argv)[:50]
    assert re.search(
        rf"Received process {child}, which writes there since 20\d\d-.*: {re.escape(command)}", str(caught.value)
    )
    with staged(folder):
        assert len(list(folder.glob(".staging-*"))) == 2  # what a living process writes is not removed
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with Lock(folder) as lock, lock:
        assert (folder / ".lock").is_file()
        with pytest.raises(UserError, match=f"process {os.getpid()}"), Lock(folder):
            pass
    with staged(folder):
        assert len(list(folder.glob(".staging-*"))) == 1
    assert names(folder) == []


def test_a_lock_leaves_no_empty_folder(tmp_path):
    with Lock(tmp_path / "a" / "b"):
        pass
    assert names(tmp_path) == []


def test_where_there_are_no_locks_nothing_is_locked_and_nothing_removed(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Lock(tmp_path), Lock(tmp_path), staged(tmp_path), staged(tmp_path):
        assert len(list(tmp_path.glob(".staging-*"))) == 2
    assert [name for name in names(tmp_path) if name != ".lock"] == []


def test_damage_is_any_change(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/b", "c"):
        (tmp_path / name).write_text(name)
    sums = checksums(tmp_path, without=("c",))
    assert list(sums) == ["a/b"]
    assert damage(tmp_path, sums, without=("c",)) is None
    assert damage(tmp_path, sums) == "c does not belong to it"
    (tmp_path / "a" / "b").write_text("a/c")
    assert damage(tmp_path, sums, without=("c",)) == "a/b is not as it was written"
    (tmp_path / "a" / "b").unlink()
    assert damage(tmp_path, sums, without=("c",)) == "a/b is missing"
