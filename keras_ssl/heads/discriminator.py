"""Discriminators: of images, and of pairs of an image and a latent vector."""

import keras
from keras import layers

from keras_ssl.networks import copy_statistics

__all__ = ["discriminator", "pair_discriminator"]


def discriminator(encoder, name="discriminator"):
    """An encoder's architecture with new weights, and a logit: how real an image is.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`. Its weights are not shared, but the statistics of
            pixels are.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, …)` to a logit `(n, 1)`, float32.
    """
    image = keras.Input(encoder.input_shape[1:], name="image")
    logits = layers.Dense(1, dtype="float32", name="logits")(_trunk(encoder)(image))
    return keras.Model(image, logits, name=name)


def pair_discriminator(encoder, hidden=256, name="pair_discriminator"):
    """BiGAN's discriminator: whether an image and a latent vector are the encoder's pair or the generator's.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`, whose architecture looks at the image. Its weights
            are not shared, but the statistics of pixels are.
        hidden: Width of the hidden layer that sees both. Default 256.
        name: Name of the model.

    Returns:
        `keras.Model` from `[image, latent]`, `(n, …)` and `(n, d)`, to a logit `(n, 1)`, float32.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", section 3.
    """
    image = keras.Input(encoder.input_shape[1:], name="image")
    latent = keras.Input((encoder.output_shape[-1],), name="latent")
    x = layers.Concatenate(name="pair")([_trunk(encoder)(image), latent])
    x = layers.Dense(hidden, kernel_initializer="he_normal", name="hidden")(x)
    x = layers.LeakyReLU(0.2, name="leaky_relu")(x)
    return keras.Model([image, latent], layers.Dense(1, dtype="float32", name="logits")(x), name=name)


def _trunk(encoder):
    return copy_statistics(encoder, keras.models.clone_model(encoder))
