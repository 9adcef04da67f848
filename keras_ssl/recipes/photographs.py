"""Recipes for any photographs, without measured scores."""

from collections.abc import Callable

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["autoencoder", "joint_embedding"]


def joint_embedding(
    source: data.Source,
    epochs: int | None = None,
    seed: int = 0,
    objective: Callable[..., objectives.Objective] = objectives.SimCLR,
) -> Recipe:
    """A joint-embedding objective on any photographs: ResNet-18, the natural-image views, the objective's defaults.

    Args:
        source: Any `data.Source`.
        epochs: Number of epochs. Default: 100.
        seed: Seed of weights, order and views. Default: 0.
        objective: Class of the objective. Default: `objectives.SimCLR`.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective simclr`, or another objective's name.
    """
    keras.utils.set_random_seed(seed)
    policy = views.natural_images(source.shape[:2])
    model = objective(encoders.resnet18(source.shape), seed=seed)
    return compiled(model, source, 100 if epochs is None else epochs, views=policy)


def autoencoder(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """A ResNet-18 autoencoder on any photographs.

    Args:
        source: Any `data.Source`.
        epochs: Number of epochs. Default: 50.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective autoencoder`.
    """
    keras.utils.set_random_seed(seed)
    autoencoder = objectives.Autoencoder(encoders.resnet18(source.shape), seed=seed)
    return compiled(autoencoder, source, 50 if epochs is None else epochs)
