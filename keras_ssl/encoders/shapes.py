"""The check of the shape that an encoder is built for."""

from typing import Any

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.typing import Shape

__all__ = ["checked_shape"]


def checked_shape(input_shape: Any, images: bool = True, any_size: bool = False) -> Shape:
    """Return the shape of one sample as a tuple.

    Args:
        input_shape: What an encoder got as `input_shape`.
        images: Whether it must be `(height, width, channels)`. Default: True.
        any_size: Whether height and width may be None. Default: False.

    Raises:
        UserError: If it is not such a shape.
    """
    sizes = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    whole = [isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1 for size in sizes]
    right = [known or (size is None and any_size and k < 2) for k, (known, size) in enumerate(zip(whole, sizes))]
    if not sizes or not all(right) or (images and len(sizes) != 3):
        if None in sizes and len(sizes) == 3:
            do = "give the number of channels" if sizes[2] is None else "give the size of the images"
            do += "" if sizes[2] is None else ", or use `conv_net` or `resnet18`, which may take any"
        else:
            do = "give it without the axis of samples; gray images have 1 channel"
        wanted = "(height, width, channels)" if images else "the shape of one sample"
        raise UserError(
            f"input_shape as {wanted}, " + ("whole numbers; height and width may be None" if any_size else "all known"),
            repr(input_shape),
            do,
        )
    return sizes
