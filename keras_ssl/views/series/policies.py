"""A ready policy for series."""

from keras_ssl.checks import check_between
from keras_ssl.views.policy import Policy
from keras_ssl.views.series.frequencies import mask_frequencies
from keras_ssl.views.series.time import random_window, time_warp
from keras_ssl.views.series.values import jitter as add_jitter
from keras_ssl.views.series.values import rescale

__all__ = ["time_series"]


def time_series(
    window: tuple[float, float] = (0.6, 1.0),
    warp: float = 0.2,
    scale: tuple[float, float] = (0.8, 1.25),
    jitter: float = 0.1,
    mask: float = 0.2,
) -> Policy:
    """Make a policy for series: a random window, time warping, rescaling, frequency masking and noise, in this order.

    Args:
        window: Smallest and largest share of the time that a view shows. Default: `(0.6, 1)`.
        warp: Strength of `time_warp`. Default: 0.2.
        scale: Lowest and highest factor of each channel. Default: `(0.8, 1.25)`.
        jitter: Largest standard deviation of the noise, in units of that of the channel. Default: 0.1.
        mask: Largest share of the frequencies that are removed. Default: 0.2.

    Returns:
        A `Policy` of kind "series". Its defaults are not tuned.

    Raises:
        UserError: If a number is out of its range.

    Example:
        `data.batches(train, views=views.time_series())`
    """
    check_between("warp", warp, 0, 3)
    check_between("jitter", jitter, 0, 10)
    check_between("mask", mask, 0, 1)
    operations = [
        random_window(window),
        time_warp(warp),
        rescale(scale),
        mask_frequencies((0.0, mask)),
        add_jitter((0.0, jitter)),
    ]
    return Policy(operations, name="time_series", kind="series")
