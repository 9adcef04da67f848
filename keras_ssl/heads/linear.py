"""A linear layer on a representation."""

import keras
from keras import layers

__all__ = ["linear"]


def linear(encoder, features, name="linear"):
    """One linear layer with bias: the scores of classes, or numbers, that are predicted from a representation.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is read.
        features: Number of classes or numbers.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`.
    """
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    return keras.Model(inputs, layers.Dense(features, name="scores")(inputs), name=name)
