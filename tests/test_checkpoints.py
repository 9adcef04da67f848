"""Checkpoints in a folder: a process killed in a save, bits that flip, and two runs that save into one folder."""

import errno
import os
import pathlib
import random
import shutil
import signal
import time

import pytest

from keras_ssl.callbacks.checkpoints import Checkpoints, checkpoint_numbers
from keras_ssl.errors import UserError
from keras_ssl.files import sweep


class State:
    """In place of a `tf.train.Checkpoint`: a number, in two files."""

    value = 0

    def write(self, path):
        for ending in ("index", "data"):
            pathlib.Path(f"{path}.{ending}").write_text(f"{self.value:2000d}")

    def read(self, path):
        self.value = int(pathlib.Path(f"{path}.data").read_text())
        return self

    def assert_consumed(self):
        return self


def saved(folder, *values):
    checkpoints = Checkpoints(folder, State())
    for value in values:
        checkpoints.state.value = value
        checkpoints.save({"value": value}, "go on")
    return checkpoints


def loaded(folder):
    checkpoints = Checkpoints(folder, State())
    checkpoints.find()
    checkpoints.load()
    assert checkpoints.facts() == ({} if checkpoints.known is None else {"value": checkpoints.state.value})
    return checkpoints.state.value


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)


def test_the_newest_two_are_kept_and_the_newest_is_loaded(tmp_path):
    assert loaded(tmp_path / "none") == 0
    saved(tmp_path, 5, 6, 7)
    assert names(tmp_path) == ["ckpt-2", "ckpt-3"]
    assert names(tmp_path / "ckpt-3") == ["run.json", "state.data", "state.index", "sums.json"]
    assert loaded(tmp_path) == 7


def test_of_a_flipped_bit_there_is_a_warning_and_the_older_one_or_the_same(tmp_path):
    saved(tmp_path, 6, 7)
    draw = random.Random(0)
    for path in sorted((tmp_path / "ckpt-2").iterdir()):
        whole = path.read_bytes()
        for _ in range(20):
            flip(path, draw.randrange(8 * len(whole)))
            try:
                with pytest.warns(UserWarning, match=r"Damaged in .*: ckpt-2 \(.*\). Training goes on from ckpt-1"):
                    assert loaded(tmp_path) == 6, path
            finally:
                path.write_bytes(whole)
    assert loaded(tmp_path) == 7


def test_after_a_damaged_one_the_next_save_keeps_the_one_that_was_loaded(tmp_path):
    saved(tmp_path, 5, 6)
    (tmp_path / "ckpt-2" / "state.data").unlink()
    checkpoints = Checkpoints(tmp_path, State())
    with pytest.warns(UserWarning, match=r"ckpt-2 \(state.data is missing\)"):
        assert checkpoints.find() == 1
    checkpoints.save({"value": 0}, "go on")
    assert names(tmp_path) == ["ckpt-1", "ckpt-3"]


def test_if_all_are_damaged_nothing_is_loaded(tmp_path):
    saved(tmp_path, 5, 6)
    flip(tmp_path / "ckpt-1" / "state.data", 3)
    shutil.rmtree(tmp_path / "ckpt-2")
    (tmp_path / "ckpt-2").mkdir()
    with pytest.raises(UserError, match=r"ckpt-2 \(sums.json is missing\), ckpt-1 \(state.data is not as it was"):
        loaded(tmp_path)


def test_of_two_runs_that_save_into_one_folder_the_second_is_told(tmp_path):
    one, other = saved(tmp_path, 5), saved(tmp_path)
    one.save({"value": 5}, "go on")
    with pytest.raises(UserError, match=r"of one run in .* Received ckpt-2, which another run has saved"):
        other.save({"value": 6}, "go on")
    assert names(tmp_path) == ["ckpt-1", "ckpt-2"]


def test_a_full_disk_keeps_the_older_ones_and_says_how_to_go_on(tmp_path, monkeypatch):
    checkpoints = saved(tmp_path, 5)

    def half(path):
        pathlib.Path(f"{path}.index").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints.state, "write", half, raising=False)
    with pytest.raises(
        UserError, match=r"room on the disk of .*No space left on device. Do: free some, then go on: now."
    ):
        checkpoints.save({"value": 6}, "then go on: now")
    assert names(tmp_path) == ["ckpt-1"]
    assert loaded(tmp_path) == 5


def test_a_process_killed_in_a_save_leaves_a_whole_one_and_nothing_else(tmp_path):
    saved(tmp_path, 1)
    draw, last = random.Random(0), 1
    for _ in range(12):
        if (child := os.fork()) == 0:
            try:
                checkpoints = Checkpoints(tmp_path, State())
                checkpoints.find()
                checkpoints.load()
                while True:
                    checkpoints.state.value += 1
                    checkpoints.save({"value": checkpoints.state.value}, "go on")
            finally:
                os._exit(1)
        time.sleep(0.005 + draw.random() / 50)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        sweep(tmp_path)
        found, last = last, loaded(tmp_path)
        assert last >= found
        assert {f"ckpt-{number}" for number in checkpoint_numbers(tmp_path)} == set(names(tmp_path))
    assert last > 1  # some were saved before the kills, on a busy machine too
