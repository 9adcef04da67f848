"""How a recording of any sample rate and number of channels becomes the samples that a model takes."""

import dataclasses
from typing import Any

import numpy as np

from keras_ssl.checks import check_between

__all__ = ["SoundPreparation"]

_HIGHEST = 768_000  # Hz: no file that people record has more
_SILENT = 2.0**-16  # full scale is 1: half of the smallest step of 16 bits


@dataclasses.dataclass(frozen=True)
class SoundPreparation:
    """How recordings become samples of one rate. It is kept with a model, so that all that it hears is prepared alike.

    Args:
        rate: Sample rate in Hz, a whole number in 1..768,000.
        length: Length in seconds, above 0, to which longer recordings are cut, or None for any. Default: None.

    Raises:
        UserError: If one of them is out of its range.
    """

    rate: int
    length: float | None = None

    def __post_init__(self) -> None:
        check_between("rate", self.rate, least=1, most=_HIGHEST, whole=True)
        object.__setattr__(self, "rate", int(self.rate))
        if self.length is not None:
            check_between("length", self.length, above=0)
            object.__setattr__(self, "length", float(self.length))

    def to_json(self) -> dict[str, Any]:
        """Return the arguments, as `load` takes them and as JSON can hold them."""
        return {"rate": self.rate, "length": self.length}

    def frames(self, count: int, rate: int) -> int:
        """Return how many samples of its own rate a recording gets.

        Args:
            count: Number of samples of the recording.
            rate: Their rate in Hz.
        """
        frames = -(-count * self.rate // rate)
        return frames if self.length is None else min(frames, max(1, round(self.length * self.rate)))

    def prepared(self, sound: np.ndarray, rate: int, frames: int) -> np.ndarray:
        """Return a recording as 16-bit samples of the rate: mixed to one channel, resampled, and cut or padded.

        Args:
            sound: Float32 array `(time, channels)`, full scale in -1..1; values beyond are clipped.
            rate: Its rate in Hz.
            frames: Number of samples to cut it to, or to pad it to with zeros at its end.

        Returns:
            Int16 array `(frames,)`.
        """
        mono = sound.mean(axis=1) if sound.shape[1] > 1 else sound[:, 0]
        if np.abs(mono).max() <= _SILENT:  # resampling would round some of it up
            mono = np.zeros_like(mono)
        if rate != self.rate:
            import soxr

            mono = soxr.resample(mono, rate, self.rate)
        padded = np.zeros(frames, "int16")
        mono = mono[:frames]
        padded[: len(mono)] = np.clip(np.rint(mono * 32768), -32768, 32767)
        return padded
