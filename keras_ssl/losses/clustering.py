"""Losses that predict which prototypes a view is assigned to."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["sinkhorn", "swav"]


@keras.saving.register_keras_serializable("keras_ssl")
def sinkhorn(scores: Tensor, sharpness: float = 0.05, iterations: int = 3) -> Tensor:
    """Assign samples to prototypes so that every prototype gets the same share of the batch.

    The columns and rows of `exp(scores / ε)` are normalized in turn, so that each prototype gets 1/k of all samples and
    each sample's codes sum to 1. The computation uses logarithms, so large scores do not overflow.

    Args:
        scores: Tensor `(n, k)`, cosine similarities of samples and prototypes.
        sharpness: ε, above 0; smaller is sharper. Default: 0.05.
        iterations: How often both are normalized. Default: 3.

    Returns:
        Tensor `(n, k)`, float32: codes, which sum to 1 for each sample. They have no gradient.

    Reference:
        Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", Eq. 5 (there ε
        multiplies the entropy); Cuturi 2013, "Sinkhorn Distances".
    """
    log_q = ops.stop_gradient(ops.cast(scores, "float32")) / sharpness
    for _ in range(iterations):
        log_q = log_q - ops.logsumexp(log_q, axis=0, keepdims=True)
        log_q = log_q - ops.logsumexp(log_q, axis=1, keepdims=True)
    return ops.exp(log_q)


@keras.saving.register_keras_serializable("keras_ssl")
def swav(scores: Sequence[Tensor], codes: Sequence[Tensor], temperature: float | Tensor = 0.1) -> Tensor:
    """Swapped prediction: each view predicts the codes of the others.

    `-sum_k q_k log softmax(s/t)_k`, averaged over samples and over all pairs of codes and scores from different
    views.

    Args:
        scores: Sequence of tensors `(n, k)`, cosine similarities of all views with the prototypes. Views that have
            codes come first, in the same order.
        codes: Sequence of tensors `(n, k)`, assignments such as those of `sinkhorn`, without gradient.
        temperature: t, above 0. Default: 0.1.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", Eqs. 2 and 6.
    """
    logs = [ops.log_softmax(ops.cast(s, "float32") / temperature, axis=-1) for s in scores]
    terms = [-ops.mean(ops.sum(q * log, axis=-1)) for i, q in enumerate(codes) for j, log in enumerate(logs) if i != j]
    return sum(terms) / len(terms)
