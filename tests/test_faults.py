"""The benchmark of faults in a reduced form: `python -m benchmarks.faults` tries more of each, and kills."""

import pytest

from benchmarks import faults
from benchmarks.faults import runs
from keras_ssl import callbacks


def test_a_bit_that_flips_in_a_checkpoint_is_never_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks.Resume, "__init__", callbacks.Resume.__init__)  # `train` sets another one
    monkeypatch.setattr(runs, "EPOCHS", 1)
    whole = runs.train(tmp_path)
    assert isinstance(whole, list)
    assert runs.left_over(tmp_path) == 0
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    found = [
        runs.flipped(tmp_path / "checkpoints", name, 3)
        for name in ("state.index", "state.data-00000-of-00001", "run.json", "sums.json")
    ]
    assert [row["refused"] for row in found] == [3, 3, 3, 3]
    assert {row["wrong"] for row in found} == {0}
    text = faults.section({"rows": {"runs": found}, "machine": "here"})
    assert text.splitlines()[0] == "| tried | count | refused | survived | wrong | left over |"
    assert "Wrong are 0 of 12, and 0 files were left over" in text


def test_a_row_counts_as_wrong_what_was_neither_refused_nor_survived():
    assert runs.row("a", 5, 1, 2, 3) == {
        "tried": "a", "count": 5, "refused": 1, "survived": 2, "wrong": 2, "left over": 3
    }  # fmt: skip
    with pytest.raises(ValueError, match="longer"):
        runs.same([1], [1, 2])
