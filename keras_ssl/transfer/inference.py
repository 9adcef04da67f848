"""Running a model over many samples."""

import numpy as np

__all__ = ["predict_in_batches"]


def predict_in_batches(model, images, batch_size=256):
    """Return a model's outputs for all images.

    A loop over `predict_on_batch`, whose compiled function the model keeps; `predict` sets up a data pipeline at each call,
    which costs more than the work itself where there are few images.

    Args:
        model: `keras.Model` with one input and one output.
        images: Array `(n, …)`.
        batch_size: Images at a time. Default 256.

    Returns:
        Float32 array `(n, …)`.
    """
    parts = [model.predict_on_batch(images[k : k + batch_size]) for k in range(0, len(images), batch_size)]
    return np.concatenate([np.asarray(part, "float32") for part in parts])
