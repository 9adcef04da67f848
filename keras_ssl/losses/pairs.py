"""Losses of pairs of two kinds, such as images and their captions."""

import keras
from keras import ops

from keras_ssl.directions import unit
from keras_ssl.losses.contrastive import info_nce
from keras_ssl.typing import Tensor

__all__ = ["clip", "siglip"]


@keras.saving.register_keras_serializable("keras_ssl")
def clip(z_1: Tensor, z_2: Tensor, temperature: float | Tensor = 0.07) -> Tensor:
    """Cross-entropy of picking each one's partner in the batch, in both directions.

    With the cosine similarities s, `l_12 = -mean_i log(exp(s_ii/t) / sum_j exp(s_ij/t))`, `l_21` is the same of the
    transposed s, and the loss is their mean.

    Args:
        z_1: Tensor `(n, d)`, projections of the first of each pair, such as the images. Need not be normalized.
        z_2: Tensor `(n, d)`, projections of the second of each pair, in the same order.
        temperature: t, above 0. Default: 0.07.

    Returns:
        Scalar, float32, at least 0. If all similarities are equal it is log n.

    Reference:
        Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", Figure 3.
    """
    return (info_nce(z_1, z_2, temperature=temperature) + info_nce(z_2, z_1, temperature=temperature)) / 2


@keras.saving.register_keras_serializable("keras_ssl")
def siglip(z_1: Tensor, z_2: Tensor, temperature: float | Tensor = 0.1, bias: float | Tensor = -10.0) -> Tensor:
    """Binary cross-entropy of telling, for each possible pair in the batch, whether it is one.

    `l = -1/n sum_i sum_j log sigmoid(y_ij (s_ij/t + b))`, where s is the cosine similarity and y is 1 for pairs and -1
    for all others.

    Args:
        z_1: Tensor `(n, d)`, projections of the first of each pair, such as the images. Need not be normalized.
        z_2: Tensor `(n, d)`, projections of the second of each pair, in the same order.
        temperature: t, above 0; the paper's t is its inverse. Default: 0.1.
        bias: b. It makes up for most possible pairs being none; -log(n - 1) is their log-odds. Default: -10.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", Eq. 1 and Algorithm 1.
    """
    logits = ops.matmul(unit(z_1), ops.transpose(unit(z_2))) / temperature + bias
    n = ops.shape(logits)[0]
    y = 2 * ops.eye(n, dtype="float32") - 1
    return ops.sum(ops.softplus(-y * logits)) / ops.cast(n, "float32")
