"""Figures that are logged beside the loss: of a collapse, which it does not show, and of right answers. Pure."""

import math

from keras import ops

from keras_ssl.directions import unit

__all__ = ["accuracy", "effective_rank", "feature_std", "participation_ratio", "spread", "usage_entropy"]


def accuracy(logits, labels):
    """Share of samples whose highest score is that of their class.

    Args:
        logits: Tensor `(n, k)` of scores.
        labels: Tensor `(n,)` of class numbers in 0..k-1; floats are taken as integers.

    Returns:
        Scalar, float32, in 0..1.
    """
    right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
    return ops.mean(ops.cast(right, "float32"))


def feature_std(z):
    """Standard deviation of the normalized representation, times √d.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32: 0 when all samples share one direction, about 1 when directions are spread evenly.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", section 4.1 (there without √d: 1/√d is
        the value of an isotropic Gaussian).
    """
    z = unit(z)
    return ops.mean(ops.std(z, axis=0)) * z.shape[-1] ** 0.5


def participation_ratio(z):
    """How many directions the variance is spread over: `tr(C)² / tr(C²)` of the covariance C.

    Needs no decomposition, so objectives log it at every step.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32, from 1 (one direction) to d (all alike); 0 for constant z.

    Reference:
        Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement", Eq. 5.
    """
    z = ops.cast(z, "float32")
    z = z - ops.mean(z, axis=0)
    z = z / (ops.max(ops.abs(z)) + 1e-12)
    gram = ops.matmul(ops.transpose(z), z)
    return ops.square(ops.sum(ops.square(z))) / (ops.sum(ops.square(gram)) + 1e-12)


def effective_rank(z):
    """The exponential of the entropy of the normalized singular values.

    Args:
        z: Tensor `(n, d)`; centered here.

    Returns:
        Scalar, float32, from 1 to min(n, d).

    Reference:
        Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality", Eq. 4.

    Departures:
        The samples are centered first, so that a constant offset does not count as a direction.
    """
    z = ops.cast(z, "float32")
    singular = ops.linalg.svd(z - ops.mean(z, axis=0), compute_uv=False)
    p = singular / (ops.sum(singular) + 1e-12)
    return ops.exp(-ops.sum(p * ops.log(p + 1e-12)))


def spread(z):
    """Return what joint-embedding objectives log: `std`, of `feature_std`, and `dimensions`, of `participation_ratio`.

    Args:
        z: Tensor `(n, d)`.
    """
    return {"std": feature_std(z), "dimensions": participation_ratio(z)}


def usage_entropy(probabilities):
    """Entropy of the mean distribution over prototypes, as a part of that of equal use.

    Args:
        probabilities: Tensor `(n, k)` of non-negative rows that sum to 1.

    Returns:
        Scalar, float32, from 0 (one prototype takes all samples) to 1 (all are used alike).
    """
    mean = ops.mean(ops.cast(probabilities, "float32"), axis=0)
    return -ops.sum(mean * ops.log(mean + 1e-12)) / math.log(probabilities.shape[-1])
