"""Batch normalization with TensorFlow's fused kernel."""

from typing import Any

import keras
from keras import ops

from keras_ssl.backends import on_tensorflow
from keras_ssl.checks import check_between
from keras_ssl.distribute import mean, replicas
from keras_ssl.typing import Tensor

__all__ = ["BatchNormalization"]


@keras.saving.register_keras_serializable("keras_ssl")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, computed by TensorFlow's fused kernel where the results are equal.

    Outputs, weights and weight names equal those of the Keras layer, and `to_stock` converts to it. The Keras
    computation runs on JAX, for inputs that are not `(n, height, width, channels)`, with a mask, when statistics are
    synchronized across several replicas, and in other precisions than single and mixed.

    Args:
        momentum: Momentum of the moving statistics, 0..1. Default: 0.9, as in PyTorch; with Keras's 0.99 the initial
            values still matter for some 500 steps.
        epsilon: Added to the variance. Default: 1.001e-5, the smallest that the kernel accepts on every device. With
            smaller values the Keras computation runs.
        synchronized: Whether all replicas of a `tf.distribute` strategy share their statistics. Default: True. It has
            no effect on one device or on JAX.
        **kwargs: Other arguments of the Keras layer; `axis` must be the last one.
    """

    def __init__(
        self, momentum: float = 0.9, epsilon: float = 1.001e-5, synchronized: bool = True, **kwargs: Any
    ) -> None:
        check_between("momentum", momentum, 0, 1)
        check_between("epsilon", epsilon, above=0)
        super().__init__(momentum=momentum, epsilon=epsilon, synchronized=synchronized and on_tensorflow(), **kwargs)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalize `inputs` `(n, …, channels)` with batch statistics in training, else with moving statistics."""
        fused = (
            on_tensorflow()
            and mask is None
            and len(inputs.shape) == 4
            and self.epsilon >= 1.001e-5
            and self.scale
            and self.center
            and not self.renorm
            and self.gamma.dtype == "float32"
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float16", "bfloat16")
            and not (training and self.trainable and self.synchronized and replicas() > 1)
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, bool(training) and self.trainable)

    def _fused(self, inputs, batch_statistics):
        import tensorflow as tf

        y, average, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.convert_to_tensor(self.gamma),
            offset=ops.convert_to_tensor(self.beta),
            mean=ops.convert_to_tensor(self.moving_mean),
            variance=ops.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=batch_statistics,
        )
        if batch_statistics:
            n = ops.cast(ops.prod(ops.shape(inputs)[:-1]), "float32")
            variance = variance * (ops.maximum(n - 1.0, 1.0) / n)  # the kernel's is n/(n-1) times Keras's
            self.moving_mean.assign(self.moving_mean * self.momentum + average * (1.0 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        return y

    def _moments(self, inputs, mask):
        """Means and variances of the global batch, in two passes: E[x²] - E[x]² loses small variances of large x.

        Keras computes the latter wherever statistics are synchronized, on one device, too.
        """
        if mask is not None:
            return super()._moments(inputs, mask)
        axes = list(range(len(inputs.shape) - 1))
        if not self.synchronized or replicas() == 1:
            return ops.moments(inputs, axes=axes)
        average = mean(inputs, axis=tuple(axes))
        return average, mean(ops.square(inputs - average), axis=tuple(axes))

    def to_stock(self) -> keras.layers.BatchNormalization:
        """Return an unbuilt Keras layer with the same configuration."""
        return keras.layers.BatchNormalization.from_config({**self.get_config(), "synchronized": False})
