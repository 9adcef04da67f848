"""Inference in batches."""

from typing import Any

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.trees import count, take
from keras_ssl.typing import Samples

__all__ = ["predict_in_batches", "without_copies"]


def without_copies(outputs: Any, batch: Samples) -> Any:
    """Return what `model.predict_on_batch(batch)` has returned, once.

    Under a strategy each replica gets the whole batch, and Keras returns the rows of all of them.

    Args:
        outputs: Array `(n · replicas, …)`, or nested ones.
        batch: Samples `(n, …)`, or a dict of them.
    """
    return keras.tree.map_structure(lambda rows: rows[: count(batch)], outputs)


def predict_in_batches(
    model: keras.Model, samples: Samples, batch_size: int = 256, compiled: bool = False
) -> np.ndarray:
    """Return a model's outputs for all samples.

    The model runs eagerly by default. To compile it takes seconds, where the work itself takes milliseconds.

    Args:
        model: `keras.Model` with one output.
        samples: Array `(n, …)`, or a dict of arrays: what the model takes.
        batch_size: Number of samples per batch. Default: 256.
        compiled: Whether to compile the model, which pays off for one that predicts again and again. It keeps the
            function. Default: False.

    Returns:
        Float32 array `(n, …)`.

    Raises:
        UserError: If the model has several outputs.
    """
    begins = range(0, count(samples), batch_size)
    batches = (take(samples, slice(k, k + batch_size)) for k in begins)
    if compiled:
        parts = [without_copies(model.predict_on_batch(batch), batch) for batch in batches]
    else:
        parts = [model(batch, training=False) for batch in batches]
    if not hasattr(parts[0], "shape"):
        raise UserError(
            "a network with one output",
            f"'{model.name}', which returns a {type(parts[0]).__name__} of {len(parts[0])}",
            "choose one: `keras.Model(encoder.inputs, encoder.outputs[0])`",
        )
    return np.concatenate([keras.ops.convert_to_numpy(part).astype("float32") for part in parts])
