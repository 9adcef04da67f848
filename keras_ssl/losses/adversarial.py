"""What a discriminator minimizes. The generator minimizes the same with real and generated samples exchanged.

Where the generator has no part in the real samples, as in a GAN, their term is a constant to it.
"""

import keras
from keras import ops

__all__ = ["gradient_penalty", "non_saturating", "wasserstein"]


@keras.saving.register_keras_serializable("keras_ssl")
def non_saturating(real, generated):
    """Cross-entropy of telling real samples from generated ones: `-log σ(r) - log(1 - σ(g))`, each a mean.

    Args:
        real: Logits r `(n, …)` of real samples.
        generated: Logits g `(m, …)` of generated ones.

    Returns:
        Scalar, float32, at least 0; `2 log 2` where nothing can be told.

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets", section 3: the generator raises log D(G(z)) in place of
        lowering log(1 - D(G(z))), whose gradient vanishes when the discriminator is sure.
    """
    real, generated = ops.cast(real, "float32"), ops.cast(generated, "float32")
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(generated))


@keras.saving.register_keras_serializable("keras_ssl")
def wasserstein(real, generated):
    """Mean score of the generated samples minus that of the real ones.

    An estimate of the negative Wasserstein distance, as long as the discriminator is 1-Lipschitz: see
    `gradient_penalty`.

    Args:
        real: Scores `(n, …)` of real samples.
        generated: Scores `(m, …)` of generated ones.

    Returns:
        Scalar, float32.

    Reference:
        Arjovsky et al. 2017, "Wasserstein GAN", Eq. 3.
    """
    return ops.mean(ops.cast(generated, "float32")) - ops.mean(ops.cast(real, "float32"))


@keras.saving.register_keras_serializable("keras_ssl")
def gradient_penalty(norms):
    """Mean of `(‖∇D‖ - 1)²`.

    Args:
        norms: Lengths `(n,)` of the discriminator's gradients at points between real and generated samples.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", Eq. 3.
    """
    return ops.mean(ops.square(ops.cast(norms, "float32") - 1.0))
