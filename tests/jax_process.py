"""The JAX half of test_jax.py: runs every case where TensorFlow cannot be imported and writes what came of it.

All that the tests ask JAX is asked here, since starting it takes long.

Usage: python jax_process.py OUTPUT.npz NUMBER…, of the rows of `cases.CASES`
"""

import contextlib
import dataclasses
import functools
import io
import pathlib
import sys
from unittest import mock

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # importing it raises ImportError

import jax
import keras
import numpy as np
import pytest
import steps
import test_data_batches
from cases import CASES, images

import keras_ssl
from keras_ssl import callbacks, data, encoders, export, objectives, views
from keras_ssl.errors import UserError

SAMPLES = 8
TESTS = {
    "on_jax.py": "on_jax",
    "test_losses_missing_labels.py": "by_hand",
    "test_optimizers.py": "by_hand or scaling",
    "test_optimizers_schedules.py": "by_hand or target_follows",
    "test_probes.py": "every_epoch or nothing",
    "test_saliency.py": "by_hand",
    "test_sequences.py": "by_hand",
}
"""Files and the tests in them that are run on JAX."""


def train(objective, batch, optimizer, run_eagerly=False):
    """Evaluate, and take two steps on one batch.

    Returns:
        `steps.Step`: losses of the evaluation and of both steps, gradients of the first, weights and embedding at last.
    """
    objective.compile(optimizer, run_eagerly=run_eagerly)
    terms = {"evaluated": objective.test_on_batch(batch, return_dict=True)["loss"]}
    terms["first"] = objective.train_on_batch(batch, return_dict=True)["loss"]
    gradients = steps.velocities(objective)
    terms["second"] = objective.train_on_batch(batch, return_dict=True)["loss"]
    embedding = objective.predict_on_batch(next(iter(batch.values())))
    return steps.Step(terms, gradients, steps.weights(objective) | {"embedding": embedding})


def conformance(numbers):
    """Weights before, and what two steps gave, of these rows."""
    found = {}
    for number in numbers:
        case = CASES[number]
        if case.adversarial:
            found[f"{number}/error"] = refusal(functools.partial(case.build().compile, "sgd"))
            continue
        with filled_by_numpy(seed=3):  # others may lie where a ReLU bends: rounding parts the backends
            objective = case.build()
            optimizer = steps.descent(case, objective)
            optimizer.build(objective.trainable_variables)
        found |= {f"{number}/before/{k}": w for k, w in enumerate(objective.get_weights())}
        step = train(objective, case.batch(SAMPLES, 0), optimizer)
        for kind, values in dataclasses.asdict(step).items():
            found |= {f"{number}/{kind}/{name}": value for name, value in values.items()}
        found[f"{number}/step"] = int(objective.step)
    return found


@contextlib.contextmanager
def filled_by_numpy(seed):
    """Let NumPy make new variables: JAX would compile a function for each shape, which takes most of the time."""
    rng = np.random.default_rng(seed)

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return jax.numpy.asarray(rng.normal(mean, stddev, shape), dtype or "float32")

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return jax.numpy.asarray(rng.uniform(minval, maxval, shape), dtype or "float32")

    def zeros(shape, dtype=None):
        return jax.numpy.asarray(np.zeros(shape), dtype or "float32")

    def ones(shape, dtype=None):
        return jax.numpy.asarray(np.ones(shape), dtype or "float32")

    draws = {"normal": normal, "truncated_normal": normal, "uniform": uniform}
    with (
        mock.patch.multiple(keras.src.backend.random, **draws),
        mock.patch.multiple(keras.src.backend.numpy, zeros=zeros, ones=ones),
    ):
        yield


def refusal(call):
    """Return the message of the `UserError` that a call must raise."""
    try:
        call()
    except UserError as error:
        return str(error)
    return ""


def without_tensorflow():
    """What a person without TensorFlow does: fit on batches of views, and be told that exporting needs it."""
    keras.utils.set_random_seed(2)  # with it some samples are represented by 0
    encoder = encoders.conv_net((8, 8, 1), filters=(4, 8))
    simclr = objectives.SimCLR(encoder)
    simclr.compile(keras.optimizers.Adam(1e-2))
    batches = data.batches(images(32, 0), views=views.digits(), batch_size=16)
    doctor = callbacks.CollapseDoctor(data.batches(images(32, 1), views=views.digits(), batch_size=32))
    history = simclr.fit(batches, epochs=2, callbacks=[doctor], verbose=0).history
    found = {"views/losses": history["loss"], "views/rank": history["doctor_rank"]}
    for name, call in {
        "saved_model": lambda: export.saved_model(encoder, "never"),
        "deploy": lambda: export.deploy(encoder, "never"),
    }.items():
        found[f"error/{name}"] = refusal(call)
    batches = data.batches(test_data_batches.numbered(), batch_size=4, seed=3)
    return found | {"batches": str([test_data_batches.numbers(batch["input"]) for batch in batches])}


def tests():
    """Status and report of pytest on `TESTS`."""
    files = [str(pathlib.Path(__file__).with_name(name)) for name in TESTS]
    with contextlib.redirect_stdout(io.StringIO()) as report:
        status = pytest.main(["-q", "-p", "no:cacheprovider", "-k", " or ".join(TESTS.values()), *files])
    return {"tests/status": int(status), "tests/report": report.getvalue()}


if __name__ == "__main__":
    about = {"backend": keras.backend.backend(), "jax": jax.__version__, "version": keras_ssl.__version__}
    np.savez(sys.argv[1], **about, **conformance(map(int, sys.argv[2:])), **without_tensorflow(), **tests())
