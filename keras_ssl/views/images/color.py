"""Operations that change colors and leave pixels where they are."""

import math

import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.typing import Operation
from keras_ssl.views.draws import draw, keep_or_change
from keras_ssl.views.images.layout import to_nhcw, to_nhwc

__all__ = ["color_jitter", "grayscale", "solarize"]


# ITU-R BT.601: from red, green, blue to luma Y and the chroma axes I and Q. The first row gives the gray value.
RGB_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])


def _gray(nhcw):
    """Return the gray value of each pixel, `(n, h, 1, w)`: luma of three channels, else the mean of the channels."""
    if nhcw.shape[2] != 3:
        return ops.mean(nhcw, axis=2, keepdims=True)
    return sum(float(weight) * nhcw[:, :, k : k + 1] for k, weight in enumerate(RGB_TO_YIQ[0]))


def _chroma_matrices(saturation, turns):
    """Return RGB matrices `(n, 3, 3)` that scale the chroma plane of YIQ by `saturation` and rotate it; luma stays."""
    cos, sin = saturation * ops.cos(2 * math.pi * turns), saturation * ops.sin(2 * math.pi * turns)
    zero, one = ops.zeros_like(cos), ops.ones_like(cos)
    rows = [[one, zero, zero], [zero, cos, -sin], [zero, sin, cos]]
    chroma = ops.stack([ops.stack(row, axis=-1) for row in rows], axis=-2)
    to_yiq = ops.convert_to_tensor(RGB_TO_YIQ, dtype="float32")
    from_yiq = ops.convert_to_tensor(np.linalg.inv(RGB_TO_YIQ), dtype="float32")
    return ops.matmul(from_yiq, ops.matmul(chroma, to_yiq))


def color_jitter(
    brightness: float = 0.4, contrast: float = 0.4, saturation: float = 0.4, hue: float = 0.1, probability: float = 0.8
) -> Operation:
    """Make an operation that changes brightness, contrast, saturation and hue, in this order.

    Args:
        brightness: Strength b. The image is multiplied by a factor uniform in `max(0, 1 - b)..1 + b`. Default: 0.4.
        contrast: Strength of a factor for the distance of each value from the image's mean gray. Default: 0.4.
        saturation: Strength of a factor for the distance of each value from its pixel's gray; RGB only. Default: 0.4.
        hue: Largest rotation of the hue in either direction, in turns, 0..0.5; RGB only. Default: 0.1.
        probability: Probability that an image is changed, in 0..1. Default: 0.8.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape. If `c` is not 3, only brightness and contrast
        change.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Chen et al., "SimCLR", 2020, appendix A: strengths 0.8 s, 0.8 s, 0.8 s, 0.2 s, probability 0.8, where s is 1
        on ImageNet and 0.5 on CIFAR-10.

    Departures:
        The order is fixed. Saturation and hue are one linear map that scales and rotates the chroma plane of YIQ, so
        luma stays (others shift the hue in HSV). Values are clipped once, at the end.
    """
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    ranges = [_factor(*item) for item in strengths.items()]
    check_range("hue", (0.0, hue), 0.0, 0.5)
    check_between("probability", probability, least=0, most=1)

    def jitter(images, seed):
        b, c, s, h, chance = draw(seed, images, *ranges, (-hue, hue), (0, 1))
        nhcw = to_nhcw(images)
        gray = _gray(ops.mean(nhcw, axis=(1, 3), keepdims=True))
        changed = b * (c * nhcw + (1 - c) * gray)
        if images.shape[-1] == 3:
            matrix = _chroma_matrices(s[:, 0, 0, 0], h[:, 0, 0, 0])[:, None, :, :, None]
            changed = sum(matrix[:, :, :, k] * changed[:, :, k : k + 1] for k in range(3))
        changed = ops.clip(changed, 0.0, 1.0)
        return to_nhwc(keep_or_change(nhcw, changed, probability, chance))

    return jitter


def _factor(name, strength):
    check_range(name, (0.0, strength), 0.0, 10.0)
    return max(0.0, 1.0 - strength), 1.0 + strength


def grayscale(probability: float = 0.2) -> Operation:
    """Make an operation that replaces RGB by its gray value in all three channels.

    Args:
        probability: Probability for each image, in 0..1. Default: 0.2 (SimCLR, 2020, appendix A).

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape. It changes nothing if `c` is not 3.

    Raises:
        UserError: If the probability is not in 0..1.
    """
    check_between("probability", probability, least=0, most=1)

    def remove_color(images, seed):
        if images.shape[-1] != 3:
            return images
        (chance,) = draw(seed, images, (0, 1))
        nhcw = to_nhcw(images)
        gray = ops.broadcast_to(_gray(nhcw), ops.shape(nhcw))
        return to_nhwc(keep_or_change(nhcw, gray, probability, chance))

    return remove_color


def solarize(threshold: float = 0.5, probability: float = 0.1) -> Operation:
    """Make an operation that inverts values from a threshold up: `x` becomes `1 - x`.

    Args:
        threshold: Smallest value that is inverted, in 0..1. Default: 0.5.
        probability: Probability for each image, in 0..1. Default: 0.1, the mean of BYOL's two views (0 and 0.2).

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Grill et al., "BYOL", 2020, table 6.
    """
    check_range("threshold", (0.0, threshold), 0.0, 1.0)
    check_between("probability", probability, least=0, most=1)

    def invert_bright(images, seed):
        (chance,) = draw(seed, images, (0, 1))
        return keep_or_change(images, ops.where(images >= threshold, 1.0 - images, images), probability, chance)

    return invert_bright
