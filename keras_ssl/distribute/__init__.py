"""What objectives need to know of `tf.distribute`. On one device, and on JAX, everything here is the identity."""

from keras_ssl.distribute.collectives import gather, replicas

__all__ = ["gather", "replicas"]
