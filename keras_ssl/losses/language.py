"""The loss of language models."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["token_cross_entropy"]


@keras.saving.register_keras_serializable("keras_ssl")
def token_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return `log sum_k exp(s_k) - s_y` for each token: the negative log-likelihood of the true token y, in nats.

    `distribute.mean` averages it over the tokens that count.

    Args:
        logits: Tensor `(n, t, v)` of scores s of the v ids, any range.
        targets: Integer tensor `(n, t)` of the true ids, in 0..v-1.

    Returns:
        Float32 tensor `(n, t)`, at least 0; log v where all scores are equal. NaN where an id is outside 0..v-1.

    Reference:
        Bengio et al. 2003, "A Neural Probabilistic Language Model", section 2, whose log-likelihood is its negative.
    """
    logits, targets = ops.cast(logits, "float32"), ops.cast(targets, "int32")
    size = logits.shape[-1]
    # of the forms that Keras has, the fastest with its gradient under XLA, and none is faster without
    true = ops.where(ops.equal(ops.arange(size), targets[..., None]), logits, 0.0)
    losses = ops.logsumexp(logits, axis=-1) - ops.sum(true, axis=-1)
    return ops.where(ops.logical_and(targets >= 0, targets < size), losses, float("nan"))
