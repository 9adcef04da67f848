"""Which labels the loss of a head leaves out."""

from typing import Any

import keras

from keras_ssl.losses import WhereKnown

__all__ = ["ignored_class", "ignores_missing", "loss_of"]


def ignored_class(model: keras.Model) -> int | None:
    """Return the class number that stands for no label; None if the loss of the model takes every number as a class.

    Args:
        model: Model of one loss: -1 is left out by `losses.WhereKnown`, and `ignore_class` by Keras's
            `SparseCategoricalCrossentropy`.
    """
    return -1 if ignores_missing(model) else getattr(loss_of(model), "ignore_class", None)


def ignores_missing(model: keras.Model) -> bool:
    """Return whether the loss of a model leaves out labels that are missing: whether it is `losses.WhereKnown`.

    Args:
        model: Model of one loss.
    """
    return isinstance(loss_of(model), WhereKnown)


def loss_of(model: keras.Model) -> Any:
    """Return the loss of a model that has one, also if it was compiled with a dict or a list of it; else None.

    Args:
        model: `keras.Model`.
    """
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return losses[0] if len(losses) == 1 else None
