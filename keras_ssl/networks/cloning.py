"""Copying weights and statistics between networks."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_ssl.networks.walking import all_layers

__all__ = ["copy_statistics", "reinitialized", "set_weights"]


def set_weights(layer: keras.layers.Layer, weights: Sequence[np.ndarray]) -> bool:
    """Set the weights of a layer or model, and make its `Normalization` layers use them.

    `keras.layers.Normalization` computes with constants derived from its weights when it was adapted or loaded. Its own
    `set_weights` does not update them. A function that is already compiled keeps the old constants.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.
        weights: Arrays, as `layer.get_weights()` returns them.

    Returns:
        Whether there is a `Normalization` layer, so that compiled functions must be compiled again.
    """
    layer.set_weights(weights)
    normalizations = _normalizations(layer)
    for normalization in normalizations:
        normalization.finalize_state()
    return bool(normalizations)


def copy_statistics(model: keras.Model, copy: keras.Model) -> keras.Model:
    """Copy the pixel statistics of `Normalization` layers to a clone. They come from data, not from an initializer.

    Args:
        model: `keras.Model`, possibly with adapted `keras.layers.Normalization` layers.
        copy: Its clone by `keras.models.clone_model`.

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
