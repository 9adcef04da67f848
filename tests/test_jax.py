"""The JAX backend in a process without TensorFlow against TensorFlow in this one, from the same weights."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import steps
from cases import CASES, each_mechanism
from jax_process import SAMPLES, train
from test_data_batches import numbered
from test_data_batches import numbers as shown

from keras_ssl import data

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def on_jax(request, tmp_path_factory):
    """What `jax_process.py` found for the rows that are tested here."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    numbers = sorted({str(found["number"]) for found in params if "number" in found})
    output = tmp_path_factory.mktemp("jax") / "found.npz"
    backend = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    environment = {**os.environ, **backend, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, str(HERE / "jax_process.py"), str(output), *numbers]
    result = subprocess.run(command, env=environment, cwd=output.parent, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert str(np.load(output)["backend"]) == "jax"
    return np.load(output)


LONG_TO_COMPILE = ("TS2Vec", "Wav2Vec2", "SequenceToSequence", "DINO", "CLIP", "FramePrediction")
LONG_TO_COMPILE += ("CausalLanguageModel", "ContrastivePredictiveCoding")


def part(found, prefix):
    """Return the arrays whose names begin so, by the rest of them, in order."""
    return {name.removeprefix(prefix): found[name] for name in found.files if name.startswith(prefix)}


def numbers(adversarial):
    return [(case, k) for k, case in enumerate(CASES) if case.adversarial == adversarial]


@each_mechanism("number", numbers(adversarial=True))
def test_adversarial_objectives_are_told_that_they_need_tensorflow(on_jax, number):
    assert "KERAS_BACKEND=tensorflow" in str(on_jax[f"{number}/error"])


@each_mechanism("number", numbers(adversarial=False), but=LONG_TO_COMPILE)
def test_both_backends_take_the_same_steps(on_jax, number):
    case = CASES[number]
    objective = case.build()
    objective.set_weights(list(part(on_jax, f"{number}/before/").values()))
    expected = train(objective, case.batch(SAMPLES, 0), steps.descent(case, objective), run_eagerly=True)
    found = steps.Step(*(part(on_jax, f"{number}/{kind}/") for kind in ("terms", "gradients", "weights")))
    steps.assert_same_step(found, expected)
    assert expected.terms["second"] != expected.terms["first"]  # it trains; which way is asked in test_conformance
    assert on_jax[f"{number}/step"] == 2


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


def test_jax_without_tensorflow_gets_the_same_batches(on_jax):
    on_tensorflow = [shown(batch["input"]) for batch in data.batches(numbered(), batch_size=4, seed=3)]
    assert str(on_jax["batches"]) == str(on_tensorflow)


def test_what_others_test_on_tensorflow_holds_on_jax_too(on_jax):
    assert on_jax["tests/status"] == 0, str(on_jax["tests/report"])[-3000:]
    assert "34 passed" in str(on_jax["tests/report"])
