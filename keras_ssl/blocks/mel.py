"""The mel filter bank."""

import numpy as np

from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError

__all__ = ["mel_filters"]


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
