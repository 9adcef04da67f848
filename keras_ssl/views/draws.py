"""The ranges and probabilities that operations are made with, and the draws from them."""

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream

__all__ = ["check_range", "check_probability", "draw", "keep_or_change"]


def check_range(name, value, lowest, highest):
    """Return `value` as a pair of floats, or raise unless `lowest <= first <= second <= highest`.

    Args:
        name: What the error calls the range.
        value: Pair of numbers.
        lowest: Smallest value that makes sense.
        highest: Largest value that makes sense.

    Raises:
        UserError: When it is not such a pair.
    """
    numbers = isinstance(value, (tuple, list)) and all(isinstance(end, (int, float)) for end in value)
    if not numbers or len(value) != 2 or not lowest <= value[0] <= value[1] <= highest:
        raise UserError(
            f"{name} as numbers (low, high) with {lowest:g} <= low <= high <= {highest:g}",
            repr(value),
            "give a range within these bounds; its docstring has the default",
        )
    return float(value[0]), float(value[1])


def check_probability(name, value):
    """Return `value`, or raise unless it is a number in 0..1.

    Args:
        name: What the error calls it.
        value: The number.

    Raises:
        UserError: When it is not.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserError(f"{name} in 0..1", repr(value), "give a probability: 0 is never, 1 is always")
    return value


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
