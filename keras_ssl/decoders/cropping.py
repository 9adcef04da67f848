"""Cropping a feature map that was upsampled too far."""

from keras import layers

from keras_ssl.typing import Tensor

__all__ = ["cropped"]


def cropped(x: Tensor, size: tuple[int, int], k: int) -> Tensor:
    """Crop a feature map to a size, evenly on all sides.

    Args:
        x: Symbolic tensor `(n, height, width, channels)`.
        size: `(height, width)` to crop to.
        k: Number in the layer's name, `crop_k`.

    Returns:
        Symbolic tensor `(n, *size, channels)`; `x` itself if it already has that size.
    """
    extra = [old - new for new, old in zip(size, x.shape[1:3])]
    return layers.Cropping2D([(e // 2, e - e // 2) for e in extra], name=f"crop_{k}")(x) if any(extra) else x
