"""Recipes of pretext tasks for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol is in `docs/objectives.md`.
"""

from keras_ssl import data, objectives
from keras_ssl.recipes.networks import small_conv_net
from keras_ssl.recipes.recipe import Recipe, for_small_images

__all__ = ["attributes", "flip", "jigsaw", "rotation"]


def rotation(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Rotation prediction, all four rotations of each image in every step.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective rotation`. Accuracy by nearest neighbors
        and with 10 labels per class: 0.896 ± 0.007 and 0.745 ± 0.007 on MNIST, 0.812 ± 0.002 and 0.685 ± 0.002 on
        Fashion-MNIST, 0.437 ± 0.004 and 0.273 ± 0.002 on CIFAR-10.
    """
    return for_small_images(objectives.RotationPrediction, small_conv_net, source, epochs, seed)


def flip(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Flip prediction, all four flips of each image in every step.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset fashion_mnist --objective flip`. Accuracy by nearest neighbors
        and with 10 labels per class: 0.905 ± 0.003 and 0.754 ± 0.008 on MNIST, 0.808 ± 0.004 and 0.674 ± 0.004 on
        Fashion-MNIST, 0.406 ± 0.001 and 0.260 ± 0.002 on CIFAR-10.
    """
    return for_small_images(objectives.FlipPrediction, small_conv_net, source, epochs, seed)


def jigsaw(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Jigsaw prediction: the 24 orders of four tiles.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and permutations. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective jigsaw`. Accuracy by nearest neighbors and
        with 10 labels per class: 0.905 ± 0.003 and 0.748 ± 0.006 on MNIST, 0.784 ± 0.007 and 0.657 ± 0.013 on
        Fashion-MNIST, 0.391 ± 0.006 and 0.244 ± 0.006 on CIFAR-10.
    """
    return for_small_images(objectives.JigsawPrediction, small_conv_net, source, epochs, seed)


def attributes(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Prediction of brightness, edge orientation and, for color images, the dominant color.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective attributes`. Accuracy by nearest neighbors
        and with 10 labels per class: 0.924 ± 0.004 and 0.765 ± 0.013 on MNIST, 0.797 ± 0.002 and 0.658 ± 0.012 on
        Fashion-MNIST, 0.404 ± 0.005 and 0.276 ± 0.005 on CIFAR-10.
    """
    known = {"brightness": data.brightness, "edges": data.edge_orientation}
    if source.shape[-1] == 3:
        known["color"] = data.dominant_color
    targets = data.targets(source, known)
    return for_small_images(
        objectives.AttributePrediction,
        small_conv_net,
        source,
        epochs,
        seed,
        targets=targets,
        attributes=targets.attributes,
    )
