"""Cutting a map that was enlarged too much."""

from keras import layers

__all__ = ["cropped"]


def cropped(x, size, k):
    extra = [old - new for new, old in zip(size, x.shape[1:3])]
    return layers.Cropping2D([(e // 2, e - e // 2) for e in extra], name=f"crop_{k}")(x) if any(extra) else x
