"""Checks of images."""

from collections.abc import Sequence
from typing import Any

from keras_ssl.checks.arrays import as_array, check_shape, check_values

__all__ = ["check_images"]


def check_images(
    images: Any,
    value_range: Sequence[float] = (0.0, 1.0),
    channels: int | None = None,
    at_least: int = 2,
    name: str = "images",
    dtype: str = "float32",
) -> None:
    """Raise unless `images` is a batch of shape `(n, height, width, channels)` with the declared dtype and range.

    Args:
        images: Array, tensor, or list of arrays of one shape.
        value_range: Declared lowest and highest value of floats. Default: `(0, 1)`.
        channels: Expected number of channels, or None for any.
        at_least: Smallest number of samples. Default: 2, because nothing can be learned from one.
        name: Name of the images in the error.
        dtype: Declared dtype: `"float32"`, meaning floats of any width, or `"uint8"` in 0..255. Default: `"float32"`.

    Raises:
        UserError: If there are not 4 dimensions, fewer than `at_least` samples, or another dtype than declared; and for
            floats, if there are NaN, Inf, or values outside `value_range` by more than 1e-3 of its width.
    """
    images = as_array(images, name)
    check_shape(images, channels, at_least, name)
    check_values(images, value_range, name, dtype)
