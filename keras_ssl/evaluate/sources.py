"""Images as evaluations take them."""

from typing import Any

import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source, from_arrays
from keras_ssl.networks import embedder

__all__ = ["as_source"]


def as_source(images: Source | np.ndarray, model: Any = None) -> Source:
    """Check the values and shape of images, and return them as a `data.Source`.

    Args:
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        model: `keras.Model` that they must fit, an objective (whose embedder they must fit), or None. Shapes are not
            checked against anything else.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the model.
    """
    if not isinstance(images, Source):
        checks.check_images(images, at_least=1)  # floats in 0..1; only a source may say that it holds uint8
        images = from_arrays(images)
    checks.check_images(images.images, at_least=1, dtype=images.dtype)
    model = embedder(model)
    if hasattr(model, "input_shape"):
        checks.check_fits(images.images, model)
    return images
