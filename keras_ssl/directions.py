"""Vectors of length 1, and the way from one direction to another."""

from keras import ops

__all__ = ["slerp", "unit"]


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


def slerp(first, second, steps):
    """Spherical linear interpolation: points between vectors at equal angles, whose length stays typical.

    Between two draws of N(0, I) in many dimensions the straight line passes much nearer to 0 than any draw does.

    Args:
        first: Tensor `(n, d)`.
        second: Tensor `(n, d)`.
        steps: Number of points of each, both ends among them, at least 2.

    Returns:
        Tensor `(n, steps, d)`, float32.

    Reference:
        White 2016, "Sampling Generative Networks", section 2.1.
    """
    first, second = (ops.cast(x, "float32")[:, None] for x in (first, second))
    t = ops.reshape(ops.linspace(0.0, 1.0, steps), (1, steps, 1))
    cosine = ops.sum(unit(first) * unit(second), axis=-1, keepdims=True)
    angle = ops.arccos(ops.clip(cosine, -1 + 1e-6, 1 - 1e-6))
    return (ops.sin((1 - t) * angle) * first + ops.sin(t * angle) * second) / ops.sin(angle)
