"""Operations on waveforms: noise, gain, polarity, speed, shift, crop."""

import math

from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.seeds import SeedStream
from keras_ssl.transforms.noise import gaussian_noise
from keras_ssl.typing import Operation, Tensor
from keras_ssl.views.audio.kept import lengths, within
from keras_ssl.views.draws import draw, keep_or_change

__all__ = ["gain", "polarity", "speed", "time_crop", "time_shift", "white_noise"]


def white_noise(snr: tuple[float, float] = (10.0, 40.0), probability: float = 1.0) -> Operation:
    """Make an operation that adds Gaussian noise at a random signal-to-noise ratio.

    The noise of a recording has the power of its samples before the zeros at its end, divided by 10^(snr / 10). It is
    added to these samples only; silence stays silent.

    Args:
        snr: Lowest and highest ratio in dB, in -20..100. Default: `(10, 40)`.
        probability: Probability for each recording, in 0..1. Default: 1.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape. Values may leave -1..1; a `Policy` clips.

    Raises:
        UserError: If a number is out of its range.
    """
    snr = check_range("snr", snr, -20.0, 100.0)
    check_between("probability", probability, least=0, most=1)

    def add_noise(sounds, seed):
        stream = SeedStream(seed)
        ratio, chance = draw(stream.next(), sounds, snr, (0, 1))
        count = lengths(sounds)
        power = ops.sum(ops.square(sounds), axis=1, keepdims=True) / ops.maximum(count, 1.0)
        stddev = ops.sqrt(power / 10.0 ** (ratio / 10.0))
        noisy = gaussian_noise(sounds, ops.where(within(sounds, 0.0, count), stddev, 0.0), stream.next())
        return keep_or_change(sounds, noisy, probability, chance)

    return add_noise


def gain(decibels: tuple[float, float] = (-12.0, 6.0), probability: float = 1.0) -> Operation:
    """Make an operation that makes recordings louder or softer.

    Args:
        decibels: Lowest and highest gain in dB, in -60..60. Default: `(-12, 6)`.
        probability: Probability for each recording, in 0..1. Default: 1.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape. Values may leave -1..1; a `Policy` clips.

    Raises:
        UserError: If a number is out of its range.
    """
    decibels = check_range("decibels", decibels, -60.0, 60.0)
    check_between("probability", probability, least=0, most=1)

    def scale(sounds, seed):
        amount, chance = draw(seed, sounds, decibels, (0, 1))
        return keep_or_change(sounds, sounds * 10.0 ** (amount / 20.0), probability, chance)

    return scale


def polarity(probability: float = 0.5) -> Operation:
    """Make an operation that changes the sign of all samples of a recording, which nobody hears.

    Args:
        probability: Probability for each recording, in 0..1. Default: 0.5.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape.

    Raises:
        UserError: If the probability is out of its range.
    """
    check_between("probability", probability, least=0, most=1)

    def invert(sounds, seed):
        (chance,) = draw(seed, sounds, (0, 1))
        return keep_or_change(sounds, -sounds, probability, chance)

    return invert


def speed(factor: tuple[float, float] = (0.9, 1.1), probability: float = 1.0) -> Operation:
    """Make an operation that plays recordings faster or slower, which also makes voices higher or deeper.

    Sample t of the result is the sample at place `factor * t`, between two samples on the line through them. The end
    of a slower recording is lost if it does not fit into the array.

    Args:
        factor: Lowest and highest speed, in 0.25..4; 2 is twice as fast. Default: `(0.9, 1.1)`.
        probability: Probability for each recording, in 0..1. Default: 1.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Ko et al. 2015, "Audio Augmentation for Speech Recognition", section 2.2.

    Departures:
        The paper's factors are 0.9, 1 and 1.1; here they are drawn from a range, on a logarithmic scale. Lines between
        samples take the place of a resampling filter, so the highest frequencies of a faster recording fold back.
    """
    factor = check_range("factor", factor, 0.25, 4.0)
    check_between("probability", probability, least=0, most=1)
    logarithms = (math.log(factor[0]), math.log(factor[1]))

    def play(sounds, seed):
        power, chance = draw(seed, sounds, logarithms, (0, 1))
        played = ops.exp(power)
        places = played * ops.arange(sounds.shape[1], dtype="float32")[None]
        before = ops.floor(places)
        left, right = _at(sounds, before), _at(sounds, before + 1.0)
        return keep_or_change(sounds, left + (places - before) * (right - left), probability, chance)

    return play


def time_shift(part: float = 0.1, probability: float = 1.0) -> Operation:
    """Make an operation that moves recordings earlier or later. What leaves is lost; zeros come in.

    Args:
        part: Largest shift as a fraction of the recording's length without padding, in 0..0.5. Default: 0.1.
        probability: Probability for each recording, in 0..1. Default: 1.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape.

    Raises:
        UserError: If a number is out of its range.
    """
    check_between("part", part, least=0, most=0.5)
    check_between("probability", probability, least=0, most=1)

    def shift(sounds, seed):
        amount, chance = draw(seed, sounds, (-part, part), (0, 1))
        begin = ops.round(amount * lengths(sounds))
        return keep_or_change(sounds, _moved(sounds, begin, sounds.shape[1]), probability, chance)

    return shift


def time_crop(part: tuple[float, float] = (0.6, 1.0), length: int | None = None) -> Operation:
    """Make an operation that takes a random part of each recording, and pads it with zeros at its end.

    Args:
        part: Smallest and largest length, as fractions of the recording's length without padding, above 0 and up to 1.
            Default: `(0.6, 1)`.
        length: Number of samples of the result, to which longer parts are cut. Default: that of the recordings.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to `(n, length)`.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Saeed et al. 2021, "Contrastive Learning of General-Purpose Audio Representations", section 3, which compares
        two crops of a recording.
    """
    part = check_range("part", part, 1e-3, 1.0)
    if length is not None:
        check_between("length", length, least=1, whole=True)

    def crop(sounds, seed):
        share, place = draw(seed, sounds, part, (0, 1))
        whole, size = lengths(sounds), length or sounds.shape[1]
        kept = ops.minimum(ops.ceil(share * whole), float(size))
        begin = ops.floor(place * (whole - kept + 1.0))
        moved = _moved(sounds, begin, size)
        return ops.where(within(moved, 0.0, kept), moved, 0.0)

    return crop


def _moved(sounds: Tensor, begin: Tensor, size: int) -> Tensor:
    """The samples of each recording from a place `(n, 1)` on, `(n, size)`; zeros where there are none."""
    return _at(sounds, begin + ops.arange(size, dtype="float32")[None])


def _at(sounds: Tensor, places: Tensor) -> Tensor:
    """The samples of each recording at whole places `(n, size)`; zeros where there are none.

    By rows of one vector: it takes a fifth of the time of `ops.take_along_axis` on a CPU.
    """
    n, time = ops.shape(sounds)
    places = ops.cast(places, "int32")
    inside = ops.logical_and(places >= 0, places < time)
    rows = ops.clip(places, 0, time - 1) + time * ops.arange(n, dtype="int32")[:, None]
    return ops.where(inside, ops.take(ops.reshape(sounds, (-1,)), rows), 0.0)
