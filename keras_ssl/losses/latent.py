"""Penalties on a representation: for not being sparse, or for not being standard normal."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["gaussian_kl", "l1", "sparsity_kl"]


@keras.saving.register_keras_serializable("keras_ssl")
def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of a diagonal Gaussian from N(0, I), `KL = Σ (μ² + σ² - 1 - log σ²) / 2`, averaged over samples.

    Args:
        mean: Tensor μ `(n, d)`.
        log_variance: Tensor log σ² `(n, d)`.

    Returns:
        Scalar, float32, in nats per sample, at least 0.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
    """
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return ops.mean(ops.sum(ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance, axis=-1)) / 2


@keras.saving.register_keras_serializable("keras_ssl")
def l1(h: Tensor) -> Tensor:
    """Mean of `|h|` over samples and units.

    Args:
        h: Tensor `(n, d)`.

    Returns:
        Scalar, float32, at least 0.
    """
    return ops.mean(ops.abs(ops.cast(h, "float32")))


@keras.saving.register_keras_serializable("keras_ssl")
def sparsity_kl(h: Tensor, target: float) -> Tensor:
    """KL divergence between a target activity ρ and each unit's mean activity ρ̂, averaged over units.

    `ρ log ρ/ρ̂ + (1-ρ) log (1-ρ)/(1-ρ̂)`.

    Args:
        h: Tensor `(n, d)` of activities in 0..1. Means are clipped to 1e-6..1 - 1e-6.
        target: ρ, above 0 and below 1.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.

    Departures:
        The mean over units instead of the sum.
    """
    activity = ops.clip(ops.mean(ops.cast(h, "float32"), axis=0), 1e-6, 1 - 1e-6)
    rho = ops.cast(target, "float32")
    return ops.mean(rho * ops.log(rho / activity) + (1 - rho) * ops.log((1 - rho) / (1 - activity)))
