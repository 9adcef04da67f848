"""Trainable prototypes."""

from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_counts
from keras_ssl.directions import unit
from keras_ssl.typing import Shape, Tensor

__all__ = ["Prototypes"]


@keras.saving.register_keras_serializable("keras_ssl")
class Prototypes(keras.layers.Layer):
    """Cosine similarities of samples and trainable prototypes. Prototypes are normalized in each call, not when stored.

    Args:
        count: Number of prototypes k.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(count=count)
        self.count = count

    def build(self, input_shape: Shape) -> None:
        """Create the prototypes, a weight `(d, k)`."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.count), initializer=keras.initializers.RandomNormal(stddev=1.0), name="kernel"
        )

    def call(self, z: Tensor, hold: bool | Tensor = False) -> Tensor:
        """Return cosine similarities `(n, k)` for samples `(n, d)`.

        If `hold` is true, the prototypes get no gradient.
        """
        kernel = unit(self.kernel, axis=0)
        if hold is not False:
            kernel = ops.where(hold, ops.stop_gradient(kernel), kernel)
        return ops.matmul(unit(z), kernel)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(n, k)`."""
        return (*input_shape[:-1], self.count)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "count": self.count}
