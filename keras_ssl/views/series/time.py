"""Operations on the time of series: windows and warping, by linear interpolation."""

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.networks import pick
from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Operation, Tensor
from keras_ssl.views.draws import draw, keep_or_change

__all__ = ["random_window", "time_warp"]


def random_window(share: tuple[float, float] = (0.5, 1.0), length: int | None = None) -> Operation:
    """Make an operation that takes a random window of each series, without padding at its end, stretched to one length.

    Args:
        share: Smallest and largest share of the time that a window takes, in 0.01..1. Default: `(0.5, 1)`.
        length: Number of time steps of the result. Default: that of the series.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to `(n, length, channels)`.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Le Guennec et al. 2016, "Data Augmentation for Time Series Classification using Convolutional Neural Networks",
        section 4 (window slicing, here stretched to one length).
    """
    share = check_range("share", share, 0.01, 1.0)
    if length is not None:
        check_between("length", length, 1, whole=True)

    def cut(series, seed):
        steps = series.shape[1]
        (size, start) = (x[:, :, 0] for x in draw(seed, series, share, (0, 1)))
        way = np.linspace(0.0, 1.0, length or steps, dtype="float32")[None]
        return _at(series, (start * (1 - size) + size * way) * _end(series))

    return cut


def time_warp(strength: float = 0.3, knots: int = 4, probability: float = 1.0) -> Operation:
    """Make an operation that lets time run faster and slower along each series, from its beginning to its end.

    Padding at the end of a series is not part of it: the rest is stretched.

    Args:
        strength: Standard deviation of the logarithm of the speed at each knot, in 0..3. Default: 0.3.
        knots: Number of knots, at least 2, between which the logarithm is linear. Default: 4.
        probability: Probability for each series, in 0..1. Default: 1.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Um et al. 2017, section 3 (time warping); see `jitter`.

    Departures:
        The logarithm of the speed is linear between knots; the paper's speed is a cubic spline, which may be negative.
    """
    check_between("strength", strength, 0, 3)
    check_between("knots", knots, 2, whole=True)
    check_between("probability", probability, least=0, most=1)

    def warp(series, seed):
        stream, steps = SeedStream(seed), series.shape[1]
        (chance,) = draw(stream.next(), series, (0, 1))
        at_knots = strength * keras.random.normal((ops.shape(series)[0], knots), seed=stream)
        speed = ops.exp(ops.matmul(at_knots, _between(knots, steps)))
        place = ops.cumsum(speed, axis=1) - speed[:, :1]  # from 0
        whole = ops.maximum(place[:, -1:], 1e-6)
        return keep_or_change(series, _at(series, place / whole * _end(series)), probability, chance)

    return warp


def _end(series):
    """The last step of each series that is no padding, as floats `(n, 1)`."""
    known = ops.any(ops.logical_not(ops.isnan(series)), axis=-1)
    return ops.max(ops.where(known, ops.arange(series.shape[1], dtype="float32"), 0.0), axis=1, keepdims=True)


def _between(knots, steps):
    """The matrix `(knots, steps)` of linear interpolation between evenly spaced knots."""
    place = np.linspace(0, knots - 1, steps)
    return np.maximum(1 - np.abs(place - np.arange(knots)[:, None]), 0).astype("float32")


def _at(series: Tensor, place: Tensor) -> Tensor:
    """Series `(n, length, channels)` at places `(n, length)` in 0..time-1, between which they are linear."""
    last = series.shape[1] - 1
    low = ops.clip(ops.floor(place), 0, last)
    part = ops.expand_dims(ops.clip(place - low, 0.0, 1.0), -1)
    before = pick(series, ops.cast(low, "int32"))
    after = pick(series, ops.cast(ops.minimum(low + 1, last), "int32"))
    return ops.where(part > 0, before + part * (after - before), before)  # beside a missing value, itself is known
