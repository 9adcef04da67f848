"""Images as evaluations take them."""

from typing import Any, cast

import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source, check_labeled, from_arrays
from keras_ssl.networks import embedder

__all__ = ["as_source", "labeled"]


def as_source(images: Source | np.ndarray, model: Any = None) -> Source:
    """Check the values and shape of images, and return them as a `data.Source`.

    Args:
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        model: `keras.Model` that they must fit, an objective (whose embedder they must fit), or None. Shapes are not
            checked against anything else.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the model.
    """
    if isinstance(images, Source):
        source = images
    else:
        checks.check_images(images, at_least=1)  # floats in 0..1; only a source can declare uint8
        source = from_arrays(images)
    checks.check_images(source.images, at_least=1, dtype=source.dtype)
    model = embedder(model)
    if hasattr(model, "input_shape"):
        checks.check_fits(source.images, model)
    return source


def labeled(source: Source) -> tuple[np.ndarray, int]:
    """Return the labels `(n,)` and the number of classes of a source; without labels it is a `UserError`."""
    check_labeled(source)
    return cast(np.ndarray, source.labels), cast(int, source.classes)
