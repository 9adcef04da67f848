"""Copies of networks, and the weights that they are given."""

import keras

from keras_ssl.networks.walking import all_layers

__all__ = ["copy_statistics", "set_weights"]


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


def _normalizations(model):
    return [part for part in all_layers(model) if isinstance(part, keras.layers.Normalization)]
