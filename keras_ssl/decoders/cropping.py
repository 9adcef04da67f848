"""Cropping a feature map that was upsampled too far."""

from keras import layers

from keras_ssl.typing import Tensor

__all__ = ["cropped"]


def cropped(x: Tensor, size: tuple[int, ...], k: int) -> Tensor:
    """Crop a feature map to a size, evenly on all sides.

    Args:
        x: Symbolic tensor `(n, height, width, channels)`, or `(n, time, channels)`.
        size: `(height, width)` or `(time,)` to crop to.
        k: Number in the layer's name, `crop_k`.

    Returns:
        Symbolic tensor `(n, *size, channels)`; `x` itself if it already has that size.
    """
    extra = [old - new for new, old in zip(size, x.shape[1:-1])]
    if not any(extra):
        return x
    evenly = [(e // 2, e - e // 2) for e in extra]
    if len(size) == 1:
        return layers.Cropping1D(evenly[0], name=f"crop_{k}")(x)
    return layers.Cropping2D(evenly, name=f"crop_{k}")(x)
