"""Copies of networks, and the weights that they are given."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_ssl.networks.walking import all_layers

__all__ = ["copy_statistics", "reinitialized", "set_weights"]


def set_weights(layer, weights):
    """Set the weights of a layer or model, as its own `set_weights` does, so that it computes with them.

    `keras.layers.Normalization` computes with constants that it made of its weights when it was adapted or loaded, and
    that its `set_weights` leaves as they were. A function that is compiled already keeps the constants that it has.

    Args:
        layer: `keras.layers.Layer`, a model for one.
        weights: List of arrays, as its `get_weights()` returns them.

    Returns:
        Whether there is such a layer, so that what is compiled has to be compiled again.
    """
    layer.set_weights(weights)
    normalizations = _normalizations(layer)
    for normalization in normalizations:
        normalization.finalize_state()
    return bool(normalizations)


def copy_statistics(model, copy):
    """Give a copy of a model's architecture the statistics of the pixels, which are no initial weights.

    Args:
        model: `keras.Model`, in which `keras.layers.Normalization` may be adapted.
        copy: What `keras.models.clone_model` made of it.

    Returns:
        `copy`.
    """
    for old, new in zip(_normalizations(model), _normalizations(copy), strict=True):
        set_weights(new, old.get_weights())
    return copy


def reinitialized(model: keras.Model, seed: int) -> keras.Model:
    """Return a copy of a model with new random weights. Adapted `Normalization` layers keep their statistics.

    Args:
        model: Functional or built sequential `keras.Model`. It is not changed.
        seed: Seed of the weights. Initializers with a seed of their own keep it.
    """
    with _python_seed(seed):
        return copy_statistics(model, keras.models.clone_model(model))


@contextmanager
def _python_seed(seed) -> Iterator[None]:
    """Seed Python's generator for a while: Keras draws the seeds of initializers without one from it."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _normalizations(model):
    return [part for part in all_layers(model) if isinstance(part, keras.layers.Normalization)]
