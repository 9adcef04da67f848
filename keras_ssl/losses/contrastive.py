"""Losses that tell positives from negatives."""

import keras
from keras import ops

from keras_ssl.directions import unit

__all__ = ["nt_xent"]


@keras.saving.register_keras_serializable("keras_ssl")
def nt_xent(z_1, z_2, temperature=0.5):
    """Normalised temperature-scaled cross entropy over the 2n views of n samples.

    For view i with positive j, `l(i, j) = -sim(i, j)/t + log sum_{k != i} exp(sim(i, k)/t)`, where sim is the cosine;
    the loss is the mean over all 2n ordered positive pairs.

    Args:
        z_1: Tensor `(n, d)`, projections of the first view. Need not be normalised.
        z_2: Tensor `(n, d)`, projections of the second view, in the same order of samples.
        temperature: t, above 0. Default 0.5.

    Returns:
        Scalar, float32, at least 0. With n = 1 there is no negative and it is 0.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", Eq. 1.
    """
    z = unit(ops.concatenate([z_1, z_2]))
    n = ops.shape(z_1)[0]
    similarity = ops.matmul(z, ops.transpose(z)) / temperature
    itself = ops.eye(2 * n, dtype="float32")
    positive = ops.roll(itself, n, axis=1)
    others = ops.logsumexp(ops.where(itself > 0, -1e9, similarity), axis=1)
    return ops.mean(others - ops.sum(positive * similarity, axis=1))
