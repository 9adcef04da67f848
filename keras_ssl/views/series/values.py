"""Operations on the values of series."""

import keras
from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.seeds import SeedStream
from keras_ssl.transforms.noise import gaussian_noise
from keras_ssl.typing import Operation
from keras_ssl.views.draws import draw, keep_or_change
from keras_ssl.views.series.moments import known_deviation, known_mean

__all__ = ["jitter", "rescale"]


def jitter(stddev: tuple[float, float] = (0.0, 0.1), probability: float = 1.0) -> Operation:
    """Make an operation that adds Gaussian noise, with a random strength for each series.

    Args:
        stddev: Lowest and highest standard deviation, in units of that of each channel over time. Default: `(0, 0.1)`.
        probability: Probability for each series, in 0..1. Default: 1.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Um et al. 2017, "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring using
        Convolutional Neural Networks", section 3 (jittering).
    """
    stddev = check_range("stddev", stddev, 0.0, 10.0)
    check_between("probability", probability, least=0, most=1)

    def add_noise(series, seed):
        stream = SeedStream(seed)
        strength, chance = draw(stream.next(), series, stddev, (0, 1))
        noisy = gaussian_noise(series, strength * known_deviation(series), stream.next())
        return keep_or_change(series, noisy, probability, chance)

    return add_noise


def rescale(factor: tuple[float, float] = (0.8, 1.25), probability: float = 1.0) -> Operation:
    """Make an operation that stretches each channel of each series around its mean, by a random factor.

    Args:
        factor: Lowest and highest factor, above 0; its logarithm is drawn uniformly. Default: `(0.8, 1.25)`.
        probability: Probability for each series, in 0..1. Default: 1.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Um et al. 2017, section 3 (scaling); see `jitter`.

    Departures:
        The mean stays. The paper multiplies the values themselves, by which a series far from 0 would move by many of
        its standard deviations.
    """
    low, high = check_range("factor", factor, 1e-3, 1e3)
    check_between("probability", probability, least=0, most=1)

    def multiply(series, seed):
        stream = SeedStream(seed)
        (chance,) = draw(stream.next(), series, (0, 1))
        count, _, channels = ops.shape(series)
        units = keras.random.uniform((count, 1, channels), seed=stream)
        mean = known_mean(series)
        return keep_or_change(series, mean + (series - mean) * low * (high / low) ** units, probability, chance)

    return multiply
