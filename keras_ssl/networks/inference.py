"""Running a model over many samples."""

import keras
import numpy as np

__all__ = ["predict_in_batches"]


def predict_in_batches(model, images, batch_size=256):
    """Return a model's outputs for all images.

    The model is called layer by layer: `predict` would compile a function for each model and each size of batch, which
    costs seconds where the work itself takes milliseconds.

    Args:
        model: `keras.Model` with one input and one output.
        images: Array `(n, …)`.
        batch_size: Images at a time. Default 256.

    Returns:
        Float32 array `(n, …)`.
    """
    parts = [model(images[k : k + batch_size], training=False) for k in range(0, len(images), batch_size)]
    return np.concatenate([keras.ops.convert_to_numpy(part).astype("float32") for part in parts])
