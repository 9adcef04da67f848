"""Cutting a map that was enlarged too much."""

from keras import layers

__all__ = ["cropped"]


def cropped(x, size, k):
    """Crop a feature map to a size, evenly on all sides.

    Args:
        x: Symbolic tensor `(n, height, width, channels)`.
        size: `(height, width)` to crop to.
        k: Number in the layer's name.

    Returns:
        Symbolic tensor `(n, *size, channels)`; `x` itself where it has that size.
    """
    extra = [old - new for new, old in zip(size, x.shape[1:3])]
    return layers.Cropping2D([(e // 2, e - e // 2) for e in extra], name=f"crop_{k}")(x) if any(extra) else x
