"""Likelihoods p(x|z) of images x, whose parameters a decoder computes from the latent z."""

import dataclasses
import math
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.typing import Tensor

__all__ = ["Bernoulli", "Gaussian"]


@dataclasses.dataclass(frozen=True)
class _Serializable:
    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_Serializable":
        """Create a likelihood from the result of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_ssl")
@dataclasses.dataclass(frozen=True)
class Bernoulli(_Serializable):
    """Each element is 0 or 1, and the decoder's output is the logit of 1.

    For x between 0 and 1, `log_prob` is the negative cross-entropy, which is not a log-likelihood.
    """

    value_range = (0.0, 1.0)
    """Lowest and highest valid value of x."""

    def log_prob(self, x: Tensor, logits: Tensor) -> Tensor:
        """Return log p(x|z) in nats: `Σ x l - log(1 + exp l)` over the elements of a sample.

        Args:
            x: Tensor `(n, …)` in 0..1.
            logits: Tensor l of the same shape, or `(k, n, …)` for k draws of z.

        Returns:
            Tensor `(n,)` or `(k, n)`, float32, at most 0.
        """
        x, logits = ops.cast(x, "float32"), ops.cast(logits, "float32")
        elements = x * logits - ops.softplus(logits)
        return ops.sum(elements, axis=tuple(range(1 - len(x.shape), 0)))

    def mean(self, logits: Tensor) -> Tensor:
        """Return the probabilities, a float32 tensor of the shape of `logits`."""
        return ops.sigmoid(ops.cast(logits, "float32"))


@keras.saving.register_keras_serializable("keras_ssl")
@dataclasses.dataclass(frozen=True)
class Gaussian(_Serializable):
    """Each element is Gaussian. The decoder's output is its mean; all elements share one standard deviation.

    Args:
        stddev: Standard deviation σ in the unit of x, above 0. Default: 1, for which -log p is half the squared error
            plus a constant. Images in 0..1 need a smaller σ, or the posterior stays close to the prior.

    Raises:
        UserError: If `stddev` is not above 0.
    """

    stddev: float = 1.0
    value_range = None
    """None: x can have any value. Arrays of images are in 0..1, but other data may not be."""

    def __post_init__(self) -> None:
        check_between("stddev", self.stddev, above=0)

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """Return log p(x|z) in nats: `-Σ (x - m)² / 2σ² + log(σ √2π)` over the elements of a sample.

        Args:
            x: Tensor `(n, …)`.
            mean: Tensor m of the same shape, or `(k, n, …)` for k draws of z.

        Returns:
            Tensor `(n,)` or `(k, n)`, float32.
        """
        x, mean = ops.cast(x, "float32"), ops.cast(mean, "float32")
        elements = ops.square((x - mean) / self.stddev) / 2 + math.log(self.stddev * math.sqrt(2 * math.pi))
        return -ops.sum(elements, axis=tuple(range(1 - len(x.shape), 0)))

    def mean(self, mean: Tensor) -> Tensor:
        """Return the mean, cast to float32."""
        return ops.cast(mean, "float32")
