"""Recipes of adversarial objectives for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol is in `docs/objectives.md`.
"""

from typing import Any

import keras

from keras_ssl import blocks, data, heads, objectives
from keras_ssl.recipes.networks import bottleneck_conv_net, small_conv_net
from keras_ssl.recipes.recipe import Recipe, for_small_images

__all__ = ["bigan", "gan"]


_TRAINING: dict[str, Any] = {"learning_rate": 5e-4, "beta_1": 0.5, "batch_size": 64}


def gan(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A GAN in batches of 64, whose encoder is the trunk of a spectrally normalized discriminator.

    Args:
        source: `data.load("mnist", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and latent vectors. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective gan`. Accuracy by nearest neighbors and with
        10 labels per class: 0.555 ± 0.030 and 0.314 ± 0.025 on MNIST, 0.659 ± 0.039 and 0.477 ± 0.048 on Fashion-MNIST,
        0.304 ± 0.015 and 0.204 ± 0.009 on CIFAR-10.
    """
    return for_small_images(objectives.GAN, _discriminator, source, epochs, seed, **_TRAINING)


def bigan(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A BiGAN in batches of 64, with 128 latent dimensions and a spectrally normalized discriminator.

    Args:
        source: `data.load("mnist", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and latent vectors. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective bigan`. Accuracy by nearest neighbors and
        with 10 labels per class: 0.746 ± 0.033 and 0.564 ± 0.025 on MNIST, 0.758 ± 0.013 and 0.606 ± 0.016 on
        Fashion-MNIST, 0.289 ± 0.016 and 0.193 ± 0.018 on CIFAR-10.
    """
    keras.utils.set_random_seed(seed)
    pairs = heads.pair_discriminator(bottleneck_conv_net(source, normalize=False))
    arguments = {"discriminator": blocks.spectrally_normalized(pairs), **_TRAINING}
    return for_small_images(objectives.BiGAN, bottleneck_conv_net, source, epochs, seed, **arguments)


def _discriminator(source):
    return blocks.spectrally_normalized(small_conv_net(source, normalize=False))
