"""Trained prototypes, and how near samples are to them."""

import keras
from keras import ops

from keras_ssl.directions import unit

__all__ = ["Prototypes"]


@keras.saving.register_keras_serializable("keras_ssl")
class Prototypes(keras.layers.Layer):
    """Cosines of samples with trained prototypes, which are normalized where they are used.

    Args:
        count: Number of prototypes k.
        **kwargs: Of the layer.
    """

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape):
        """Make the prototypes, `(d, k)`."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.count), initializer=keras.initializers.RandomNormal(stddev=1.0), name="kernel"
        )

    def call(self, z, hold=False):
        """Return the cosines `(n, k)` of samples `(n, d)`; where `hold` is true the prototypes get no gradient."""
        kernel = unit(self.kernel, axis=0)
        if hold is not False:
            kernel = ops.where(hold, ops.stop_gradient(kernel), kernel)
        return ops.matmul(unit(z), kernel)

    def compute_output_shape(self, input_shape):
        """Return `(n, k)`."""
        return (*input_shape[:-1], self.count)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "count": self.count}
