"""Losses that predict the assignment of a view to prototypes."""

import keras
from keras import ops

__all__ = ["sinkhorn", "swav"]


@keras.saving.register_keras_serializable("keras_ssl")
def sinkhorn(scores, sharpness=0.05, iterations=3):
    """Assign samples to prototypes such that every prototype gets the same share of the batch.

    Rows and columns of `exp(scores / ε)` are scaled in turn until each prototype has 1/k of all samples and each sample
    sums to 1. In logarithms, so that large scores do not overflow.

    Args:
        scores: Tensor `(n, k)`, cosines of samples and prototypes.
        sharpness: ε, above 0. Default 0.05.
        iterations: Of scaling both. Default 3.

    Returns:
        Tensor `(n, k)`, float32, codes that sum to 1 for each sample. It has no gradient.

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
def swav(scores, codes, temperature=0.1):
    """Swapped prediction: each view predicts the codes of the others.

    `-sum_k q_k log softmax(s/t)_k`, averaged over samples and over all pairs of codes and scores that are not of the
    same view.

    Args:
        scores: Sequence of tensors `(n, k)`, cosines of all views with the prototypes; the views that have codes come
            first, in the same order.
        codes: Sequence of tensors `(n, k)`, assignments such as `sinkhorn`'s, without gradient.
        temperature: t, above 0. Default 0.1.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", Eqs. 2 and 6.
    """
    logs = [ops.log_softmax(ops.cast(s, "float32") / temperature, axis=-1) for s in scores]
    terms = [-ops.mean(ops.sum(q * log, axis=-1)) for i, q in enumerate(codes) for j, log in enumerate(logs) if i != j]
    return sum(terms) / len(terms)
