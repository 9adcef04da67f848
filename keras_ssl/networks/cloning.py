"""Copying weights and statistics between networks."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_ssl.networks.walking import all_layers

__all__ = ["copy_statistics", "set_weights"]


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


def _normalizations(model):
    return [part for part in all_layers(model) if isinstance(part, keras.layers.Normalization)]
