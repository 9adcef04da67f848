"""Recordings as statistics of their log-mel spectrograms: the baseline of every figure on sound."""

import numpy as np

from keras_ssl.blocks.mel import mel_filters
from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError

__all__ = ["log_mel_features"]

_FRAME = 0.032  # seconds
_FLOOR = 1e-4  # of the power in a mel band, far below what a 16-bit recording of speech has
_BATCH = 256


def log_mel_features(sounds: np.ndarray, rate: int = 16000, mels: int = 40) -> np.ndarray:
    """Return the mean and the standard deviation over time of each band of the log-mel spectrogram.

    Frames have 32 ms, with a Hann window, and half of that is between their beginnings. Frames that begin in the zeros
    at the end of a recording do not count.

    Args:
        sounds: Float array `(n, time)` in -1..1.
        rate: Sample rate in Hz. Default: 16000.
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
    filters, window = mel_filters(rate, size, mels), np.hanning(frame + 1)[:-1].astype("float32")
    parts = []
    for begin in range(0, len(sounds), _BATCH):
        part = sounds[begin : begin + _BATCH].astype("float32")
        lengths = np.where(part != 0, np.arange(1, part.shape[1] + 1), 0).max(axis=1)
        padded = np.pad(part, [(0, 0), (0, frame - 1)])
        frames = np.lib.stride_tricks.sliding_window_view(padded, frame, axis=1)[:, ::step]
        log_mel = np.log(np.square(np.abs(np.fft.rfft(frames * window, size))) @ filters + _FLOOR)
        kept = np.arange(frames.shape[1]) * step < np.maximum(lengths, 1)[:, None]
        where = np.broadcast_to(kept[:, :, None], log_mel.shape)
        parts.append(np.concatenate([log_mel.mean(axis=1, where=where), log_mel.std(axis=1, where=where)], axis=1))
    return np.concatenate(parts).astype("float32") if parts else np.zeros((0, 2 * mels), "float32")
