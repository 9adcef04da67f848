"""The JAX backend in a process without TensorFlow against TensorFlow in this one, from the same weights."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from cases import CASES
from jax_process import SAMPLES, STEPS, train

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """What `jax_process.py` found."""
    output = tmp_path_factory.mktemp("jax") / "found.npz"
    backend = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }  # quick to compile
    environment = {**os.environ, **backend, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, str(HERE / "jax_process.py"), str(output)]
    result = subprocess.run(command, env=environment, cwd=output.parent, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert str(np.load(output)["backend"]) == "jax"
    return np.load(output)


def listed(found, prefix):
    return [found[f"{prefix}/{k}"] for k in range(sum(name.startswith(f"{prefix}/") for name in found.files))]


def numbers(adversarial):
    return [pytest.param(k, id=case.name) for k, case in enumerate(CASES) if case.adversarial == adversarial]


@pytest.mark.parametrize("number", numbers(adversarial=True))
def test_two_players_are_told_that_they_need_tensorflow(on_jax, number):
    assert "KERAS_BACKEND=tensorflow" in str(on_jax[f"{number}/error"])


@pytest.mark.parametrize("number", numbers(adversarial=False))
def test_both_backends_take_the_same_steps(on_jax, number):
    case = CASES[number]
    objective, batch = case.build(), case.batch(SAMPLES, 0)
    objective.set_weights(listed(on_jax, f"{number}/before"))
    losses = train(objective, batch, case.rate)
    np.testing.assert_allclose(on_jax[f"{number}/losses"], losses, atol=1e-4, rtol=1e-6)  # some are hundreds of nats
    assert losses[-1] != losses[1]  # it trains; which way one batch takes the loss is asked in test_conformance
    assert on_jax[f"{number}/step"] == STEPS
    after = listed(on_jax, f"{number}/after")
    assert len(after) == len(objective.weights)
    for weight, value in zip(objective.weights, after):
        np.testing.assert_allclose(value, np.array(weight), atol=1e-4, rtol=0, err_msg=weight.path)
    embedding = objective.predict(next(iter(batch.values())), verbose=0)
    np.testing.assert_allclose(on_jax[f"{number}/embedding"], embedding, atol=1e-3, rtol=1e-3)


def test_without_tensorflow_views_batches_fit_and_callbacks_work(on_jax):
    assert len(on_jax["views/losses"]) == 2
    assert np.isfinite(on_jax["views/losses"]).all()
    assert on_jax["views/losses"][0] != on_jax["views/losses"][1]
    assert len(on_jax["views/rank"]) == 2
    assert np.all(on_jax["views/rank"] > 1)


@pytest.mark.parametrize("function", ["saved_model", "deploy"])
def test_without_tensorflow_exporting_says_what_it_needs(on_jax, function):
    assert "TensorFlow" in str(on_jax[f"error/{function}"])
    assert "Do: " in str(on_jax[f"error/{function}"])
