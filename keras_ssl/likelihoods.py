"""Likelihoods p(x|z) of images, whose parameters a decoder gives."""

import dataclasses
import math

import keras
from keras import ops

from keras_ssl.checks import check_between

__all__ = ["Bernoulli", "Gaussian"]


@dataclasses.dataclass(frozen=True)
class _Serialisable:
    def get_config(self):
        """Return the constructor's arguments."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Make one of what `get_config` returned."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_ssl")
@dataclasses.dataclass(frozen=True)
class Bernoulli(_Serialisable):
    """Each element is 1 with the probability that its logit gives.

    Values between 0 and 1 are taken as probabilities themselves; what comes out then is no likelihood of theirs, but
    still the cross-entropy.
    """

    value_range = (0.0, 1.0)
    """Lowest and highest value that x may have."""

    def log_prob(self, x, logits):
        """Return log p(x|z) in nats: `Σ x l - log(1 + exp l)` over the elements of a sample.

        Args:
            x: Tensor `(n, …)` in 0..1.
            logits: Tensor l of the same shape, or `(k, n, …)`.

        Returns:
            Tensor `(n,)` or `(k, n)`, float32, at most 0.
        """
        x, logits = ops.cast(x, "float32"), ops.cast(logits, "float32")
        elements = x * logits - ops.softplus(logits)
        return ops.sum(elements, axis=tuple(range(1 - len(x.shape), 0)))

    def mean(self, logits):
        """Return the probabilities, a float32 tensor like `logits`."""
        return ops.sigmoid(ops.cast(logits, "float32"))


@keras.saving.register_keras_serializable("keras_ssl")
@dataclasses.dataclass(frozen=True)
class Gaussian(_Serialisable):
    """Each element has a mean of its own, and all have one standard deviation.

    Args:
        stddev: Standard deviation σ in the unit of x. Default 1, with which log p is half the squared error, up to a
            constant; images in 0..1 want a smaller one, else the posterior hardly leaves its prior.
    """

    stddev: float = 1.0
    value_range = None
    """Any value has a density. Arrays of images are in 0..1 all the same; other data sets may hold other values."""

    def __post_init__(self):
        check_between("stddev", self.stddev, above=0)

    def log_prob(self, x, mean):
        """Return log p(x|z) in nats: `-Σ (x - m)² / 2σ² + log(σ √2π)` over the elements of a sample.

        Args:
            x: Tensor `(n, …)`.
            mean: Tensor m of the same shape, or `(k, n, …)`.

        Returns:
            Tensor `(n,)` or `(k, n)`, float32.
        """
        x, mean = ops.cast(x, "float32"), ops.cast(mean, "float32")
        elements = ops.square((x - mean) / self.stddev) / 2 + math.log(self.stddev * math.sqrt(2 * math.pi))
        return -ops.sum(elements, axis=tuple(range(1 - len(x.shape), 0)))

    def mean(self, mean):
        """Return the mean itself, as float32."""
        return ops.cast(mean, "float32")
