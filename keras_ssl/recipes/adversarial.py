"""Recipes of adversarial objectives for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol stands in the README.
"""

import functools

from keras_ssl import objectives
from keras_ssl.recipes.networks import bottleneck_conv_net, small_conv_net
from keras_ssl.recipes.recipe import for_small_images

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
    encoder = functools.partial(small_conv_net, normalise=False)
    return for_small_images(objectives.GAN, encoder, source, epochs, seed, 5e-4, beta_1=0.5, latent=64)


def bigan_small_images(source, epochs=None, seed=0):
    """A BiGAN with a latent space of 128 dimensions.

    Args:
        source: `data.load("mnist", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights, order and latent vectors.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective bigan`.
    """
    return for_small_images(objectives.BiGAN, bottleneck_conv_net, source, epochs, seed, 5e-4, beta_1=0.5)
