"""Recipes of autoencoders for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol is in `docs/objectives.md`.
"""

from typing import Any

from keras_ssl import data, encoders, likelihoods, objectives, transforms
from keras_ssl.recipes.networks import bottleneck_conv_net, small_conv_net
from keras_ssl.recipes.recipe import Recipe, for_small_images

__all__ = [
    "autoencoder",
    "bottleneck_autoencoder",
    "deep_dense_autoencoder",
    "denoising_autoencoder",
    "dense_autoencoder",
    "sparse_autoencoder",
    "variational_autoencoder",
]


def autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional autoencoder whose representation is the flattened last feature map, 512 wide.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.956 ± 0.000 and 0.781 ± 0.003 on MNIST, 0.817 ± 0.005 and
        0.699 ± 0.005 on Fashion-MNIST, 0.406 ± 0.004 and 0.236 ± 0.002 on CIFAR-10.
    """
    return for_small_images(objectives.Autoencoder, small_conv_net, source, epochs, seed)


def bottleneck_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional autoencoder with a bottleneck of 128 dimensions.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective bottleneck_autoencoder`. Accuracy by
        nearest neighbors and with 10 labels per class: 0.959 ± 0.001 and 0.780 ± 0.006 on MNIST, 0.812 ± 0.004 and
        0.695 ± 0.002 on Fashion-MNIST, 0.394 ± 0.005 and 0.221 ± 0.000 on CIFAR-10.
    """
    return for_small_images(objectives.Autoencoder, bottleneck_conv_net, source, epochs, seed)


def _dense(*features):
    return lambda source: encoders.mlp(source.shape, features)


def dense_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A dense autoencoder: input, 256, 64, 32, and back.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective dense_autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.896 ± 0.022 and 0.698 ± 0.012 on MNIST, 0.752 ± 0.003 and
        0.662 ± 0.001 on Fashion-MNIST, 0.288 ± 0.014 and 0.211 ± 0.003 on CIFAR-10.
    """
    return for_small_images(objectives.Autoencoder, _dense(256, 64, 32), source, epochs, seed)


def deep_dense_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A deeper dense autoencoder: input, 128, 64, 32, 16, and back.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective deep_dense_autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.844 ± 0.037 and 0.657 ± 0.034 on MNIST, 0.729 ± 0.004 and
        0.657 ± 0.006 on Fashion-MNIST, 0.266 ± 0.004 and 0.212 ± 0.005 on CIFAR-10.
    """
    return for_small_images(objectives.Autoencoder, _dense(128, 64, 32, 16), source, epochs, seed)


def sparse_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional autoencoder with an L1 penalty on its 512 units.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective sparse_autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.957 ± 0.001 and 0.787 ± 0.005 on MNIST, 0.815 ± 0.007 and
        0.700 ± 0.004 on Fashion-MNIST, 0.407 ± 0.005 and 0.240 ± 0.003 on CIFAR-10.
    """
    return for_small_images(objectives.SparseAutoencoder, small_conv_net, source, epochs, seed, weight=0.01)


def denoising_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional autoencoder that fills in 30 % of the pixels.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and noise. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective denoising_autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.953 ± 0.001 and 0.795 ± 0.005 on MNIST, 0.801 ± 0.004 and
        0.687 ± 0.005 on Fashion-MNIST, 0.385 ± 0.009 and 0.229 ± 0.005 on CIFAR-10.
    """
    noise = {"noise": transforms.masking_noise, "amount": 0.3}
    return for_small_images(objectives.DenoisingAutoencoder, small_conv_net, source, epochs, seed, **noise)


def variational_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional variational autoencoder of 32 dimensions: Bernoulli for gray images, else Gaussian.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and noise. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective variational_autoencoder`. Accuracy by
        nearest neighbors and with 10 labels per class: 0.945 ± 0.003 and 0.802 ± 0.006 on MNIST, 0.799 ± 0.004 and
        0.683 ± 0.003 on Fashion-MNIST, 0.372 ± 0.004 and 0.228 ± 0.001 on CIFAR-10.
    """
    likelihood = likelihoods.Bernoulli() if source.shape[-1] == 1 else likelihoods.Gaussian(0.1)
    arguments: dict[str, Any] = {"latent_dim": 32, "likelihood": likelihood}
    return for_small_images(objectives.VariationalAutoencoder, small_conv_net, source, epochs, seed, **arguments)
