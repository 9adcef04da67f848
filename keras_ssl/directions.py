"""Unit vectors, and interpolation between directions."""

from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["slerp", "unit"]


def unit(x: Tensor, axis: int = -1) -> Tensor:
    """Normalize vectors to length 1. Vectors shorter than 1e-6 become 0, with gradient 0.

    For a vector of 0 the gradient of `keras.ops.normalize` is 1e7 on TensorFlow and NaN on JAX. A network with a
    ReLU or two can produce such vectors.

    Args:
        x: Tensor of vectors along `axis`.
        axis: Axis of the vectors. Default: -1.

    Returns:
        Tensor of the same shape, float32.
    """
    x = ops.cast(x, "float32")
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    long = square > 1e-12
    return ops.where(long, x * ops.rsqrt(ops.where(long, square, 1.0)), 0.0)


def slerp(first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Spherical linear interpolation: points between two vectors at equal angles.

    The norms of the points stay typical. In contrast, linear interpolation between two samples of N(0, I) in many
    dimensions passes much closer to 0 than any sample does.

    Args:
        first: Tensor `(n, d)`.
        second: Tensor `(n, d)`.
        steps: Number of points for each pair, both ends included, at least 2.

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
