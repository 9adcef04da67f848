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
    return _changing(share, probability, lambda part, _: ops.zeros_like(part))


def mix_frequencies(share: tuple[float, float] = (0.0, 0.3), probability: float = 1.0) -> Operation:
    """Make an operation that takes random frequencies of each series from another one of the batch, but not its mean.

    Each series draws the other one anew in each view: were it the same in both, they would be alike in what is foreign.
    In a batch of one series nothing changes.

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
    return _changing(share, probability, _of_another)


def _of_another(part, uniform):
    """The rows of other series, which the draw `uniform` `(n,)` in 0..1 chooses."""
    count = ops.shape(part)[0]
    ahead = 1 + ops.cast(uniform * ops.cast(count - 1, "float32"), "int32")
    return ops.take(part, (ops.arange(count, dtype="int32") + ahead) % count, axis=0)


def _changing(share, probability, other: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    """An operation that takes some frequencies from another spectrum, made of both its parts and a uniform draw."""
    share = check_range("share", share, 0.0, 1.0)
    check_between("probability", probability, least=0, most=1)

    def change(series, seed):
        stream, steps = SeedStream(seed), series.shape[1]
        ratio, chance, uniform = draw(stream.next(), series, share, (0, 1), (0, 1))
        missing, mean = ops.isnan(series), known_mean(series)
        spectrum = ops.rfft(ops.transpose(ops.where(missing, 0.0, series - mean), (0, 2, 1)))
        frequencies = spectrum[0].shape[-1]
        taken = keras.random.uniform((ops.shape(series)[0], 1, frequencies), seed=stream) < ratio
        taken = ops.logical_and(taken, ops.arange(frequencies) > 0)
        mixed = tuple(ops.where(taken, other(part, uniform[:, 0, 0]), part) for part in spectrum)
        changed = mean + ops.transpose(ops.irfft(mixed, fft_length=steps), (0, 2, 1))
        return keep_or_change(series, ops.where(missing, series, changed), probability, chance)

    return change
