"""Operations that move pixels: crop and resize, flip, affine.

Crops are two small matrix products per image, `rows · image · columnsᵀ`, which is much faster on CPUs than gathering
pixels. A product costs `target · source` multiplications per row of pixels, so resize large photographs once, before
training, to little more than the size of the views.
"""

import math

from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.transforms.masks import random_boxes
from keras_ssl.typing import Operation, Tensor
from keras_ssl.views.draws import draw, keep_or_change
from keras_ssl.views.images.layout import sizes, to_nhcw, to_nhwc

__all__ = ["random_resized_crop", "flip", "affine", "interpolation_matrix", "resample"]


def interpolation_matrix(start: Tensor, length: Tensor, source: int, target: int) -> Tensor:
    """Make the matrices that resample `[start, start + length)` of a row of pixels to `target` pixels.

    This is bilinear interpolation, antialiased if the image shrinks: the weights are a triangle around each new pixel's
    center, with the width of an old or a new pixel, whichever is larger. Each row sums to 1.

    Args:
        start: Float tensor of shape `(n,)`: where the new row starts, in old pixels.
        length: Float tensor of shape `(n,)`: its length, in old pixels.
        source: Number of old pixels.
        target: Number of new pixels.

    Returns:
        Float tensor of shape `(n, target, source)`.
    """
    step = (length / target)[:, None]
    new = start[:, None] + step * (ops.arange(target, dtype="float32") + 0.5)
    old = ops.arange(source, dtype="float32") + 0.5
    distance = ops.abs(new[:, :, None] - old) / ops.maximum(step, 1.0)[:, :, None]
    weights = ops.relu(1.0 - distance)
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def resample(nhcw: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply one matrix along the height and one along the width of each image: `rows · image · columnsᵀ`.

    Args:
        nhcw: Float tensor of shape `(n, height, c, width)`; see `keras_ssl.views.images.layout`.
        rows: Float tensor of shape `(n, new_height, height)`.
        columns: Float tensor of shape `(n, new_width, width)`.

    Returns:
        Float tensor of shape `(n, new_height, c, new_width)`.
    """
    count, height, channels, width = ops.shape(nhcw)
    new_height, new_width = rows.shape[1], columns.shape[1]
    shrunk = ops.matmul(rows, ops.reshape(nhcw, (count, height, channels * width)))
    shrunk = ops.reshape(shrunk, (count, new_height * channels, width))
    return ops.reshape(ops.matmul(shrunk, ops.swapaxes(columns, 1, 2)), (count, new_height, channels, new_width))


def random_resized_crop(
    size: int | tuple[int, int], scale: tuple[float, float] = (0.08, 1.0), ratio: tuple[float, float] = (3 / 4, 4 / 3)
) -> Operation:
    """Make an operation that crops a random box and resizes it, bilinear and antialiased.

    Args:
        size: Side of the square result in pixels, or `(height, width)`.
        scale: Lowest and highest area of the box, as fractions of the image's, in 0..1. Default: `(0.08, 1)`.
        ratio: Lowest and highest width / height of the box in pixels. Default: `(3/4, 4/3)`.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to `(n, *size, c)`.

    Raises:
        UserError: If the size or a range is invalid.

    Reference:
        Szegedy et al., "Going Deeper with Convolutions", 2015, section 6; these ranges: Chen et al., "SimCLR", 2020,
        appendix A.

    Departures:
        Boxes are not rounded to whole pixels. At its edge, a crop interpolates with the pixels just outside.
    """
    height, width = (size, size) if isinstance(size, int) else size
    for side in (height, width):
        check_between("size", side, least=1, whole=True)
    scale = check_range("scale", scale, 1e-4, 1.0)
    ratio = check_range("ratio", ratio, 1e-2, 1e2)

    def crop(images, seed):
        count, from_height, from_width, _ = sizes(images)
        top, left, box_height, box_width = random_boxes(count, from_height, from_width, scale, ratio, seed)
        rows = interpolation_matrix(top, box_height, from_height, height)
        columns = interpolation_matrix(left, box_width, from_width, width)
        return to_nhwc(resample(to_nhcw(images), rows, columns))

    return crop


def flip(horizontal: float = 0.5, vertical: float = 0.0) -> Operation:
    """Make an operation that mirrors images.

    Args:
        horizontal: Probability of swapping left and right, in 0..1. Default: 0.5.
        vertical: Probability of swapping top and bottom, in 0..1. Default: 0.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape.

    Raises:
        UserError: If a probability is not in 0..1.
    """
    check_between("horizontal", horizontal, least=0, most=1)
    check_between("vertical", vertical, least=0, most=1)

    def mirror(images, seed):
        across, down = draw(seed, images, (0, 1), (0, 1))
        nhcw = to_nhcw(images)
        nhcw = keep_or_change(nhcw, ops.flip(nhcw, axis=3), horizontal, across)
        return to_nhwc(keep_or_change(nhcw, ops.flip(nhcw, axis=1), vertical, down))

    return mirror


def affine(
    rotate: float | tuple[float, float] = 0.0,
    translate: float | tuple[float, float] = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
    shear: float | tuple[float, float] = 0.0,
    fill: float = 0.0,
) -> Operation:
    """Make an operation that rotates, shears, scales and shifts images about their center, bilinear.

    Args:
        rotate: Largest angle in degrees, in either direction; or `(low, high)`, counterclockwise. Default: 0.
        translate: Largest shift along each axis as a fraction of the side, in either direction; or `(low, high)`.
            Default: 0.
        scale: Lowest and highest magnification. Default: `(1, 1)`.
        shear: Largest angle in degrees by which vertical lines lean, in either direction; or `(low, high)`. Default: 0.
        fill: Value of pixels from outside the image. Default: 0.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape.

    Raises:
        UserError: If a range is invalid.
    """
    rotate = check_range("rotate", _both_ways(rotate), -360.0, 360.0)
    translate = check_range("translate", _both_ways(translate), -1.0, 1.0)
    scale = check_range("scale", scale, 1e-2, 1e2)
    shear = check_range("shear", _both_ways(shear), -80.0, 80.0)
    check_between("fill", fill)

    def transform(images, seed):
        _, rows, columns, _ = sizes(images)
        height, width = ops.cast(rows, "float32"), ops.cast(columns, "float32")
        drawn = draw(seed, images, rotate, shear, scale, translate, translate)
        angle, lean, magnification, down, right = (value[..., 0] for value in drawn)
        angle, lean = angle * (math.pi / 180), lean * (math.pi / 180)
        # The inverse map, from a pixel of the result to its source in the image, relative to the center.
        y = ops.arange(rows, dtype="float32")[:, None] - (height - 1) / 2 - down * height
        x = ops.arange(columns, dtype="float32") - (width - 1) / 2 - right * width
        turned_x = (ops.cos(angle) * x - ops.sin(angle) * y) / magnification
        turned_y = (ops.sin(angle) * x + ops.cos(angle) * y) / magnification
        source_x = turned_x + ops.tan(lean) * turned_y
        return fill + _bilinear(images - fill, turned_y + (height - 1) / 2, source_x + (width - 1) / 2)

    return transform


def _both_ways(value):
    return (-value, value) if isinstance(value, (int, float)) else value


def _bilinear(images, y, x):
    """Interpolate `images` of shape `(n, h, w, c)` at `y`, `x` of shape `(n, h', w')`; outside, values are 0."""
    count, height, width, channels = sizes(images)
    pixels = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(count, dtype="int32") * (height * width), (-1, 1, 1))
    bottom, right = ops.cast(height, "float32"), ops.cast(width, "float32")
    top, left = ops.floor(y), ops.floor(x)
    result = 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = ops.relu(1 - ops.abs(y - row)) * ops.relu(1 - ops.abs(x - column))
            inside = (row >= 0) & (row < bottom) & (column >= 0) & (column < right)
            near_row = ops.cast(ops.clip(row, 0, bottom - 1), "int32")
            near_column = ops.cast(ops.clip(column, 0, right - 1), "int32")
            value = ops.take(pixels, first + near_row * width + near_column, axis=0)
            result += ops.where(inside, weight, 0.0)[..., None] * value
    return result
