"""Metrics that are logged beside the loss: of collapse, which the loss does not show, and accuracy. Pure functions."""

import math

from keras import ops

from keras_ssl.directions import unit
from keras_ssl.typing import Tensor

__all__ = ["accuracy", "effective_rank", "feature_std", "participation_ratio", "perplexity", "spread", "usage_entropy"]


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Fraction of samples whose true class has the highest score.

    Args:
        logits: Tensor `(n, k)` of scores.
        labels: Tensor `(n,)` of class indices in 0..k-1; floats are cast to integers.

    Returns:
        Scalar, float32, in 0..1.
    """
    right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
    return ops.mean(ops.cast(right, "float32"))


def feature_std(z: Tensor) -> Tensor:
    """Standard deviation of the normalized representation, averaged over dimensions, times √d.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32: 0 if all samples have the same direction, about 1 if directions are spread evenly.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", section 4.1 (there without √d, so that
        an isotropic Gaussian has the value 1/√d).
    """
    z = unit(z)
    return ops.mean(ops.std(z, axis=0)) * z.shape[-1] ** 0.5


def participation_ratio(z: Tensor) -> Tensor:
    """Effective number of directions of the variance: `tr(C)² / tr(C²)` of the covariance C.

    It needs no matrix decomposition, so objectives log it at every step.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32, from 1 (one direction) to d (equal variance in all directions); 0 for constant z.

    Reference:
        Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement", the participation ratio.
    """
    z = ops.cast(z, "float32")
    z = z - ops.mean(z, axis=0)
    z = z / (ops.max(ops.abs(z)) + 1e-12)
    gram = ops.matmul(ops.transpose(z), z)
    return ops.square(ops.sum(ops.square(z))) / (ops.sum(ops.square(gram)) + 1e-12)


def effective_rank(z: Tensor) -> Tensor:
    """Exponential of the entropy of the normalized singular values.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32, from 1 to min(n - 1, d).

    Reference:
        Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality", Definition 1.

    Departures:
        Samples are centered first, so that a constant offset does not count as a direction.
    """
    z = ops.cast(z, "float32")
    singular = ops.linalg.svd(z - ops.mean(z, axis=0), compute_uv=False)
    return perplexity(singular / (ops.sum(singular) + 1e-12))


def spread(z: Tensor) -> dict[str, Tensor]:
    """Return the metrics of collapse that joint-embedding objectives log.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Dict with the scalars `std`, from `feature_std`, and `dimensions`, from `participation_ratio`.
    """
    return {"std": feature_std(z), "dimensions": participation_ratio(z)}


def usage_entropy(probabilities: Tensor) -> Tensor:
    """Entropy of the mean distribution over prototypes, divided by its maximum, log k.

    Args:
        probabilities: Tensor `(n, k)` of non-negative rows that sum to 1.

    Returns:
        Scalar, float32, from 0 (all samples use one prototype) to 1 (all prototypes are used equally).
    """
    mean = ops.mean(ops.cast(probabilities, "float32"), axis=0)
    return -ops.sum(mean * ops.log(mean + 1e-12)) / math.log(probabilities.shape[-1])


def perplexity(probabilities: Tensor) -> Tensor:
    """Exponential of the entropy of distributions: how many entries are in use, if these are used equally often.

    Args:
        probabilities: Tensor `(…, k)` of non-negative numbers that sum to 1 along the last axis.

    Returns:
        Float32 tensor `(…)`, from 1 (one entry) to k (all equally).
    """
    p = ops.cast(probabilities, "float32")
    return ops.exp(-ops.sum(p * ops.log(p + 1e-7), axis=-1))
