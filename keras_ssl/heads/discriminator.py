"""The discriminator of pairs."""

import keras
from keras import layers

from keras_ssl.networks import copy_statistics

__all__ = ["judge"]


def judge(encoder, features=256, name="judge"):
    """BiGAN's discriminator: says of an image and a latent vector together whether they are an encoder's pair.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`, whose architecture looks at the image. Its weights
            are not shared, but the statistics of pixels are.
        features: Width of the hidden layer that sees both. Default 256.
        name: Name of the model.

    Returns:
        `keras.Model` from `[image, latent]`, `(n, …)` and `(n, d)`, to a logit `(n, 1)`.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", section 3.
    """
    image = keras.Input(encoder.input_shape[1:], name="image")
    latent = keras.Input((encoder.output_shape[-1],), name="latent")
    trunk = copy_statistics(encoder, keras.models.clone_model(encoder))
    x = layers.Concatenate(name="pair")([trunk(image), latent])
    x = layers.Dense(features, kernel_initializer="he_normal", name="hidden")(x)
    x = layers.LeakyReLU(0.2, name="leaky_relu")(x)
    return keras.Model([image, latent], layers.Dense(1, dtype="float32", name="logits")(x), name=name)
