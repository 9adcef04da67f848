"""Batch normalization by TensorFlow's fused kernel."""

import keras
from keras import ops

from keras_ssl.distribute import replicas

__all__ = ["BatchNormalization"]


@keras.saving.register_keras_serializable("keras_ssl")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, computed by TensorFlow's fused kernel where that is the same.

    Values, weights and their names are those of the stock layer, to which `to_stock` goes back. The stock computation
    runs on JAX, on inputs that are not `(n, height, width, channels)`, with a mask, and where statistics are
    synchronized across more than one replica.

    Args:
        momentum: Of the moving statistics, 0..1. Default 0.9, PyTorch's, since Keras's 0.99 needs some 500 steps to
            forget its start.
        epsilon: Added to the variance. Default 1.001e-5, the smallest that the kernel takes on every device; below
            it the stock computation runs.
        synchronized: Share the statistics of all replicas of a `tf.distribute` strategy. Default True; without effect
            on one device and on JAX.
        **kwargs: The other arguments of the stock layer; `axis` must be the last one.
    """

    def __init__(self, momentum=0.9, epsilon=1.001e-5, synchronized=True, **kwargs):
        on_tensorflow = keras.backend.backend() == "tensorflow"
        super().__init__(momentum=momentum, epsilon=epsilon, synchronized=synchronized and on_tensorflow, **kwargs)

    def call(self, inputs, training=None, mask=None):
        """Normalize `inputs` `(n, …, channels)`, by batch statistics in training and moving ones otherwise."""
        fused = (
            keras.backend.backend() == "tensorflow"
            and mask is None
            and len(inputs.shape) == 4
            and self.epsilon >= 1.001e-5
            and self.scale
            and self.center
            and not self.renorm
            and not (training and self.trainable and self.synchronized and replicas() > 1)
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, bool(training) and self.trainable)

    def _fused(self, inputs, batch_statistics):
        import tensorflow as tf

        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
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
            variance = variance * (ops.maximum(n - 1.0, 1.0) / n)  # the kernel's is n/(n-1) times the stock layer's
            self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        return y

    def to_stock(self):
        """Return the stock layer of the same configuration, not built."""
        return keras.layers.BatchNormalization.from_config({**self.get_config(), "synchronized": False})
