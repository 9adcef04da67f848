"""Distances of representations from those of known samples, as layers: what an exported anomaly score is made of."""

from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between, check_counts
from keras_ssl.directions import unit
from keras_ssl.typing import Shape, Tensor

__all__ = ["MahalanobisDistance", "NeighborDistance"]


@keras.saving.register_keras_serializable("keras_ssl")
class NeighborDistance(keras.layers.Layer):
    """Euclidean distance from each sample to its k-th nearest of the known samples, which are a weight.

    Args:
        count: Number of known samples m.
        neighbors: k, at most m. Default: 1.
        normalize: Whether samples are scaled to length 1 first; the known ones must have it. Default: False.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        UserError: If a number is out of its range.
    """

    def __init__(self, count: int, neighbors: int = 1, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(count=count)
        check_between("neighbors", neighbors, least=1, most=count, whole=True)
        self.count, self.neighbors, self.normalize = count, neighbors, normalize

    def build(self, input_shape: Shape) -> None:
        """Create the known samples, a weight `(m, d)`, and their mean, which are both to be assigned."""
        width = input_shape[-1]
        self.known = self.add_weight(shape=(self.count, width), initializer="zeros", trainable=False, name="known")
        self.center = self.add_weight(shape=(width,), initializer="zeros", trainable=False, name="center")

    def call(self, h: Tensor) -> Tensor:
        """Return distances `(n,)` of samples `(n, d)`."""
        h = unit(h) if self.normalize else h
        # |a|² - 2 a·b + |b|² finds the nearest; their distances are computed from differences, which cancel exactly
        known = self.known - self.center
        square = ops.sum(ops.square(known), axis=-1) - 2 * ops.matmul(h - self.center, ops.transpose(known))
        _, nearest = ops.top_k(-square, self.neighbors)
        differences = h[:, None] - ops.take(self.known, nearest, axis=0)
        return ops.sqrt(ops.max(ops.sum(ops.square(differences), axis=-1), axis=-1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(n,)`."""
        return input_shape[:-1]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"count": self.count, "neighbors": self.neighbors, "normalize": self.normalize}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("keras_ssl")
class MahalanobisDistance(keras.layers.Layer):
    """Mahalanobis distance from each sample to a mean: `√((h - μ)ᵀ Σ⁻¹ (h - μ))`.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def build(self, input_shape: Shape) -> None:
        """Create the mean μ `(d,)` and the factor W `(d, d)` with `W Wᵀ = Σ⁻¹`, which are both to be assigned."""
        width = input_shape[-1]
        self.mean = self.add_weight(shape=(width,), initializer="zeros", trainable=False, name="mean")
        self.factor = self.add_weight(shape=(width, width), initializer="zeros", trainable=False, name="factor")

    def call(self, h: Tensor) -> Tensor:
        """Return distances `(n,)` of samples `(n, d)`."""
        return ops.sqrt(ops.sum(ops.square(ops.matmul(h - self.mean, self.factor)), axis=-1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(n,)`."""
        return input_shape[:-1]
