"""Losses and gradients are those of lightly 1.6 on the same tensors (`benchmarks/peer_losses.py` made the file)."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import losses

PEER = json.loads((pathlib.Path(__file__).parent / "peer_losses.json").read_text())


def tensors(seed=0, n=16, d=12):
    """As in the script, which cannot be imported here: it needs torch."""
    rng = np.random.default_rng(seed)
    z_1 = rng.normal(size=(n, d))
    return z_1.astype("float32"), (z_1 + 0.5 * rng.normal(size=(n, d))).astype("float32")


def dino(a, b):
    b = ops.stop_gradient(b)
    return losses.dino([a, b, a + b], [b, ops.flip(b, axis=0)], ops.zeros(12))


def swav(a, b):
    scores = [a / 10, b / 10, (a + b) / 10]
    return losses.swav(scores, [losses.sinkhorn(scores[k]) for k in (0, 1)])


OURS = {"dino": dino, "swav": swav} | {
    name: getattr(losses, name) for name in ("nt_xent", "dcl", "barlow_twins", "vicreg", "negative_cosine")
}


def test_every_loss_of_the_file_is_compared():
    assert set(PEER) == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_value_and_gradient_equal_the_peers(name):
    a, b = (tf.Variable(z) for z in tensors())
    with tf.GradientTape() as tape:
        loss = OURS[name](a, b)
    assert float(loss) == pytest.approx(PEER[name]["value"], abs=1e-4)
    np.testing.assert_allclose(tape.gradient(loss, a), PEER[name]["gradient"], atol=1e-4)
