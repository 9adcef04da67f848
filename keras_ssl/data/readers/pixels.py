"""Room for images in memory, and images brought to one size."""

import os

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["room_for", "as_size", "resize", "fit"]


def room_for(count, shape, dtype, name):
    """Return an empty array for `count` images of `shape`, or say that they do not fit.

    Raises:
        UserError: When they need more than half of this machine's memory.
    """
    needed = count * int(np.prod(shape)) * np.dtype(dtype).itemsize
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > memory / 2:
            raise UserError(
                f"images that fit into half of the memory ({memory / 2e9:.1f} GB), where they are held",
                f"{count} of shape {tuple(shape)} in {name}, {needed / 1e9:.1f} GB",
                "pass a smaller `size`, or fewer images",
            )
    return np.empty((count, *shape), dtype)


def as_size(size):
    """Return `(height, width)` for a side length or a pair; None stays None.

    Raises:
        UserError: When it is neither.
    """
    if size is None:
        return None
    pair = (size, size) if np.ndim(size) == 0 else tuple(size)
    if len(pair) != 2 or not all(isinstance(side, int | np.integer) and side > 0 for side in pair):
        raise UserError("a size in pixels, one side length or (height, width)", repr(size), "write `size=64`, say")
    return int(pair[0]), int(pair[1])


def resize(images, size):
    """Return images of shape `(n, *size, channels)`, each scaled and cut in the middle by `fit`.

    Args:
        images: Array of shape `(n, height, width, channels)`, uint8 or float32.
        size: `(height, width)`, or None to leave them as they are.
    """
    if size is None or images.shape[1:3] == size:
        return images
    return np.stack([fit(image, size) for image in images])


def fit(image, size):
    """Return one image scaled to cover `size` and cut in the middle, so that nothing is squeezed.

    Args:
        image: Array of shape `(height, width, channels)`, uint8 or float32.
        size: `(height, width)`.
    """
    from PIL import Image, ImageOps

    planes = [Image.fromarray(np.ascontiguousarray(image[..., k])) for k in range(image.shape[-1])]
    fitted = [ImageOps.fit(plane, size[::-1], method=Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(plane) for plane in fitted], axis=-1)
