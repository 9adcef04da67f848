"""Losses that decorrelate the dimensions of a projection. They use no negative samples."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["barlow_twins", "vicreg"]


@keras.saving.register_keras_serializable("keras_ssl")
def barlow_twins(z_1: Tensor, z_2: Tensor, redundancy: float = 5e-3) -> Tensor:
    """Pull the cross-correlation matrix C of two views toward the identity.

    `sum_i (1 - C_ii)² + λ sum_{i != j} C_ij²`.

    Args:
        z_1: Tensor `(n, d)`, projections of the first view.
        z_2: Tensor `(n, d)`, projections of the second view, in the same order of samples.
        redundancy: λ, at least 0. Default: 5e-3, as in the paper.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", Eqs. 1 and 2.

    Departures:
        Each dimension is divided by √(variance + 1e-5), as the authors' batch normalization does.
    """
    n = ops.cast(ops.shape(z_1)[0], "float32")
    c = ops.matmul(ops.transpose(_standardized(z_1)), _standardized(z_2)) / n
    on, off = _diagonal_and_rest(c)
    return ops.sum(ops.square(1 - on)) + redundancy * ops.sum(ops.square(off))


def _standardized(z):
    z = ops.cast(z, "float32")
    return (z - ops.mean(z, axis=0)) / ops.sqrt(ops.var(z, axis=0) + 1e-5)


def _diagonal_and_rest(matrix):
    itself = ops.eye(matrix.shape[0], dtype="float32")
    return ops.sum(itself * matrix, axis=0), (1 - itself) * matrix


@keras.saving.register_keras_serializable("keras_ssl")
def vicreg(
    z_1: Tensor, z_2: Tensor, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
) -> Tensor:
    """Pull views together, keep the standard deviation of each dimension above 1, and decorrelate the dimensions.

    `λ s(z_1, z_2) + μ/2 (v(z_1) + v(z_2)) + ν (c(z_1) + c(z_2))`: s is the mean squared difference, v is the mean
    over dimensions of `max(0, 1 - √(var + 1e-4))`, and c is the sum of squared off-diagonal covariances, divided by d.

    Args:
        z_1: Tensor `(n, d)`, projections of the first view.
        z_2: Tensor `(n, d)`, projections of the second view, in the same order of samples.
        invariance: λ, at least 0. Default: 25.
        variance: μ, at least 0. Default: 25.
        covariance: ν, at least 0. Default: 1.

    Returns:
        Scalar, float32, at least 0; n must be at least 2.

    Reference:
        Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning", Eqs. 1
        to 6.

    Departures:
        As in the authors' code, the variance term is halved, and s is averaged over dimensions as well as samples.
    """
    z_1, z_2 = (ops.cast(z, "float32") for z in (z_1, z_2))
    apart = ops.mean(ops.square(z_1 - z_2))
    narrow, correlated = zip(_variance_and_covariance(z_1), _variance_and_covariance(z_2))
    return invariance * apart + variance / 2 * sum(narrow) + covariance * sum(correlated)


def _variance_and_covariance(z):
    n = ops.cast(ops.shape(z)[0], "float32")
    z = z - ops.mean(z, axis=0)
    variances, others = _diagonal_and_rest(ops.matmul(ops.transpose(z), z) / (n - 1))
    narrow = ops.mean(ops.relu(1 - ops.sqrt(variances + 1e-4)))
    return narrow, ops.sum(ops.square(others)) / z.shape[-1]
