"""Losses that predict the output of another network or for another view. They use no negative samples."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ssl.directions import unit
from keras_ssl.typing import Tensor

__all__ = ["dino", "negative_cosine"]


@keras.saving.register_keras_serializable("keras_ssl")
def negative_cosine(p: Tensor, z: Tensor) -> Tensor:
    """Mean over samples of `-cos(p_i, z_i)`.

    Args:
        p: Tensor `(n, d)`, predictions.
        z: Tensor `(n, d)`, targets. Stop their gradient first.

    Returns:
        Scalar, float32, in -1..1.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", Eq. 1. BYOL's loss (Grill et al. 2020, Eq.
        2) is 2 plus twice this.
    """
    return -ops.mean(ops.sum(unit(p) * unit(z), axis=-1))


@keras.saving.register_keras_serializable("keras_ssl")
def dino(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    center: Tensor,
    student_temperature: float | Tensor = 0.1,
    teacher_temperature: float | Tensor = 0.04,
) -> Tensor:
    """Cross-entropy between the teacher's centered, sharpened distribution for one view and the student's for another.

    `-sum softmax((t - c)/τ_t) log softmax(s/τ_s)`, averaged over samples and over all pairs of a teacher's
    and a student's output for different views.

    Args:
        student: Sequence of tensors `(n, k)`, scores of all views. The teacher's views come first, in the same order.
        teacher: Sequence of tensors `(n, k)`, scores of the large views, without gradient.
        center: Tensor `(k,)`, running mean of the teacher's scores.
        student_temperature: τ_s, above 0. Default: 0.1.
        teacher_temperature: τ_t, above 0, and below τ_s to sharpen. Default: 0.04.

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
