"""Representations of a whole data set."""

import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source, from_arrays
from keras_ssl.transfer import predict_in_batches

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
    if not isinstance(images, Source):
        checks.check_images(images, at_least=1)  # floats in 0..1; only a source may say that it holds uint8
        images = from_arrays(images)
    checks.check_images(images.images, at_least=1, dtype=images.dtype)
    if encoder is None:
        return images.floats().reshape(len(images), -1)
    encoder = getattr(encoder, "embedder", encoder)
    checks.check_fits(images.images, encoder)
    parts = []
    for begin in range(0, len(images), batch_size):
        parts.append(predict_in_batches(encoder, images[begin : begin + batch_size].floats(), batch_size))
        if progress:
            progress(min(begin + batch_size, len(images)), len(images))
    return np.concatenate(parts)
