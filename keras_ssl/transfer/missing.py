"""Which labels the loss of a head leaves out."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.losses import WhereKnown

__all__ = ["check_some_count", "ignored_class", "ignores_missing", "loss_of"]


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


def check_some_count(loss: WhereKnown, labels: np.ndarray, name: str = "labels") -> None:
    """Raise if a loss leaves out all labels, though some are known: those of rows that lack another one.

    Args:
        loss: The loss.
        labels: Array `(n, …)` in the shape of the predictions.
        name: What the labels are called. Default: "labels".

    Raises:
        UserError: If it does.
    """
    _, weights = loss.weighted(labels, np.zeros(labels.shape, "float32"))
    if not ops.any(weights > 0):
        raise UserError(
            f"at least one sample of which all {labels[0].size} {name} are known, as this loss averages over samples",
            f"{len(labels)} samples that lack some",
            "give a loss with a value for each label, as `losses.each_binary_crossentropy` has for labels of 0 and 1, "
            "or a head for each",
        )


def loss_of(model: keras.Model) -> Any:
    """Return the loss of a model that has one, also if it was compiled with a dict or a list of it; else None.

    Args:
        model: `keras.Model`.
    """
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return losses[0] if len(losses) == 1 else None
