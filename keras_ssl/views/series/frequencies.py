"""Operations on the frequencies of series."""

from collections.abc import Callable

import keras
from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Operation, Tensor
from keras_ssl.views.draws import draw, keep_or_change
from keras_ssl.views.series.moments import known_mean

__all__ = ["mask_frequencies", "mix_frequencies"]


def mask_frequencies(share: tuple[float, float] = (0.0, 0.3), probability: float = 1.0) -> Operation:
    """Make an operation that removes random frequencies of each series, but not its mean.

    A missing value counts as the mean, and stays missing.

    Args:
        share: Lowest and highest share of the frequencies to remove, in 0..1; each series draws its own. Default:
            `(0, 0.3)`.
        probability: Probability for each series, in 0..1. Default: 1.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Chen et al. 2023, "FrAug: Frequency Domain Augmentation for Time Series Forecasting", section 3 (frequency
        masking).
    """
    return _changing(share, probability, lambda spectrum: ops.zeros_like(spectrum))


def mix_frequencies(share: tuple[float, float] = (0.0, 0.3), probability: float = 1.0) -> Operation:
    """Make an operation that takes random frequencies of each series from another one of the batch, but not its mean.

    Args:
        share: Lowest and highest share of the frequencies to take, in 0..1; each series draws its own. Default:
            `(0, 0.3)`.
        probability: Probability for each series, in 0..1. Default: 1.

    Returns:
        A function `(series, seed)` from `(n, time, channels)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Chen et al. 2023, section 3 (frequency mixing); see `mask_frequencies`.
    """
    return _changing(share, probability, lambda spectrum: ops.roll(spectrum, 1, axis=0))


def _changing(share, probability, other: Callable[[Tensor], Tensor]) -> Operation:
    """An operation that takes some frequencies from another spectrum."""
    share = check_range("share", share, 0.0, 1.0)
    check_between("probability", probability, least=0, most=1)

    def change(series, seed):
        stream, steps = SeedStream(seed), series.shape[1]
        ratio, chance = draw(stream.next(), series, share, (0, 1))
        missing, mean = ops.isnan(series), known_mean(series)
        spectrum = ops.rfft(ops.transpose(ops.where(missing, 0.0, series - mean), (0, 2, 1)))
        frequencies = spectrum[0].shape[-1]
        taken = keras.random.uniform((ops.shape(series)[0], 1, frequencies), seed=stream) < ratio
        taken = ops.logical_and(taken, ops.arange(frequencies) > 0)
        mixed = tuple(ops.where(taken, other(part), part) for part in spectrum)
        changed = mean + ops.transpose(ops.irfft(mixed, fft_length=steps), (0, 2, 1))
        return keep_or_change(series, ops.where(missing, series, changed), probability, chance)

    return change
