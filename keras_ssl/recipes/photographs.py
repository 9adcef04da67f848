"""Recipes for any photographs. No scores are claimed."""

import keras

from keras_ssl import encoders, objectives, views
from keras_ssl.recipes.recipe import compiled

__all__ = ["autoencoder", "joint_embedding"]


def joint_embedding(source, epochs=None, seed=0, objective=objectives.SimCLR):
    """A joint-embedding objective on any photographs: ResNet-18, the natural-image views, the objective's defaults.

    Args:
        source: Any `data.Source`.
        epochs: Default 100.
        seed: Of weights, order and views.
        objective: Class of the objective. Default `objectives.SimCLR`.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective simclr`, or another objective's name.
    """
    keras.utils.set_random_seed(seed)
    policy = views.natural_images(source.shape[:2])
    model = objective(encoders.resnet18(source.shape), seed=seed)
    return compiled(model, source, 100 if epochs is None else epochs, views=policy)


def autoencoder(source, epochs=None, seed=0):
    """A ResNet-18 autoencoder on any photographs.

    Args:
        source: Any `data.Source`.
        epochs: Default 50.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective autoencoder`.
    """
    keras.utils.set_random_seed(seed)
    autoencoder = objectives.Autoencoder(encoders.resnet18(source.shape), seed=seed)
    return compiled(autoencoder, source, 50 if epochs is None else epochs)
