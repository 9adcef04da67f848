"""From images to sequences of patches, and back."""

from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["patchify", "unpatchify"]


def patchify(images: Tensor, patch: int) -> Tensor:
    """Cut images into square patches, row by row.

    Args:
        images: Tensor `(n, height, width, channels)`, symbolic or not; both sides are multiples of `patch`.
        patch: Side of a patch in pixels.

    Returns:
        Tensor `(n, height * width / patch², patch² * channels)`.
    """
    _, height, width, channels = images.shape
    x = ops.reshape(images, (-1, height // patch, patch, width // patch, patch, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height * width // patch**2, patch**2 * channels))


def unpatchify(patches: Tensor, shape: tuple[int, int, int], patch: int) -> Tensor:
    """Reassemble images from patches: the inverse of `patchify`.

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
