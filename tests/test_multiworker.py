"""Two processes under MultiWorkerMirroredStrategy: they train as one, resume, and die together."""

import pathlib
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
import replicas
import worker_process
from typer.testing import CliRunner

from keras_ssl import cli, distribute, recipes
from keras_ssl.errors import UserError

ROOT = pathlib.Path(__file__).parent.parent


def test_two_processes_train_as_one(tmp_path):
    """With gathering, a target network, a queue and batch normalisation; the benchmark has all objectives."""
    found = replicas.start("multiworker, 2", tmp_path / "found.json", "MoCo", "VICReg")
    assert set(found) == {"MoCo", "VICReg"}
    assert max(max(figures.values()) for figures in found.values()) <= 1e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two workers pretrain for two epochs, the second of them twice."""
    return tmp_path_factory.mktemp("runs")


def pretrain(strategy, out):
    return ["pretrain", "--dataset", "digits", "--epochs", "2", "--strategy", strategy, "--out", str(out)]


def worker(kill, *words):
    return [sys.executable, str(ROOT / "tests" / "worker_process.py"), str(kill), *words]


def test_a_worker_killed_amid_a_collective_ends_the_run(folder):
    out = folder / "two"
    with pytest.raises(UserError, match="SIGKILL of worker 1"):
        distribute.launch(worker(worker_process.STEPS + 2, *pretrain("multiworker", out)))
    newest = max(path.stat().st_mtime for path in out.rglob("*"))  # the first epoch's checkpoint, just before the kill
    assert time.time() - newest < 60
    assert [path.name for path in out.iterdir()] == ["checkpoints"]
    assert len(list((out / "checkpoints").glob("*.index"))) == 1


def test_what_is_left_resumes_and_ends_as_a_run_on_one_device(folder, monkeypatch, capfd):
    distribute.launch(worker(0, *pretrain("multiworker", folder / "two"), "--resume"))
    assert capfd.readouterr().out.count("Encoder: ") == 1
    monkeypatch.setattr(recipes, "choose", lambda objective, dataset: worker_process.tiny)
    alone = CliRunner().invoke(cli.app, pretrain("none", folder / "one"))
    assert alone.exit_code == 0, alone.output
    one, two = (keras.saving.load_model(folder / name / "objective.keras") for name in ("one", "two"))
    assert int(one.step) == int(two.step) == 2 * worker_process.STEPS
    for expected, found in zip(one.weights, two.weights):
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=expected.path)


STOCK = """
    import keras, numpy as np, tensorflow as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.ones((8, 4), "float32"), np.ones((8, 1), "float32")))
    model.fit(data, verbose=0)
"""


def test_keras_still_needs_the_way_around():
    """When stock `fit` works across workers: take `distribute.keras_faults` away."""
    with pytest.raises(UserError, match=r"reduce|axis|PerReplica"):
        distribute.launch([sys.executable, "-c", textwrap.dedent(STOCK)])
