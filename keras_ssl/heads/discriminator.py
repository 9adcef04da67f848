"""Discriminators of images, and of pairs of an image and a latent vector."""

import keras
from keras import layers

from keras_ssl.checks import check_counts
from keras_ssl.networks import all_trainable, clone, copy_statistics
from keras_ssl.specs import check_encoder, inputs_like

__all__ = ["discriminator", "pair_discriminator"]


def discriminator(encoder: keras.Model, name: str = "discriminator") -> keras.Model:
    """A discriminator with the encoder's architecture, new weights, and one logit: how real an image looks.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`. Its weights are not shared, but the pixel
            statistics of its `Normalization` layers are copied.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, …)` to a logit `(n, 1)`, float32.
    """
    check_encoder(encoder)
    inputs = inputs_like(encoder)
    logits = layers.Dense(1, dtype="float32", name="logits")(_trunk(encoder)(inputs))
    return keras.Model(inputs, logits, name=name)


def pair_discriminator(encoder: keras.Model, hidden: int = 256, name: str = "pair_discriminator") -> keras.Model:
    """BiGAN's discriminator: whether a pair of an image and a latent vector is the encoder's or the generator's.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`, whose architecture is used for the image. Its
            weights are not shared, but the pixel statistics of its `Normalization` layers are copied.
        hidden: Width of the hidden layer on both. Default: 256.
        name: Name of the model.

    Returns:
        `keras.Model` from `[image, latent]`, `(n, …)` and `(n, d)`, to a logit `(n, 1)`, float32.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", section 3.
    """
    check_encoder(encoder)
    check_counts(hidden=hidden)
    image = inputs_like(encoder)
    latent = keras.Input((encoder.output_shape[-1],), name="latent")
    x = layers.Concatenate(name="pair")([_trunk(encoder)(image), latent])
    x = layers.Dense(hidden, kernel_initializer="he_normal", name="hidden")(x)
    x = layers.LeakyReLU(0.2, name="leaky_relu")(x)
    return keras.Model([image, latent], layers.Dense(1, dtype="float32", name="logits")(x), name=name)


def _trunk(encoder):
    return all_trainable(copy_statistics(encoder, clone(encoder)))
