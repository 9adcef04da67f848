"""Losses of a classifier."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["cross_entropy"]


@keras.saving.register_keras_serializable("keras_ssl")
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over samples of `log sum_k exp(s_k) - s_y`: the negative log-likelihood of the true class y.

    Args:
        logits: Tensor `(n, k)` of scores s, any range.
        labels: Tensor `(n,)` of class indices in 0..k-1; floats are cast to integers.

    Returns:
        Scalar, float32, at least 0; log k if all scores are equal. NaN if any label is outside 0..k-1: code that
        works on tensors cannot raise an error.
    """
    labels, classes = ops.cast(labels, "int32"), logits.shape[-1]
    right = ops.one_hot(labels, classes, dtype="float32")
    losses = -ops.sum(right * ops.log_softmax(ops.cast(logits, "float32"), axis=-1), axis=-1)
    return ops.mean(ops.where(ops.logical_and(labels >= 0, labels < classes), losses, float("nan")))
