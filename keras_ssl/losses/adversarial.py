"""Losses of a discriminator. The generator minimizes the same loss with real and generated samples exchanged.

In a GAN the real samples do not depend on the generator, so their term is a constant for it.
"""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["gradient_penalty", "non_saturating", "wasserstein"]


@keras.saving.register_keras_serializable("keras_ssl")
def non_saturating(real: Tensor, generated: Tensor) -> Tensor:
    """Cross-entropy of classifying samples as real or generated: the means of `-log σ(r)` and `-log(1 - σ(g))`, added.

    Args:
        real: Logits r of real samples, `(n, …)`.
        generated: Logits g of generated samples, `(m, …)`.

    Returns:
        Scalar, float32, at least 0; `2 log 2` if all logits are 0.

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets", section 3: the generator maximizes log D(G(z)) instead
        of minimizing log(1 - D(G(z))), whose gradient vanishes when the discriminator is confident.
    """
    real, generated = ops.cast(real, "float32"), ops.cast(generated, "float32")
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(generated))


@keras.saving.register_keras_serializable("keras_ssl")
def wasserstein(real: Tensor, generated: Tensor) -> Tensor:
    """Mean score of generated samples minus mean score of real samples.

    It estimates the negative Wasserstein distance if the discriminator is 1-Lipschitz: see `gradient_penalty`.

    Args:
        real: Scores of real samples, `(n, …)`.
        generated: Scores of generated samples, `(m, …)`.

    Returns:
        Scalar, float32.

    Reference:
        Arjovsky et al. 2017, "Wasserstein GAN", Eq. 3.
    """
    return ops.mean(ops.cast(generated, "float32")) - ops.mean(ops.cast(real, "float32"))


@keras.saving.register_keras_serializable("keras_ssl")
def gradient_penalty(norms: Tensor) -> Tensor:
    """Mean of `(‖∇D‖ - 1)²`.

    Args:
        norms: Norms of the discriminator's gradients at points between real and generated samples, `(n,)`.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", Eq. 3.
    """
    return ops.mean(ops.square(ops.cast(norms, "float32") - 1.0))
