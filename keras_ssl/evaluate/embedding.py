"""Representations of a whole data set."""

import keras
import numpy as np

from keras_ssl.data import Source
from keras_ssl.evaluate.sources import as_source
from keras_ssl.networks import embedder, predict_in_batches
from keras_ssl.typing import Progress

__all__ = ["embed"]


def embed(
    encoder: keras.Model | None,
    images: Source | np.ndarray,
    batch_size: int = 256,
    progress: Progress | None = None,
) -> np.ndarray:
    """Check the values and shape of images, and return their representations.

    Args:
        encoder: `keras.Model` from `(n, …)` to `(n, d)`, an objective (whose embedder is used), or None for the raw
            pixels.
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        batch_size: Images at a time; only these are converted to floats. Default: 256.
        progress: Called as `progress(done, total)` after each batch, or None.

    Returns:
        Float32 array `(n, d)`.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the encoder.
    """
    source = as_source(images, encoder)
    if encoder is None:
        return source.floats().reshape(len(source), -1)
    encoder = embedder(encoder)
    parts = []
    for begin in range(0, len(source), batch_size):
        parts.append(predict_in_batches(encoder, source[begin : begin + batch_size].floats(), batch_size))
        if progress:
            progress(min(begin + batch_size, len(source)), len(source))
    return np.concatenate(parts)
