"""Representations of a whole data set."""

import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source
from keras_ssl.transfer import predict_in_batches

__all__ = ["embed"]


def embed(encoder, images, batch_size=256):
    """Return the representations of images, after a check of their values and shape.

    Args:
        encoder: `keras.Model` from `(n, …)` to `(n, d)`, an objective (whose embedder is used), or None for the raw
            pixels.
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        batch_size: Images at a time. Default 256.

    Returns:
        Float32 array `(n, d)`.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the encoder.
    """
    images = images.floats() if isinstance(images, Source) else np.asarray(images)
    checks.check_images(images, at_least=1)
    if encoder is None:
        return images.reshape(len(images), -1).astype("float32")
    encoder = getattr(encoder, "embedder", encoder)
    checks.check_fits(images, encoder)
    return predict_in_batches(encoder, images, batch_size)
