"""Images as sequences of patches, and back."""

from keras import ops

__all__ = ["patchify", "unpatchify"]


def patchify(images, patch):
    """Cut images into square patches, row by row.

    Args:
        images: Tensor `(n, height, width, channels)`, also a symbolic one; both sides are multiples of `patch`.
        patch: Side of a patch in pixels.

    Returns:
        Tensor `(n, height * width / patch², patch² * channels)`.
    """
    _, height, width, channels = images.shape
    x = ops.reshape(images, (-1, height // patch, patch, width // patch, patch, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height * width // patch**2, patch**2 * channels))


def unpatchify(patches, shape, patch):
    """Put patches together again: the inverse of `patchify`.

    Args:
        patches: Tensor `(n, height * width / patch², patch² * channels)`.
        shape: `(height, width, channels)` of the images.
        patch: Side of a patch in pixels.

    Returns:
        Tensor `(n, height, width, channels)`.
    """
    height, width, channels = shape
    x = ops.reshape(patches, (-1, height // patch, width // patch, patch, patch, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))
