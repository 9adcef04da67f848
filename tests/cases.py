"""One row for each objective: how to build it tiny and what its batches are. Every conformance test runs over them.

Runs on every backend, so nothing here imports TensorFlow.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from keras_ssl import decoders, encoders, heads, losses, objectives

SHAPE = (8, 8, 1)


@dataclasses.dataclass(frozen=True)
class Case:
    """What the conformance tests need to know of an objective.

    Attributes:
        name: Of the case.
        objective: Makes the objective of an encoder. Arguments are not the defaults, so that forgetting one shows.
        batch: Makes a batch of n samples, a dict of arrays, from a seed.
        encoder: Makes a tiny encoder, with batch normalisation unless the objective is meant for other ones.
    """

    name: str
    objective: Callable[[keras.Model], objectives.Objective]
    batch: Callable[[int, int], dict[str, np.ndarray]]
    encoder: Callable[[], keras.Model]

    def build(self):
        """Make the objective, with its encoder."""
        return self.objective(self.encoder())


def convolutional():
    """Make two convolutions with batch normalisation."""
    return encoders.conv_net(SHAPE, features=(4, 8))


def dense():
    """Make two dense layers."""
    return encoders.mlp(SHAPE, features=(16, 8))


def single(n, seed):
    """Make a batch of images under "input"."""
    return {"input": images(n, seed)}


def pairs(n, seed):
    """Make a batch of two noisy versions of each image."""
    noise = np.random.default_rng(seed + 1).normal(0, 0.05, (2, n, *SHAPE))
    view_1, view_2 = np.clip(images(n, seed) + noise, 0, 1).astype("float32")
    return {"view_1": view_1, "view_2": view_2}


def images(n, seed):
    """Make n images with a bright square somewhere on each."""
    rng = np.random.default_rng(seed)
    batch = rng.uniform(0, 0.3, (n, *SHAPE))
    for image, (row, column) in zip(batch, rng.integers(0, 5, (n, 2))):
        image[row : row + 3, column : column + 3] += 0.6
    return batch.astype("float32")


CASES = [
    Case(
        "SimCLR",
        lambda encoder: objectives.SimCLR(encoder, heads.projector(encoder, 6, hidden=10), temperature=0.3, seed=3),
        pairs,
        convolutional,
    ),
    Case(
        "Autoencoder, convolutional",
        lambda encoder: objectives.Autoencoder(encoder, reconstruction=losses.binary_cross_entropy, seed=3),
        single,
        convolutional,
    ),
    Case(
        "Autoencoder, dense",
        lambda encoder: objectives.Autoencoder(encoder, decoder=decoders.mirror(encoder)),
        single,
        dense,
    ),
]
