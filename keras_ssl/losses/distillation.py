"""Losses that predict what another network, or another view, says. They compare no samples."""

import keras
from keras import ops

from keras_ssl.directions import unit

__all__ = ["dino", "negative_cosine"]


@keras.saving.register_keras_serializable("keras_ssl")
def negative_cosine(p, z):
    """Mean over samples of `-cos(p_i, z_i)`.

    Args:
        p: Tensor `(n, d)`, predictions.
        z: Tensor `(n, d)`, what they should be; stop its gradient before.

    Returns:
        Scalar, float32, in -1..1.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", Eq. 1. BYOL's loss (Grill et al. 2020, Eq.
        2) is 2 plus twice this.
    """
    return -ops.mean(ops.sum(unit(p) * unit(z), axis=-1))


@keras.saving.register_keras_serializable("keras_ssl")
def dino(student, teacher, center, student_temperature=0.1, teacher_temperature=0.04):
    """Cross entropy between the teacher's sharpened, centered distribution on one view and the student's on another.

    `-sum softmax((t - c)/τ_t) log softmax(s/τ_s)`, averaged over samples and over all pairs of a teacher's and a
    student's view that are not the same view.

    Args:
        student: Sequence of tensors `(n, k)`, scores of all views; the teacher's views come first, in the same order.
        teacher: Sequence of tensors `(n, k)`, scores of the large views, without gradient.
        center: Tensor `(k,)`, running mean of the teacher's scores.
        student_temperature: τ_s, above 0. Default 0.1.
        teacher_temperature: τ_t, above 0, below τ_s so that it sharpens. Default 0.04.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", Eqs. 2 and 3.
    """
    targets = [ops.softmax((ops.cast(t, "float32") - center) / teacher_temperature, axis=-1) for t in teacher]
    logs = [ops.log_softmax(ops.cast(s, "float32") / student_temperature, axis=-1) for s in student]
    terms = [
        -ops.mean(ops.sum(target * log, axis=-1))
        for i, target in enumerate(targets)
        for j, log in enumerate(logs)
        if i != j
    ]
    return sum(terms) / len(terms)
