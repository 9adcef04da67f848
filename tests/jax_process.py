"""The JAX half of test_jax.py: runs every case where TensorFlow cannot be imported and writes what came of it.

Usage: python jax_process.py OUTPUT.npz
"""

import functools
import sys

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # importing it raises ImportError

import jax
import keras
import numpy as np
from cases import CASES, images

import keras_ssl
from keras_ssl import callbacks, data, encoders, export, objectives, views
from keras_ssl.errors import UserError

SAMPLES, STEPS = 8, 5


def train(objective, batch, rate):
    """Take SGD steps on one batch and return the losses, after an evaluation, whose loss comes first."""
    objective.compile(keras.optimizers.SGD(rate, momentum=0.9))
    first = objective.evaluate(batch, batch_size=SAMPLES, return_dict=True, verbose=0)["loss"]
    history = objective.fit(batch, batch_size=SAMPLES, epochs=STEPS, shuffle=False, verbose=0).history
    return [first, *history["loss"]]


def conformance():
    """Weights before, losses, weights after and embeddings of every case."""
    found = {}
    for number, case in enumerate(CASES):
        if case.adversarial:
            found[f"{number}/error"] = refusal(functools.partial(case.build().compile, "sgd"))
            continue
        keras.utils.set_random_seed(2)  # others may lie where a ReLU bends: rounding parts the backends
        objective, batch = case.build(), case.batch(SAMPLES, 0)
        found |= {f"{number}/before/{k}": w for k, w in enumerate(objective.get_weights())}
        found[f"{number}/losses"] = train(objective, batch, case.rate)
        found |= {f"{number}/after/{k}": w for k, w in enumerate(objective.get_weights())}
        found[f"{number}/embedding"] = objective.predict(next(iter(batch.values())), verbose=0)
        found[f"{number}/step"] = int(objective.step)
    return found


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
    return found


if __name__ == "__main__":
    about = {"backend": keras.backend.backend(), "jax": jax.__version__, "version": keras_ssl.__version__}
    np.savez(sys.argv[1], **about, **conformance(), **without_tensorflow())
