"""The mel filter bank, and spectrograms by it."""

from collections.abc import Iterator

import numpy as np

from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError

__all__ = ["log_mel", "mel_filters"]

_FRAME = 0.032  # seconds
_FLOOR = 1e-4  # of the power in a mel band, far below what a 16-bit recording of speech has


def mel_filters(rate: int, fft_length: int, mels: int, lowest: float = 20.0) -> np.ndarray:
    """Return triangular filters whose centers are equally far apart in mel: `m = 2595 log10(1 + f / 700)`.

    Args:
        rate: Sampling rate in Hz.
        fft_length: Length of the Fourier transform in samples.
        mels: Number of filters.
        lowest: Frequency in Hz where the first filter begins, at least 0. The last one ends at `rate / 2`. Default: 20.

    Returns:
        Float32 array `(fft_length // 2 + 1, mels)`, weights in 0..1 by which powers of frequencies are summed.

    Raises:
        UserError: If the filters are so many that one lies between two frequencies of the transform.

    Reference:
        O'Shaughnessy 1987, "Speech Communication: Human and Machine", p. 150 (the scale).
    """
    check_counts(rate=rate, fft_length=fft_length, mels=mels)
    check_between("lowest", lowest, 0, below=rate / 2)
    low, high = (2595 * np.log10(1 + f / 700) for f in (lowest, rate / 2))
    edges = 700 * (10 ** (np.linspace(low, high, mels + 2) / 2595) - 1)
    below, center, above = edges[:-2], edges[1:-1], edges[2:]
    frequencies = np.linspace(0, rate / 2, fft_length // 2 + 1)[:, None]
    rising, falling = (frequencies - below) / (center - below), (above - frequencies) / (above - center)
    filters = np.maximum(0, np.minimum(rising, falling))
    if not filters.any(axis=0).all():
        raise UserError(
            f"mel filters that each hold at least one of the frequencies, which are {rate / fft_length:g} Hz apart",
            f"mels={mels}",
            "give fewer, or longer frames",
        )
    return filters.astype("float32")


def log_mel(sounds: np.ndarray, rate: int, mels: int = 40, step: int | None = None) -> Iterator[np.ndarray]:
    """Compute log-mel spectrograms one by one, without the padding of each recording.

    Frames have 32 ms. Window, powers and floor are those of `encoders.spectrogram_conv`, whose spectrograms are
    standardized besides.

    Args:
        sounds: Float array `(n, time)` in -1..1.
        rate: Sample rate in Hz.
        mels: Number of mel bands. Default: 40.
        step: Samples from the beginning of a frame to that of the next. Default: half a frame.

    Yields:
        For each recording a float64 array `(frames, mels)`, in nats. Frames that begin in the zeros at its end are left
        out; of silence there is one.

    Raises:
        UserError: See `mel_filters`.
    """
    frame = max(2, round(_FRAME * rate))
    step, size = frame // 2 if step is None else step, 1 << (frame - 1).bit_length()
    filters, window = mel_filters(rate, size, mels), np.hanning(frame).astype("float32")
    sides = np.where(np.arange(size // 2 + 1) % (size // 2), 2, 1)  # frequencies that have a negative one count twice
    for sound in sounds.astype("float32", copy=False):  # one by one: most of a batch may be padding
        length = max(int(np.flatnonzero(sound).max(initial=0)) + 1, 1)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound[:length], (0, frame - 1)), frame)[::step]
        powers = sides * np.square(np.abs(np.fft.rfft(frames * window, size)))
        yield np.log(powers @ filters + _FLOOR)
