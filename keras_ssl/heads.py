"""Small networks on top of an encoder that are thrown away after pretraining."""

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization

__all__ = ["projector"]


def projector(encoder, features=128, hidden=None, name="projector"):
    """SimCLR's projection head: one hidden layer with batch normalisation and ReLU, then a linear one.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is projected.
        features: Width of the projection. Default 128.
        hidden: Width of the hidden layer. Default d.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", section 4.2.

    Departures:
        The output has no bias: it would be the same for all samples. Batch normalisation in the hidden layer is that of
        the authors' code, not of the paper.
    """
    width = encoder.output_shape[-1]
    inputs = keras.Input((width,), name="representation")
    x = layers.Dense(hidden or width, use_bias=False, kernel_initializer="he_normal", name="hidden")(inputs)
    x = BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dense(features, use_bias=False, name="projection")(x)
    return keras.Model(inputs, x, name=name)
