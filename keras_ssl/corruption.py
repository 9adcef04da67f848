"""Noise and masks: what is added to a sample, or hidden of it. Pure functions of their arguments and a seed."""

import math

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.seeds import SeedStream

__all__ = ["gaussian_noise", "masking_noise", "salt_and_pepper", "random_boxes", "block_mask", "random_mask"]


@keras.saving.register_keras_serializable("keras_ssl")
def gaussian_noise(x, stddev, seed):
    """Add noise `stddev · n`, where every element of `n` is drawn from N(0, 1). Nothing is clipped.

    Args:
        x: Float tensor of any shape.
        stddev: Standard deviation in the unit of `x`: a number, or a tensor that broadcasts with `x`, such as
            `(n, 1, 1, 1)` for one deviation per image.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        A tensor like `x`.
    """
    x = ops.convert_to_tensor(x)
    return x + stddev * ops.cast(_standard_normal(ops.shape(x), seed), x.dtype)


@keras.saving.register_keras_serializable("keras_ssl")
def masking_noise(x, rate, seed):
    """Set each element to 0 with some probability.

    Args:
        x: Float tensor of any shape.
        rate: The probability, 0..1: a number or a scalar tensor.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        A tensor like `x`.

    Raises:
        UserError: If `rate` is a number outside 0..1.

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.3.
    """
    check_between("rate", rate, 0, 1)
    x = ops.convert_to_tensor(x)
    units = keras.random.uniform(ops.shape(x), seed=SeedStream(seed))
    return ops.where(units < rate, ops.zeros_like(x), x)


@keras.saving.register_keras_serializable("keras_ssl")
def salt_and_pepper(x, rate, seed):
    """Set each element with some probability to 0 or to 1, whichever a coin says.

    Args:
        x: Float tensor of any shape, in 0..1.
        rate: The probability, 0..1: a number or a scalar tensor.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        A tensor like `x`.

    Raises:
        UserError: If `rate` is a number outside 0..1.

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.3.
    """
    check_between("rate", rate, 0, 1)
    x = ops.convert_to_tensor(x)
    units = keras.random.uniform(ops.shape(x), seed=SeedStream(seed))
    extreme = ops.cast(units < rate / 2, x.dtype)
    return ops.where(units < rate, extreme, x)


def _standard_normal(shape, seed):
    """Draw from N(0, 1) by hashing each element's position with a key.

    `keras.random.normal` takes 250 ns a value under XLA on a CPU, which is 200 ms for 256 images of 32x32x3; this takes
    2 ns, and as long as `keras.random.normal` without XLA. It is good for noise, not for cryptography.
    """
    key = ops.cast(keras.random.randint((2,), 0, 2**31 - 1, seed=SeedStream(seed)), "uint32")
    position = ops.cast(ops.reshape(ops.arange(math.prod(shape), dtype="int32"), shape), "uint32")
    bits = _scramble(_scramble(position + key[0]) + key[1])
    # 23 bits fill float32 exactly: the arguments of erfinv are odd multiples of 2⁻²³, symmetric and never ±1.
    centred = (ops.cast(ops.right_shift(bits, _uint32(9)), "float32") + 0.5) * 2.0**-22 - 1.0
    return math.sqrt(2) * ops.erfinv(centred)


def _scramble(bits):
    """Hash 32 bits so that each bit of the result depends on all: lowbias32 of C. Wellons' Hash Prospector (2018)."""
    bits = ops.bitwise_xor(bits, ops.right_shift(bits, _uint32(16))) * _uint32(0x7FEB352D)
    bits = ops.bitwise_xor(bits, ops.right_shift(bits, _uint32(15))) * _uint32(0x846CA68B)
    return ops.bitwise_xor(bits, ops.right_shift(bits, _uint32(16)))


def _uint32(value):
    return ops.convert_to_tensor(value, dtype="uint32")


def random_boxes(count, height, width, area, ratio, seed):
    """Draw boxes of random area, aspect ratio and place that lie inside an image.

    The area is uniform in its range, the logarithm of the ratio uniform in its range, the place uniform among those
    that fit. A ratio at which the box would stick out of the image gives way to the nearest one that fits, so that the
    area keeps its distribution.

    Args:
        count: Number of boxes, `n`.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        area: Lowest and highest area, as fractions of the image's, in 0..1.
        ratio: Lowest and highest width / height, above 0.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        `(top, left, box_height, box_width)`, four float tensors of shape `(n,)` in pixels, not rounded.

    Reference:
        Szegedy et al., "Going Deeper with Convolutions", 2015, section 6.

    Departures:
        Common implementations draw again until a box fits, up to ten times, and then take the centre of the image.
    """
    # One call draws all four: XLA compiles one generator, and the next seed is free for the caller.
    units = keras.random.uniform((4, count), seed=SeedStream(seed))
    area = area[0] + (area[1] - area[0]) * units[0]
    ratio = ratio[0] * (ratio[1] / ratio[0]) ** units[1]
    ratio = ops.clip(ratio, area * width / height, width / (height * area))
    box_height = ops.sqrt(area * height * width / ratio)
    box_width = box_height * ratio
    return (height - box_height) * units[2], (width - box_width) * units[3], box_height, box_width


def block_mask(count, height, width, area, ratio, seed):
    """Hide one random box of each image: the pixels whose centres lie in it.

    Args:
        count: Number of masks, `n`.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        area: Lowest and highest area, as fractions of the image's, in 0..1.
        ratio: Lowest and highest width / height, above 0.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Boolean tensor of shape `(n, height, width)`; True = hidden.

    Reference:
        Zhong et al., "Random Erasing Data Augmentation", 2020, algorithm 1.
    """
    boxes = random_boxes(count, height, width, area, ratio, seed)
    top, left, box_height, box_width = (value[:, None] for value in boxes)
    y, x = ops.arange(height, dtype="float32") + 0.5, ops.arange(width, dtype="float32") + 0.5
    rows = ops.logical_and(y >= top, y < top + box_height)
    columns = ops.logical_and(x >= left, x < left + box_width)
    return ops.logical_and(rows[:, :, None], columns[:, None, :])


def random_mask(count, length, hidden, seed):
    """Hide the same number of places in each sequence, every choice of them equally likely.

    Args:
        count: Number of masks, `n`.
        length: Number of places.
        hidden: How many of them to hide, in 0..length.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Boolean tensor of shape `(n, length)`; True = hidden, `hidden` times in each row.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 3.
    """
    order = ops.argsort(keras.random.uniform((count, length), seed=SeedStream(seed)), axis=-1)
    return ops.argsort(order, axis=-1) < hidden  # the rank of each draw
