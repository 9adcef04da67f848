"""Arrays for images in memory, and resizing of images."""

import os
from typing import Any

import numpy as np

from keras_ssl.data.preparation import Preparation
from keras_ssl.errors import UserError

__all__ = ["as_size", "fit", "fits_in_memory", "resize", "room_for", "with_channels"]


def fits_in_memory(count: int, shape: tuple[int, ...], dtype: Any) -> bool:
    """Return whether `count` images of `shape` take at most half of this machine's memory."""
    return _bytes(count, shape, dtype) <= _half_of_memory()


def room_for(
    count: int,
    shape: tuple[int, ...],
    dtype: Any,
    name: object,
    what: str = "images",
    do: str = "pass a smaller `size`, or fewer images; `load(folder, in_memory=False)` reads them when needed",
) -> np.ndarray:
    """Return an empty array for `count` samples of `shape`.

    Args:
        count: Number of samples.
        shape: Shape of one.
        dtype: Their dtype.
        name: Name of the set, for the error.
        what: What they are called, for the error. Default: `"images"`.
        do: What to do if they do not fit. Default: as for images.

    Raises:
        UserError: If it needs more than half of this machine's memory.
    """
    if not fits_in_memory(count, shape, dtype):
        raise UserError(
            f"{what} that fit into half of the memory ({_half_of_memory() / 1e9:.1f} GB)",
            f"{count} of shape {tuple(shape)} in {name}, {_bytes(count, shape, dtype) / 1e9:.1f} GB",
            do,
        )
    return np.empty((count, *shape), dtype)


def _bytes(count, shape, dtype):
    return count * int(np.prod(shape)) * np.dtype(dtype).itemsize


def _half_of_memory():
    """Half of this machine's memory in bytes; infinity where it is not known."""
    if not hasattr(os, "sysconf"):
        return np.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2


def as_size(size: Any) -> tuple[int, int] | None:
    """Return `(height, width)` for a side length or a pair, and None for None.

    Raises:
        UserError: If it is neither.
    """
    if size is None:
        return None
    pair = (size, size) if np.ndim(size) == 0 else tuple(size)
    if len(pair) != 2 or not all(isinstance(side, int | np.integer) and side > 0 for side in pair):
        raise UserError(
            "a size in pixels, one side length or (height, width)", repr(size), "give one, such as `size=64`"
        )
    return int(pair[0]), int(pair[1])


def resize(images: np.ndarray, size: tuple[int, int] | None, preparation: Preparation | None = None) -> np.ndarray:
    """Return images of shape `(n, *size, channels)`, each resized by `fit`.

    Args:
        images: Array of shape `(n, height, width, channels)`, uint8 or float32.
        size: `(height, width)`, or None to leave them as they are.
        preparation: See `fit`.
    """
    if size is None or images.shape[1:3] == size:
        return images
    return np.stack([fit(image, size, preparation) for image in images])


def fit(image: np.ndarray, size: tuple[int, int], preparation: Preparation | None = None) -> np.ndarray:
    """Return one image in another size.

    Args:
        image: Array of shape `(height, width, channels)`, uint8 or float32.
        size: `(height, width)`.
        preparation: How it is brought to the size. Default: `Preparation()`, which scales it to cover the size and
            crops it at the center, so that its proportions stay.
    """
    from PIL import Image

    preparation = preparation or Preparation()
    if image.dtype == np.uint8 and image.shape[-1] == 3:
        return np.asarray(preparation.resized(Image.fromarray(np.ascontiguousarray(image)), size))
    planes = [Image.fromarray(np.ascontiguousarray(image[..., k])) for k in range(image.shape[-1])]
    return np.stack([np.asarray(preparation.resized(plane, size)) for plane in planes], axis=-1)


def with_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Return gray images with three equal channels, or color images made gray as Pillow does (ITU-R 601-2 luma).

    Args:
        images: Array of shape `(n, height, width, 1 or 3)`, uint8 or float32.
        channels: 3 or 1.
    """
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    gray = np.empty((*images.shape[:-1], 1), images.dtype)
    for k, image in enumerate(images):  # one at a time: the sums are wider than the images
        luma = image.astype("float32") @ np.array((0.299, 0.587, 0.114), "float32")
        gray[k, ..., 0] = luma.round() if images.dtype.kind == "u" else luma
    return gray
