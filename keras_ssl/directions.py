"""Vectors of length 1."""

from keras import ops

__all__ = ["unit"]


def unit(x, axis=-1):
    """Divide vectors by their lengths, in float32. Those shorter than 1e-6 become 0, and no gradient goes through them.

    `keras.ops.normalize` has a gradient of 1e7 there on TensorFlow and none that is a number on JAX, and a ReLU or two
    is enough for a sample whose representation is 0.

    Args:
        x: Tensor of vectors along `axis`.
        axis: Default -1.

    Returns:
        Tensor of the same shape.
    """
    x = ops.cast(x, "float32")
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    long = square > 1e-12
    return ops.where(long, x * ops.rsqrt(ops.where(long, square, 1.0)), 0.0)
