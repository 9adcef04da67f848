"""Masks over frequency and time."""

import math

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Operation, Tensor
from keras_ssl.views.audio.kept import lengths, within

__all__ = ["spec_augment"]


def spec_augment(
    rate: int,
    bands: int = 2,
    band: float = 27 / 80,
    spans: int = 2,
    span: float = 0.2,
) -> Operation:
    """Make an operation that removes random bands of frequencies and random spans of time from recordings.

    It works on waveforms, so that encoders of waveforms and of spectrograms both take it: a band is a range of the
    Fourier transform of the whole recording that is set to 0, and a span a range of its samples.

    Args:
        rate: Sample rate in Hz.
        bands: Number of bands, at least 0. Default: 2.
        band: Widest band, as a fraction of the mel scale from 0 to `rate / 2`, in 0..1. Default: 27 of 80 channels, as
            in the paper's policy "LD".
        spans: Number of spans, at least 0. Default: 2.
        span: Longest span, as a fraction of the recording's length without padding, in 0..1. Default: 0.2, the bound
            of the paper's policies for Switchboard.

    Returns:
        A function `(sounds, seed)` from `(n, time)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition", section 2
        and Table 1.

    Departures:
        The paper masks log-mel spectrograms. Here bands and spans are taken out of the waveform, so a masked band is
        quiet, not 0 after the logarithm, and a span that reaches the end of a recording shortens it. There is no time
        warping, which the paper found to matter least.
    """
    check_between("rate", rate, least=1, whole=True)
    check_between("bands", bands, least=0, whole=True)
    check_between("spans", spans, least=0, whole=True)
    check_between("band", band, least=0, most=1)
    check_between("span", span, least=0, most=1)

    def mask(sounds, seed):
        stream, whole = SeedStream(seed), lengths(sounds)
        kept = within(sounds, 0.0, whole)
        if bands:
            sounds = ops.where(kept, _without_bands(sounds, rate, *_ranges(sounds, bands, band, stream.next())), 0.0)
        if spans:
            begins, ends = _ranges(sounds, spans, span, stream.next())
            for k in range(spans):
                inside = within(sounds, ops.round(begins[k] * whole), ops.round(ends[k] * whole))
                sounds = ops.where(inside, 0.0, sounds)
        return sounds

    return mask


def _ranges(sounds, count, widest, seed):
    """Begins and ends `(count, n, 1)` of random ranges within 0..1: uniform widths, then uniform places."""
    width, place = ops.unstack(keras.random.uniform((2, count, ops.shape(sounds)[0], 1), seed=SeedStream(seed)), 2)
    width = widest * width
    begin = place * (1.0 - width)
    return begin, begin + width


def _without_bands(sounds: Tensor, rate: int, begins: Tensor, ends: Tensor) -> Tensor:
    """The recordings without some bands `(count, n, 1)` of the mel scale, of which 1 is half the rate."""
    time = sounds.shape[1]
    size = 2 ** math.ceil(math.log2(max(time, 2)))  # for which the transform is quick
    real, imaginary = ops.rfft(sounds, size)
    hertz = ops.arange(size // 2 + 1, dtype="float32") * (rate / size)
    mel = (ops.log(1.0 + hertz / 700.0) / math.log1p(rate / 2 / 700.0))[None, None]
    hidden = ops.any(ops.logical_and(mel >= begins, mel < ends), axis=0)
    pair = ops.where(hidden, 0.0, real), ops.where(hidden, 0.0, imaginary)
    return ops.irfft(pair, size)[:, :time]
