"""Representations of a whole data set."""

import numpy as np

from keras_ssl.evaluate.sources import as_source
from keras_ssl.networks import embedder, predict_in_batches

__all__ = ["embed"]


def embed(encoder, images, batch_size=256, progress=None):
    """Return the representations of images, after a check of their values and shape.

    Args:
        encoder: `keras.Model` from `(n, …)` to `(n, d)`, an objective (whose embedder is used), or None for the raw
            pixels.
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        batch_size: Images at a time, which alone are converted to floats. Default 256.
        progress: Called as `progress(done, total)` after each batch, or None.

    Returns:
        Float32 array `(n, d)`.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the encoder.
    """
    images = as_source(images, encoder)
    if encoder is None:
        return images.floats().reshape(len(images), -1)
    encoder = embedder(encoder)
    parts = []
    for begin in range(0, len(images), batch_size):
        parts.append(predict_in_batches(encoder, images[begin : begin + batch_size].floats(), batch_size))
        if progress:
            progress(min(begin + batch_size, len(images)), len(images))
    return np.concatenate(parts)
