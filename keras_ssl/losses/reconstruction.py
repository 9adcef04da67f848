"""Losses that compare a reconstruction with its input, averaged over samples and elements.

Papers sum over elements. The mean makes values comparable between image sizes and only rescales the gradient.
"""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["squared_error", "absolute_error", "binary_cross_entropy", "masked_squared_error"]


@keras.saving.register_keras_serializable("keras_ssl")
def squared_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Mean of `(x - reconstruction)²`: the negative log-likelihood of a Gaussian, up to constants.

    Args:
        reconstruction: Tensor `(n, …)` of any range.
        x: Tensor of the same shape.

    Returns:
        Scalar, float32, at least 0.
    """
    return ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(reconstruction, "float32")))


@keras.saving.register_keras_serializable("keras_ssl")
def absolute_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Mean of `|x - reconstruction|`: the negative log-likelihood of a Laplacian, up to constants.

    Args:
        reconstruction: Tensor `(n, …)` of any range.
        x: Tensor of the same shape.

    Returns:
        Scalar, float32, at least 0.
    """
    return ops.mean(ops.abs(ops.cast(x, "float32") - ops.cast(reconstruction, "float32")))


@keras.saving.register_keras_serializable("keras_ssl")
def binary_cross_entropy(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Mean of `-x log r - (1 - x) log(1 - r)`: the negative log-likelihood of a Bernoulli variable.

    Args:
        reconstruction: Tensor r `(n, …)` of probabilities, not logits. They are clipped to 1e-7..1 - 1e-7.
        x: Tensor of the same shape in 0..1.

    Returns:
        Scalar, float32, at least 0. Its minimum is the mean entropy of x, which is 0 only if every x is 0 or 1.
    """
    x = ops.cast(x, "float32")
    r = ops.clip(ops.cast(reconstruction, "float32"), 1e-7, 1 - 1e-7)
    return -ops.mean(x * ops.log(r) + (1 - x) * ops.log1p(-r))


@keras.saving.register_keras_serializable("keras_ssl")
def masked_squared_error(reconstruction: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """Mean over samples of the mean of `(x - reconstruction)²` over each sample's hidden elements.

    Args:
        reconstruction: Tensor `(n, …, d)` of any range.
        x: Tensor of the same shape.
        mask: Tensor `(n, …)`, without the last axis; True or 1 = hidden.

    Returns:
        Scalar, float32, at least 0. A sample with nothing hidden counts as 0.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 3: "we compute the loss only on
        masked patches"; Pathak et al. 2016, "Context Encoders", Eq. 1.
    """
    error = ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(reconstruction, "float32")), axis=-1)
    mask, inner = ops.cast(mask, "float32"), tuple(range(1, len(error.shape)))
    return ops.mean(ops.sum(mask * error, axis=inner) / ops.maximum(ops.sum(mask, axis=inner), 1.0))
