"""Inference in batches."""

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.trees import count, take
from keras_ssl.typing import Samples

__all__ = ["predict_in_batches"]


def predict_in_batches(model: keras.Model, samples: Samples, batch_size: int = 256) -> np.ndarray:
    """Return a model's outputs for all samples.

    The model runs eagerly. `predict` would compile a function for each model and batch size, which takes seconds where
    the work itself takes milliseconds.

    Args:
        model: `keras.Model` with one output.
        samples: Array `(n, …)`, or a dict of arrays: what the model takes.
        batch_size: Number of samples per batch. Default: 256.

    Returns:
        Float32 array `(n, …)`.

    Raises:
        UserError: If the model has several outputs.
    """
    begins = range(0, count(samples), batch_size)
    parts = [model(take(samples, slice(k, k + batch_size)), training=False) for k in begins]
    if not hasattr(parts[0], "shape"):
        raise UserError(
            "a network with one output",
            f"'{model.name}', which returns a {type(parts[0]).__name__} of {len(parts[0])}",
            "choose one: `keras.Model(encoder.inputs, encoder.outputs[0])`",
        )
    return np.concatenate([keras.ops.convert_to_numpy(part).astype("float32") for part in parts])
