"""Contrastive losses: positive pairs against negatives."""

import keras
from keras import ops

from keras_ssl.directions import unit
from keras_ssl.typing import Tensor

__all__ = ["dcl", "info_nce", "nt_xent"]

_NEVER = -1e9  # a logit that the softmax ignores


@keras.saving.register_keras_serializable("keras_ssl")
def nt_xent(z_1: Tensor, z_2: Tensor, temperature: float | Tensor = 0.5) -> Tensor:
    """Normalized temperature-scaled cross entropy over the 2n views of n samples.

    For view i with positive j, `l(i, j) = -sim(i, j)/t + log sum_{k != i} exp(sim(i, k)/t)`, where sim is the cosine
    similarity; the loss is the mean over all 2n ordered positive pairs.

    Args:
        z_1: Tensor `(n, d)`, projections of the first view. Need not be normalized.
        z_2: Tensor `(n, d)`, projections of the second view, in the same order of samples.
        temperature: t, above 0. Default: 0.5.

    Returns:
        Scalar, float32, at least 0. It is 0 for n = 1, which has no negatives.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", Eq. 1.
    """
    similarity, itself, positive = _among_views(z_1, z_2, temperature)
    others = ops.logsumexp(ops.where(itself, _NEVER, similarity), axis=1)
    return ops.mean(others - ops.sum(ops.where(positive, similarity, 0.0), axis=1))


@keras.saving.register_keras_serializable("keras_ssl")
def dcl(z_1: Tensor, z_2: Tensor, temperature: float | Tensor = 0.1) -> Tensor:
    """Decoupled contrastive loss: `nt_xent` without the positive in the denominator.

    `l(i, j) = -sim(i, j)/t + log sum_{k != i, j} exp(sim(i, k)/t)`, so that an easy positive does not shrink the
    gradient of the negatives. This helps small batches.

    Args:
        z_1: Tensor `(n, d)`, projections of the first view. Need not be normalized.
        z_2: Tensor `(n, d)`, projections of the second view, in the same order of samples.
        temperature: t, above 0. Default: 0.1.

    Returns:
        Scalar, float32, of any sign. It is NaN for n = 1, where there are no negatives.

    Reference:
        Yeh et al. 2022, "Decoupled Contrastive Learning", Eq. 6.
    """
    similarity, itself, positive = _among_views(z_1, z_2, temperature)
    negatives = ops.logsumexp(ops.where(ops.logical_or(itself, positive), _NEVER, similarity), axis=1)
    loss = ops.mean(negatives - ops.sum(ops.where(positive, similarity, 0.0), axis=1))
    return ops.where(ops.shape(z_1)[0] > 1, loss, float("nan"))


def _among_views(z_1, z_2, temperature):
    """Return similarities / t of all 2n views, and masks of each view's own entry and of its positive's."""
    z = unit(ops.concatenate([z_1, z_2]))
    n = ops.shape(z_1)[0]
    itself = ops.eye(2 * n, dtype="bool")
    return ops.matmul(z, ops.transpose(z)) / temperature, itself, ops.roll(itself, n, axis=1)


@keras.saving.register_keras_serializable("keras_ssl")
def info_nce(
    queries: Tensor, keys: Tensor, negatives: Tensor | None = None, temperature: float | Tensor = 0.1
) -> Tensor:
    """Cross-entropy of picking each query's own key among negatives, by cosine similarity.

    `l(i) = -sim(q_i, k_i)/t + log sum_k exp(sim(q_i, k)/t)`, where k runs over k_i and the negatives; the loss is the
    mean over i.

    Args:
        queries: Tensor `(n, d)`. Need not be normalized.
        keys: Tensor `(n, d)`, the positive of each query.
        negatives: Tensor `(m, d)`, such as a queue; all queries share it. Default: None, the keys of the other queries.
        temperature: t, above 0. Default: 0.1.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", Eq. 4; with a queue, He
        et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning", Eq. 1.
    """
    q, k = unit(queries), unit(keys)
    positive = ops.sum(q * k, axis=1, keepdims=True) / temperature
    if negatives is None:
        candidates = ops.matmul(q, ops.transpose(k)) / temperature
    else:
        candidates = ops.concatenate([positive, ops.matmul(q, ops.transpose(unit(negatives))) / temperature], axis=1)
    return ops.mean(ops.logsumexp(candidates, axis=1) - positive[:, 0])
