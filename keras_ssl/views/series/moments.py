"""Mean and standard deviation of series that have missing values."""

from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["known_deviation", "known_mean"]


def known_mean(series: Tensor) -> Tensor:
    """Mean of the known values of each channel.

    Args:
        series: Float tensor `(n, time, channels)`, in which NaN is a missing value.

    Returns:
        Tensor `(n, 1, channels)`; 0 where no value is known.
    """
    known = ops.logical_not(ops.isnan(series))
    count = ops.maximum(ops.sum(ops.cast(known, "float32"), axis=1, keepdims=True), 1.0)
    return ops.sum(ops.where(known, series, 0.0), axis=1, keepdims=True) / count


def known_deviation(series: Tensor) -> Tensor:
    """Standard deviation of the known values of each channel.

    Args:
        series: See `known_mean`.

    Returns:
        Tensor `(n, 1, channels)`; 0 where no value is known.
    """
    return ops.sqrt(known_mean(ops.square(series - known_mean(series))))
