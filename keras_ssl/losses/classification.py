"""Losses of classifiers."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["cross_entropy", "each_binary_crossentropy"]


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


@keras.saving.register_keras_serializable("keras_ssl")
def each_binary_crossentropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Binary cross-entropy of each label, `-y log p - (1-y) log(1-p)`, for labels that may be missing.

    The order of the arguments is Keras's, so that `WhereKnown` takes the function.
    `WhereKnown("binary_crossentropy")` knows a sample only if it knows all of its labels;
    `WhereKnown(each_binary_crossentropy)` averages over all labels that are known.

    Args:
        y_true: Tensor `(n, classes)`, 0 or 1.
        y_pred: Tensor `(n, classes)` of probabilities p.

    Returns:
        Tensor `(n, classes)`, at least 0; it stays finite at p = 0 and p = 1.

    Example:
        `model.compile("adam", losses.WhereKnown(losses.each_binary_crossentropy))`
    """
    return ops.binary_crossentropy(ops.cast(y_true, y_pred.dtype), y_pred)
