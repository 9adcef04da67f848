"""Two processes under MultiWorkerMirroredStrategy: they train as one, die together, and resume.

Starting them takes most of the time, so one pair is checked and then killed, and one resumes.
"""

import json
import pathlib
import sys
import time
import types

import keras
import numpy as np
import pytest
import worker_process
from typer.testing import CliRunner

from keras_ssl import cli, distribute, recipes
from keras_ssl.errors import UserError

HERE = pathlib.Path(__file__).parent


def pretrain(strategy, out):
    return ["pretrain", "--dataset", "digits", "--epochs", "2", "--strategy", strategy, "--out", str(out)]


def launch(*words):
    distribute.launch([sys.executable, str(HERE / "worker_process.py"), *map(str, words)])


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a pretraining that was killed in its second epoch, the error, and what was checked before."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.raises(UserError) as error:
        launch("--check", folder / "found.json", *pretrain("multiworker", folder / "two"))
    newest = max(path.stat().st_mtime for path in (folder / "two").rglob("*"))  # the first epoch's checkpoint
    found = json.loads((folder / "found.json").read_text())
    return types.SimpleNamespace(folder=folder, error=str(error.value), after=time.time() - newest, found=found)


@pytest.mark.parametrize("name", ["MoCo", "VICReg"])
def test_two_processes_train_as_one(killed, name):
    """With gathering, a target network, a queue and batch normalization; the benchmark has all objectives."""
    assert set(killed.found[name]) == {"loss", "gradients", "state"}
    assert max(killed.found[name].values()) <= 1e-5


def test_keras_still_needs_the_way_around(killed):
    """When stock `fit` works across workers: take `distribute.workarounds` away."""
    assert any(word in killed.found["fit of Keras"] for word in ("reduce", "axis", "PerReplica"))


def test_a_worker_killed_amid_a_collective_ends_the_run(killed):
    assert "SIGKILL of worker 1" in killed.error
    assert killed.after < 60
    found = {path.name for path in (killed.folder / "two").iterdir()}
    assert found == {"checkpoints", "encoder.keras", "encoder.json"}  # after the first epoch
    saved = sorted(path.name for path in (killed.folder / "two" / "checkpoints").glob("ckpt-*"))
    assert saved in (["ckpt-4", "ckpt-5"], ["ckpt-5", "ckpt-6"])  # the chief may have saved the last step, or not


@pytest.mark.exhaustive
def test_what_is_left_resumes_and_ends_as_a_run_on_one_device(killed, monkeypatch, capfd):
    launch(*pretrain("multiworker", killed.folder / "two"), "--resume")
    assert capfd.readouterr().out.count("Encoder: ") == 1
    monkeypatch.setattr(recipes, "choose", lambda objective, dataset: worker_process.tiny)
    alone = CliRunner().invoke(cli.app, pretrain("none", killed.folder / "one"))
    assert alone.exit_code == 0, alone.output
    one, two = (keras.saving.load_model(killed.folder / name / "objective.keras") for name in ("one", "two"))
    assert int(one.step) == int(two.step) == 2 * worker_process.STEPS
    for expected, found in zip(one.weights, two.weights):
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=expected.path)
