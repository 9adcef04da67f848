"""Pooling of sequences over the places that are no padding, made of Keras operations only, as `attention` is."""

from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["max_of_kept", "mean_of_kept"]


def mean_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the mean over the kept places of each sequence, computed in float32.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    kept = ops.where(ops.expand_dims(keep, -1), ops.cast(y, "float32"), 0.0)
    count = ops.sum(ops.cast(keep, "float32"), axis=1, keepdims=True)
    return ops.sum(kept, axis=1) / ops.maximum(count, 1.0)


def max_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the largest value at the kept places of each sequence, feature by feature.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    kept = ops.where(ops.expand_dims(keep, -1), ops.cast(y, "float32"), -3e38)
    return ops.where(ops.any(keep, axis=1, keepdims=True), ops.max(kept, axis=1), 0.0)
