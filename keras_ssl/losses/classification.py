"""Losses that name the class of a sample."""

import keras
from keras import ops

__all__ = ["cross_entropy"]


@keras.saving.register_keras_serializable("keras_ssl")
def cross_entropy(logits, labels):
    """Mean over samples of `log sum_k exp(s_k) - s_y`: the negative log-likelihood of the right class y.

    Args:
        logits: Tensor `(n, k)` of scores s, any range.
        labels: Tensor `(n,)` of class numbers in 0..k-1; floats are taken as integers.

    Returns:
        Scalar, float32, at least 0; log k where all scores are alike. NaN where a label is no class number, which a
        tensor cannot say otherwise.
    """
    labels, classes = ops.cast(labels, "int32"), logits.shape[-1]
    right = ops.one_hot(labels, classes, dtype="float32")
    losses = -ops.sum(right * ops.log_softmax(ops.cast(logits, "float32"), axis=-1), axis=-1)
    return ops.mean(ops.where(ops.logical_and(labels >= 0, labels < classes), losses, float("nan")))
