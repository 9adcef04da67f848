"""Two processes under MultiWorkerMirroredStrategy, which only Keras's faults make special."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def replicas():
    """The benchmark, which starts the processes."""
    spec = importlib.util.spec_from_file_location("replicas", ROOT / "benchmarks" / "replicas.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_two_processes_train_as_one(replicas, tmp_path):
    """With gathering, a target network, a queue and batch normalisation; the benchmark has all objectives."""
    found = replicas.start("multiworker, 2", tmp_path / "found.json", "MoCo", "VICReg")
    assert set(found) == {"MoCo", "VICReg"}
    assert max(max(figures.values()) for figures in found.values()) <= 1e-5


def test_a_process_that_fails_ends_the_others(replicas, tmp_path, monkeypatch):
    monkeypatch.setattr(replicas, "SECONDS", 60)
    monkeypatch.setitem(replicas.SETTINGS, "of no kind, 2", 2)
    with pytest.raises(SystemExit, match=r"of no kind, 2: a process ended with status 1"):
        replicas.start("of no kind, 2", tmp_path / "never.json")


STOCK = """
    import keras, numpy as np, tensorflow as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.ones((8, 4), "float32"), np.ones((8, 1), "float32")))
    model.fit(data, verbose=0)
"""


def test_keras_still_needs_the_way_around(replicas):
    """When this fails, stock `fit` works across workers: take `distribute.keras_faults` away."""
    cluster = {"worker": [f"localhost:{replicas.free_port()}" for _ in range(2)]}
    processes = []
    for index in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        command = [sys.executable, "-c", textwrap.dedent(STOCK)]
        environment = os.environ | {"TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"}
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(process.returncode != 0 for process in processes), "stock Keras trains across workers now"
    assert any("reduce" in error or "axis" in error or "PerReplica" in error for error in errors), errors[0][-2000:]
