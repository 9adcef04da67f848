"""Recordings as statistics of their log-mel spectrograms: the baseline of every figure on sound."""

import numpy as np

from keras_ssl.blocks import log_mel
from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError

__all__ = ["log_mel_features"]


def log_mel_features(sounds: np.ndarray, rate: int = 8000, mels: int = 40) -> np.ndarray:
    """Return the mean and the standard deviation over time of each band of the log-mel spectrogram, `blocks.log_mel`.

    Frames have 32 ms, and half of that is between their beginnings. Frames that begin in the zeros at the end of a
    recording do not count.

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
    features = np.zeros((len(sounds), 2 * mels), "float32")
    for row, spectrogram in zip(features, log_mel(sounds, rate, mels)):
        row[:mels], row[mels:] = spectrogram.mean(axis=0), spectrogram.std(axis=0)
    return features
