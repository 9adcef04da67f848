"""The distance of two sets of samples: that of Gaussians with their means and covariances."""

import numpy as np

from keras_ssl import checks
from keras_ssl.errors import UserError

__all__ = ["frechet_distance", "frechet_floor"]


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Return the squared Fréchet distance of two sets of features, each treated as a Gaussian.

    `|μ_a - μ_b|² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½)`. With `Σ = RᵀR`, where R is the triangular factor of the centered
    features, the trace of the root is the sum of the singular values of `R_a R_bᵀ`. So no matrix square root is needed,
    and rank-deficient covariances are no special case.

    Fewer samples make it larger, even if both sets come from one distribution. So compare distances of the same number
    of samples and the same features, and show the `frechet_floor` of the real ones beside them. If n <= d, the
    covariance is rank-deficient and the distance means little.

    Args:
        features_a: Array `(n, d)`, such as `FeatureClassifier.features(images)`. Converted to float64.
        features_b: Array `(m, d)`; n and m are at least 2.

    Returns:
        A number, at least 0, in the squared unit of the features.

    Raises:
        UserError: If the widths differ, there are fewer than 2 samples, or values are not finite.

    Reference:
        Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; Heusel et al. 2017,
        "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium" (FID).

    Departures:
        The features are the caller's. FID uses those of one Inception network, so these distances cannot be compared
        with FIDs.
    """
    (mean_a, root_a), (mean_b, root_b) = _gaussian(features_a), _gaussian(features_b)
    if mean_a.shape != mean_b.shape:
        raise UserError(
            "features of one width", f"widths {len(mean_a)} and {len(mean_b)}", "take both from the same network"
        )
    overlap = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    distance = np.sum((mean_a - mean_b) ** 2) + np.sum(root_a**2) + np.sum(root_b**2) - 2 * overlap
    return max(float(distance), 0.0)


def frechet_floor(features: np.ndarray, seed: int = 0) -> float:
    """Return the Fréchet distance of two random halves of one set: that of samples as good as the real ones.

    Args:
        features: Array `(n, d)` of features of real images, n at least 4.
        seed: Seed of the split into halves. Default: 0.

    Returns:
        A number, at least 0. It falls about as 1/n. The halves have n/2 samples, so compare it with distances of n/2
        samples.

    Raises:
        UserError: If there are fewer than 4 samples, or values are not finite.
    """
    features = np.asarray(features)
    if len(features) < 4:
        raise UserError("at least 4 samples, 2 for each half", f"{len(features)}", "give more")
    order = np.random.default_rng(seed).permutation(len(features))
    half = len(features) // 2
    return frechet_distance(features[order[:half]], features[order[half : 2 * half]])


def _gaussian(features):
    """The mean of features, and R such that RᵀR is their unbiased covariance (divided by n - 1)."""
    features = np.asarray(features, "float64")
    if features.ndim != 2 or len(features) < 2:
        raise UserError(
            "features (n, d) of at least 2 samples", f"shape {features.shape}", "give more samples, one row for each"
        )
    checks.check_values(features, (-np.inf, np.inf), name="features")
    mean = features.mean(axis=0)
    return mean, np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
