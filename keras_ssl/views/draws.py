"""Random draws of operations, one for each sample."""

import keras
from keras import ops

from keras_ssl.seeds import SeedStream

__all__ = ["draw", "keep_or_change"]


def draw(seed, images, *ranges):
    """Draw one number for each image from each range, uniformly.

    One call of the generator draws all of them: XLA takes a tenth of a second to compile each.

    Args:
        seed: Integer tensor of shape `(2,)`.
        images: Tensor whose first axis is the `n` images.
        *ranges: Pairs `(low, high)`.

    Returns:
        List of float tensors of shape `(n, 1, 1, 1)`, one for each range.
    """
    units = keras.random.uniform((len(ranges), ops.shape(images)[0], 1, 1, 1), seed=SeedStream(seed))
    return [low + (high - low) * units[k] for k, (low, high) in enumerate(ranges)]


def keep_or_change(images, changed, probability, chance):
    """Take each sample from `changed` with the given probability, else from `images`.

    Args:
        images: Tensor of shape `(n, …)` with four axes.
        changed: Tensor of the same shape.
        probability: In 0..1.
        chance: Draw of each sample from `(0, 1)`, of shape `(n, 1, 1, 1)`.

    Returns:
        Tensor of the same shape.
    """
    if probability in (0, 1):
        return changed if probability else images
    return ops.where(chance < probability, changed, images)
