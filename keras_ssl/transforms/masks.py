"""Random boxes and masks: which parts of a sample are hidden. Pure functions of their arguments and a seed."""

from typing import TypeAlias

import keras
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["random_boxes", "block_mask", "random_mask"]

Size: TypeAlias = int | Tensor


def random_boxes(
    count: Size, height: Size, width: Size, area: tuple[float, float], ratio: tuple[float, float], seed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw boxes inside an image, with random areas, aspect ratios and positions.

    The area and the logarithm of the ratio are uniform in their ranges. The position is uniform among those that fit.
    If a box would not fit into the image, its ratio is clipped, so the areas keep their distribution.

    Args:
        count: Number of boxes, `n`.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        area: Lowest and highest area, as fractions of the image's area, in 0..1.
        ratio: Lowest and highest width / height, above 0.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        `(top, left, box_height, box_width)`, four float tensors of shape `(n,)` in pixels, not rounded.

    Reference:
        Szegedy et al., "Going Deeper with Convolutions", 2015, section 6.

    Departures:
        Common implementations redraw until a box fits, up to ten times, and then use a central crop.
    """
    height, width = ops.cast(height, "float32"), ops.cast(width, "float32")  # which may be tensors of integers
    # One call draws all four: XLA compiles one generator, and the caller can use the next seed.
    units = keras.random.uniform((4, count), seed=SeedStream(seed))
    areas = area[0] + (area[1] - area[0]) * units[0]
    ratios = ratio[0] * (ratio[1] / ratio[0]) ** units[1]
    ratios = ops.clip(ratios, areas * width / height, width / (height * areas))
    box_height = ops.sqrt(areas * height * width / ratios)
    box_width = box_height * ratios
    return (height - box_height) * units[2], (width - box_width) * units[3], box_height, box_width


def block_mask(
    count: Size, height: Size, width: Size, area: tuple[float, float], ratio: tuple[float, float], seed: Tensor
) -> Tensor:
    """Mask one random box in each image: the pixels whose centers lie inside it.

    Args:
        count: Number of masks, `n`.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        area: Lowest and highest area, as fractions of the image's area, in 0..1.
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


def random_mask(count: Size, length: int, hidden: int, seed: Tensor) -> Tensor:
    """Mask the same number of positions in each sequence; every subset is equally likely.

    Args:
        count: Number of masks, `n`.
        length: Number of positions.
        hidden: Number of positions to hide, in 0..length.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Boolean tensor of shape `(n, length)`; True = hidden; each row has `hidden` of them.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 3.
    """
    order = ops.argsort(keras.random.uniform((count, length), seed=SeedStream(seed)), axis=-1)
    return ops.argsort(order, axis=-1) < hidden  # the rank of each draw
