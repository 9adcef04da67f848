"""Linear heads."""

import keras
from keras import layers

from keras_ssl.checks import check_counts

__all__ = ["linear"]


def linear(encoder: keras.Model, features: int, name: str = "linear") -> keras.Model:
    """One linear layer with bias, which predicts class scores or numbers from a representation.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is the input.
        features: Number of classes or of predicted numbers.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`, float32.
    """
    check_counts(features=features)
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    return keras.Model(inputs, layers.Dense(features, dtype="float32", name="scores")(inputs), name=name)
