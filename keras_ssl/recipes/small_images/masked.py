"""Recipes of objectives that hide a part of 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol is in `docs/objectives.md`.
"""

from keras_ssl import data, objectives
from keras_ssl.recipes.networks import small_conv_net, small_vit
from keras_ssl.recipes.recipe import Recipe, for_small_images

__all__ = ["inpainting", "masked_autoencoder"]


def masked_autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A masked autoencoder with a small vision transformer that sees a quarter of the patches of 4x4 pixels.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective masked_autoencoder`. Accuracy by nearest
        neighbors and with 10 labels per class: 0.582 ± 0.026 and 0.229 ± 0.013 on MNIST, 0.725 ± 0.007 and
        0.306 ± 0.007 on Fashion-MNIST, 0.284 ± 0.006 and 0.228 ± 0.005 on CIFAR-10.
    """
    return for_small_images(objectives.MaskedAutoencoder, small_vit, source, epochs, seed, learning_rate=1e-3)


def inpainting(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A convolutional context encoder, trained with the squared error alone.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and boxes. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective inpainting`. Accuracy by nearest neighbors
        and with 10 labels per class: 0.945 ± 0.004 and 0.826 ± 0.013 on MNIST, 0.800 ± 0.002 and 0.692 ± 0.003 on
        Fashion-MNIST, 0.388 ± 0.004 and 0.245 ± 0.002 on CIFAR-10.
    """
    return for_small_images(objectives.Inpainting, small_conv_net, source, epochs, seed)
