"""Inference in batches."""

import keras
import numpy as np

__all__ = ["predict_in_batches"]


def predict_in_batches(model: keras.Model, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Return a model's outputs for all images.

    The model runs eagerly. `predict` would compile a function for each model and batch size, which takes seconds where
    the work itself takes milliseconds.

    Args:
        model: `keras.Model` with one input and one output.
        images: Array `(n, …)`.
        batch_size: Number of images per batch. Default: 256.

    Returns:
        Float32 array `(n, …)`.
    """
    parts = [model(images[k : k + batch_size], training=False) for k in range(0, len(images), batch_size)]
    return np.concatenate([keras.ops.convert_to_numpy(part).astype("float32") for part in parts])
