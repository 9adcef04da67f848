"""Recipes of adversarial objectives for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol stands in the README.
"""

import keras

from keras_ssl import objectives
from keras_ssl.recipes.networks import bottleneck_conv_net, small_conv_net
from keras_ssl.recipes.recipe import compiled

__all__ = ["bigan_small_images", "gan_small_images"]


def gan_small_images(source, epochs=None, seed=0):
    """A GAN whose discriminator's trunk is the encoder.

    Args:
        source: `data.load("mnist", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights, order and latent vectors.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective gan`.
    """
    keras.utils.set_random_seed(seed)
    gan = objectives.GAN(small_conv_net(source, normalise=False), latent=64, seed=seed)
    return compiled(gan, source, 12 if epochs is None else epochs, 5e-4, batch_size=128, beta_1=0.5)


def bigan_small_images(source, epochs=None, seed=0):
    """A BiGAN with a latent space of 128 dimensions.

    Args:
        source: `data.load("mnist", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights, order and latent vectors.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective bigan`.
    """
    keras.utils.set_random_seed(seed)
    bigan = objectives.BiGAN(bottleneck_conv_net(source), seed=seed)
    return compiled(bigan, source, 12 if epochs is None else epochs, 5e-4, batch_size=128, beta_1=0.5)
