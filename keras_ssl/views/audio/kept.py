"""The part of a recording that is no padding."""

from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["lengths", "within"]


def lengths(sounds: Tensor) -> Tensor:
    """Return the number of samples of each recording before the zeros at its end, as `networks.kept_frames` has it.

    By a maximum over places, which XLA compiles to less than a running sum.

    Args:
        sounds: Float tensor `(n, time)`.

    Returns:
        Float tensor `(n, 1)`; 0 for silence.
    """
    places = ops.arange(1, ops.shape(sounds)[1] + 1, dtype="int32")
    last = ops.max(ops.where(ops.not_equal(sounds, 0.0), places[None], 0), axis=1, keepdims=True)
    return ops.cast(last, "float32")


def within(sounds: Tensor, begin: Tensor | float, end: Tensor) -> Tensor:
    """Return which samples are at places from `begin` to before `end`.

    Args:
        sounds: Float tensor `(n, time)`.
        begin: Float tensor `(n, 1)`, or a number.
        end: Float tensor `(n, 1)`.

    Returns:
        Boolean tensor `(n, time)`.
    """
    places = ops.arange(ops.shape(sounds)[1], dtype="float32")[None]
    return ops.logical_and(places >= begin, places < end)
