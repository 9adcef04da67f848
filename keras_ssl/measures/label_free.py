"""Figures that tell how good a representation is without labels: of its spectrum, and of views of the same sample."""

import math

from keras import ops

from keras_ssl.directions import unit
from keras_ssl.measures.logged import perplexity
from keras_ssl.typing import Tensor

__all__ = ["alignment", "alpha_req", "lidar", "rank_me", "uniformity"]

_ROUNDING = 1e-5  # of the largest singular value; smaller ones are rounding errors in float32


def rank_me(z: Tensor) -> Tensor:
    """Exponential of the entropy of the normalized singular values of a representation, which is not centered.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32, from 1 to min(n, d). A higher rank is better, other things being equal.

    Reference:
        Garrido et al. 2023, "RankMe: Assessing the Downstream Performance of Pretrained Self-Supervised Representations
        by Their Rank", Eq. 1.

    Departures:
        `measures.effective_rank` is the same of centered samples.
    """
    return _effective_number(ops.linalg.svd(ops.cast(z, "float32"), compute_uv=False))


def alpha_req(z: Tensor) -> Tensor:
    """Exponent of the decay of the covariance's eigenvalues: the slope of a power law, `λ_i ∝ i^-α`.

    Args:
        z: Tensor `(n, d)`.

    Returns:
        Scalar, float32: 0 if the variance is equal in all directions, and larger the faster it decays. A good
        representation has a value near 1. It is infinite if fewer than two directions vary.

    Reference:
        Agrawal et al. 2022, "α-ReQ: Assessing Representation Quality in Self-Supervised Learning by Measuring
        Eigenspectrum Decay".

    Departures:
        The line through (log i, log λ_i) is fitted with weights 1/i, so that each octave of eigenvalues counts alike,
        to all eigenvalues above the rounding errors; the authors choose a range of i for each network.
    """
    z = ops.cast(z, "float32")
    singular = ops.linalg.svd(z - ops.mean(z, axis=0), compute_uv=False)
    known = singular > _ROUNDING * ops.max(singular) + 1e-12
    i = ops.arange(1, singular.shape[0] + 1, dtype="float32")
    weights = ops.where(known, 1 / i, 0.0)
    weights = weights / ops.maximum(ops.sum(weights), 1e-12)
    x, y = ops.log(i), 2 * ops.log(ops.where(known, singular, 1.0))
    x, y = x - ops.sum(weights * x), y - ops.sum(weights * y)
    width = ops.sum(weights * ops.square(x))
    slope = -ops.sum(weights * x * y) / ops.maximum(width, 1e-12)
    return ops.where(width > 1e-6, slope, math.inf)


def lidar(z: Tensor, delta: float = 1e-4) -> Tensor:
    """Effective rank of the matrix of linear discriminant analysis whose classes are the samples, several views each.

    Directions count in which samples differ by much more than the views of one sample, so that noise, which the views
    change, does not.

    Args:
        z: Tensor `(n, q, d)` of q views of each of n samples, n and q at least 2.
        delta: Added to the covariance within samples, as a fraction of its mean diagonal, so that it can be inverted.
            Default: 1e-4.

    Returns:
        Scalar, float32, from 1 to min(n - 1, d). A higher rank is better. It means nothing if all views are equal.

    Reference:
        Thilak et al. 2024, "LiDAR: Sensing Linear Probing Performance in Joint Embedding SSL Architectures", the
        exponential of the entropy of the eigenvalues of `Σ_w^-½ Σ_b Σ_w^-½`, there of 50 views of 1000 samples.

    Departures:
        The paper adds 1e-4 itself, so that its rank depends on the scale of the representation.
    """
    z = ops.cast(z, "float32")
    n, q, d = z.shape
    centers = ops.mean(z, axis=1)
    inside = ops.reshape(z - centers[:, None], (-1, d))
    within = ops.matmul(ops.transpose(inside), inside) / (n * q)
    between = (centers - ops.mean(centers, axis=0)) / math.sqrt(n)
    variances, directions = ops.linalg.eigh(within)
    variances = ops.maximum(variances, 0.0) + delta * ops.mean(ops.diagonal(within)) + 1e-12
    # the eigenvalues of Σ_w^-½ Σ_b Σ_w^-½ are the squared singular values of B Σ_w^-½, where Σ_b = Bᵀ B
    whitened = ops.matmul(between, directions) / ops.sqrt(variances)
    return _effective_number(ops.square(ops.linalg.svd(whitened, compute_uv=False)))


def alignment(first: Tensor, second: Tensor, alpha: float = 2.0) -> Tensor:
    """Mean distance between the directions of two views of a sample, to the power α.

    Args:
        first: Tensor `(n, d)`.
        second: Tensor `(n, d)` of other views of the same samples.
        alpha: Exponent α, above 0. Default: 2, the paper's.

    Returns:
        Scalar, float32, from 0 (equal directions) to 2^α (opposite ones); 2 for random ones and α = 2. A lower value is
        better, together with a low `uniformity`: 0 is also the value of a collapsed representation.

    Reference:
        Wang & Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
        Hypersphere", section 4.1, the alignment loss.
    """
    square = ops.sum(ops.square(unit(first) - unit(second)), axis=-1)
    return ops.mean(ops.power(square, alpha / 2))


def uniformity(z: Tensor, t: float = 2.0) -> Tensor:
    """Logarithm of the mean Gaussian potential of the directions of all pairs of samples.

    Args:
        z: Tensor `(n, d)`, n at least 2.
        t: Factor t of the squared distance, above 0. Default: 2, the paper's.

    Returns:
        Scalar, float32, from -4 t to 0: 0 if all samples have one direction, about -2 t if directions are spread evenly
        over a sphere of many dimensions. A lower value is better, together with a low `alignment`.

    Reference:
        Wang & Isola 2020, see `alignment`; section 4.1, the uniformity loss.
    """
    z = unit(z)
    n, lengths = z.shape[0], ops.sum(ops.square(z), axis=1)
    square = ops.maximum(lengths[:, None] + lengths - 2 * ops.matmul(z, ops.transpose(z)), 0.0)
    others = ops.where(ops.eye(n) > 0, -math.inf, -t * square)
    return ops.logsumexp(others) - math.log(n * (n - 1))


def _effective_number(values):
    """How many of some non-negative values there are, if these were equal."""
    return perplexity(values / (ops.sum(values) + 1e-12))
