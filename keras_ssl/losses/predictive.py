"""Contrastive predictive coding: the scores of later frames, and the loss that picks out the true one."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["cpc", "cpc_scores"]

_NEVER = -1e9  # a score that the softmax ignores


@keras.saving.register_keras_serializable("keras_ssl")
def cpc_scores(
    predicted: Tensor, targets: Tensor, keep: Tensor | None = None, other_times: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the scores of the frames that are to be found, and those of negatives: `log f_k = zᵀ W_k c`.

    The negatives of a prediction are the frames of the other samples at the same place, and those of the same sample at
    other places.

    Args:
        predicted: Tensor `(n, length, d)`, the predictions `W_k c_t` of the frames `targets` at the same places.
        targets: Tensor `(n, length, d)`, the frames `z_{t+k}`.
        keep: Boolean tensor `(n, length)`, False where the frame is padding, which is no negative. Default: None, all
            are kept.
        other_times: Whether the frames of the same sample at other places are negatives, too. Default: True.

    Returns:
        Scores of the true frames `(n, length)`, and of the negatives `(n, length, m)` with m = n, or n + length with
        `other_times`; those of the true frame itself and of padding are -1e9. Float32.

    Reference:
        van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", Eq. 3.
    """
    p, z = ops.cast(predicted, "float32"), ops.cast(targets, "float32")
    n, length = ops.shape(z)[0], ops.shape(z)[1]
    kept = ops.ones((n, length), dtype="bool") if keep is None else ops.cast(keep, "bool")
    itself = ops.logical_or(ops.eye(n, dtype="bool")[:, None, :], ops.logical_not(ops.transpose(kept))[None])
    negatives = [ops.where(itself, _NEVER, ops.einsum("itd,jtd->itj", p, z))]
    if other_times:
        itself = ops.logical_or(ops.eye(length, dtype="bool")[None], ops.logical_not(kept)[:, None, :])
        negatives.append(ops.where(itself, _NEVER, ops.einsum("itd,isd->its", p, z)))
    return ops.sum(p * z, axis=-1), ops.concatenate(negatives, axis=-1)


@keras.saving.register_keras_serializable("keras_ssl")
def cpc(positives: Tensor, negatives: Tensor, known: Tensor | None = None) -> Tensor:
    """InfoNCE: `-log f(x⁺) / (f(x⁺) + Σ f(x⁻))`, averaged over predictions, from the logarithms of f.

    Args:
        positives: Tensor `(n, length)`, scores of the true frames; see `cpc_scores`.
        negatives: Tensor `(n, length, m)`, scores of negatives.
        known: Boolean tensor `(n, length)`, False where there is nothing to predict. Default: None, all are known.

    Returns:
        Scalar, float32, at least 0. `log(m + 1)` where all scores are equal.

    Reference:
        van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", Eq. 4.
    """
    positives, negatives = ops.cast(positives, "float32"), ops.cast(negatives, "float32")
    each = ops.softplus(ops.logsumexp(negatives, axis=-1) - positives)
    known = ops.ones_like(each) if known is None else ops.cast(known, "float32")
    return ops.sum(known * each) / ops.maximum(ops.sum(known), 1.0)
