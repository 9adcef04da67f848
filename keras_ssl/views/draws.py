"""Random draws for operations, one for each sample."""

import keras
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["draw", "keep_or_change"]


def draw(seed: Tensor, samples: Tensor, *ranges: tuple[float, float]) -> list[Tensor]:
    """Draw one number for each sample from each range, uniformly.

    A single call of the generator draws all numbers, because XLA takes a tenth of a second to compile each call.

    Args:
        seed: Integer tensor of shape `(2,)`.
        samples: Tensor whose first axis is the `n` samples.
        *ranges: Pairs `(low, high)`.

    Returns:
        List of float tensors of shape `(n, 1, …)`, with as many axes as the samples, one for each range.
    """
    ones = [1] * (len(samples.shape) - 1)
    units = keras.random.uniform((len(ranges), ops.shape(samples)[0], *ones), seed=SeedStream(seed))
    return [low + (high - low) * units[k] for k, (low, high) in enumerate(ranges)]


def keep_or_change(samples: Tensor, changed: Tensor, probability: float, chance: Tensor) -> Tensor:
    """Take each sample from `changed` with the given probability, else from `samples`.

    Args:
        samples: Tensor of shape `(n, …)`.
        changed: Tensor of the same shape.
        probability: Probability of `changed`, in 0..1.
        chance: Uniform draw in 0..1 for each sample, of shape `(n, 1, …)`, as `draw` makes it.

    Returns:
        Tensor of the same shape.
    """
    if probability in (0, 1):
        return changed if probability else samples
    return ops.where(chance < probability, changed, samples)
