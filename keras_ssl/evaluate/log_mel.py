"""Recordings as statistics of their log-mel spectrograms: the baseline of every figure on sound."""

import numpy as np

from keras_ssl.blocks.mel import mel_filters
from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError

__all__ = ["log_mel_features"]

_FRAME = 0.032  # seconds
_FLOOR = 1e-4  # of the power in a mel band, far below what a 16-bit recording of speech has


def log_mel_features(sounds: np.ndarray, rate: int = 8000, mels: int = 40) -> np.ndarray:
    """Return the mean and the standard deviation over time of each band of the log-mel spectrogram.

    Frames have 32 ms, and half of that is between their beginnings. Frames that begin in the zeros at the end of a
    recording do not count. Window, powers and floor are those of `encoders.spectrogram_conv`, whose spectrogram is
    standardized besides.

    Args:
        sounds: Float array `(n, time)` in -1..1.
        rate: Sample rate in Hz. Default: 8000, as encoders of sound have.
        mels: Number of mel bands. Default: 40.

    Returns:
        Float32 array `(n, 2 * mels)`: all means, then all standard deviations, in nats.

    Raises:
        UserError: If the array has another shape or no floats, or an argument is out of its range.
    """
    sounds = as_array(sounds, "recordings")
    if sounds.ndim != 2 or sounds.dtype.kind != "f" or not sounds.shape[1]:
        received = f"dtype {sounds.dtype}, shape {sounds.shape}"
        raise UserError("recordings as floats (n, time)", received, "divide int16 by 32768")
    check_counts(rate=rate, mels=mels)
    frame = max(2, round(_FRAME * rate))
    step, size = frame // 2, 1 << (frame - 1).bit_length()
    filters, window = mel_filters(rate, size, mels), np.hanning(frame).astype("float32")
    sides = np.where(np.arange(size // 2 + 1) % (size // 2), 2, 1)  # frequencies that have a negative one count twice
    features = np.zeros((len(sounds), 2 * mels), "float32")
    for row, sound in zip(features, sounds.astype("float32", copy=False)):  # one by one: most of a batch may be padding
        length = max(int(np.flatnonzero(sound).max(initial=0)) + 1, 1)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound[:length], (0, frame - 1)), frame)[::step]
        powers = sides * np.square(np.abs(np.fft.rfft(frames * window, size)))
        log_mel = np.log(powers @ filters + _FLOOR)
        row[:mels], row[mels:] = log_mel.mean(axis=0), log_mel.std(axis=0)
    return features
