"""Random draws for operations, one for each image."""

import keras
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["draw", "keep_or_change"]


def draw(seed: Tensor, images: Tensor, *ranges: tuple[float, float]) -> list[Tensor]:
    """Draw one number for each image from each range, uniformly.

    A single call of the generator draws all numbers, because XLA takes a tenth of a second to compile each call.

    Args:
        seed: Integer tensor of shape `(2,)`.
        images: Tensor whose first axis is the `n` images.
        *ranges: Pairs `(low, high)`.

    Returns:
        List of float tensors of shape `(n, 1, 1, 1)`, one for each range.
    """
    units = keras.random.uniform((len(ranges), ops.shape(images)[0], 1, 1, 1), seed=SeedStream(seed))
    return [low + (high - low) * units[k] for k, (low, high) in enumerate(ranges)]


def keep_or_change(images: Tensor, changed: Tensor, probability: float, chance: Tensor) -> Tensor:
    """Take each image from `changed` with the given probability, else from `images`.

    Args:
        images: Tensor of shape `(n, …)` with four axes.
        changed: Tensor of the same shape.
        probability: Probability of `changed`, in 0..1.
        chance: Uniform draw in 0..1 for each image, of shape `(n, 1, 1, 1)`.

    Returns:
        Tensor of the same shape.
    """
    if probability in (0, 1):
        return changed if probability else images
    return ops.where(chance < probability, changed, images)
