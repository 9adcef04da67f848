"""Recipes of pretext tasks for 28x28 and 32x32 images: MNIST, Fashion-MNIST and CIFAR-10.

Scores are those of `benchmarks/classical.py`, whose protocol stands in the README.
"""

import keras

from keras_ssl import data, objectives
from keras_ssl.recipes.networks import small_conv_net
from keras_ssl.recipes.recipe import compiled

__all__ = ["attributes_small_images", "flip_small_images", "jigsaw_small_images", "rotation_small_images"]


def _recipe(objective, source, epochs, seed, targets=None, **arguments):
    keras.utils.set_random_seed(seed)
    model = objective(small_conv_net(source), seed=seed, **arguments)
    return compiled(model, source, 12 if epochs is None else epochs, 2e-3, batch_size=128, targets=targets)


def rotation_small_images(source, epochs=None, seed=0):
    """Rotation prediction, all four rotations of each image in every step.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective rotation`.
    """
    return _recipe(objectives.RotationPrediction, source, epochs, seed)


def flip_small_images(source, epochs=None, seed=0):
    """Flip prediction, all four flips of each image in every step.

    Args:
        source: `data.load("fashion_mnist", "train")[:10_000]`, or other images of their size.
        epochs: Default 12.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset fashion_mnist --objective flip`.
    """
    return _recipe(objectives.FlipPrediction, source, epochs, seed)


def jigsaw_small_images(source, epochs=None, seed=0):
    """Jigsaw prediction: the 24 orders of four tiles.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights, order and permutations.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective jigsaw`.
    """
    return _recipe(objectives.JigsawPrediction, source, epochs, seed)


def attributes_small_images(source, epochs=None, seed=0):
    """Prediction of brightness, edge orientation and, where images have colours, the dominant one.

    Args:
        source: `data.load("cifar10", "train")[:10_000]`, or other images of its size.
        epochs: Default 12.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective attributes`.
    """
    known = {"brightness": data.brightness, "edges": data.edge_orientation}
    if source.shape[-1] == 3:
        known["colour"] = data.dominant_colour
    targets = data.targets(source, known)
    return _recipe(objectives.AttributePrediction, source, epochs, seed, targets, attributes=targets.attributes)
