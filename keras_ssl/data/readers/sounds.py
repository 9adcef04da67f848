"""One sound file: what its header says, its samples, and how loud they are."""

import dataclasses
import re
from typing import Any

import numpy as np

from keras_ssl.backends import require
from keras_ssl.data.sound_preparation import SoundPreparation
from keras_ssl.typing import Path

__all__ = ["ENDINGS", "Header", "Level", "decode", "level", "read", "read_header", "require_sounds"]

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
"""Endings of the files that are read, in small letters."""

_STREAMED = 0x7FFFF000  # bytes: programs that write a WAV into a pipe give it such a length or a larger one
_TAIL = 10  # a tenth of a second beyond a cut is read, so that resampling ends as it does inside a recording


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of a recording before it is decoded.

    Attributes:
        rate: Sample rate in Hz.
        channels: Number of channels.
        count: Number of samples of each channel.
    """

    rate: int
    channels: int
    count: int


@dataclasses.dataclass(frozen=True)
class Level:
    """How loud a recording is.

    Attributes:
        peak: Highest absolute value of what was read; 0 is silence.
        full: Fraction of its samples at full scale, in 0..1.
        kept: Whether any sound is left once it is prepared: of one channel, of 16 bits, and cut.
    """

    peak: float
    full: float
    kept: bool


def require_sounds() -> None:
    """Raise `UserError` unless the packages that read and resample sounds are installed."""
    for package in ("soundfile", "soxr"):
        require(package, "which reads sound files" if package == "soundfile" else "which resamples sounds")


def read_header(path: Path) -> Header:
    """Return what is known of a recording.

    Args:
        path: Path of a regular file.

    Raises:
        Exception: Of any kind, if it cannot be read, has no samples, or is cut off.
    """
    import soundfile

    found = soundfile.info(str(path))
    if found.frames == 0:
        raise ValueError("has no samples")
    said = re.search(r"^data : (\d+) \(should be (\d+)\)", found.extra_info, re.M)
    if said and int(said[2]) < int(said[1]) < _STREAMED:
        raise ValueError(f"is cut off: it has {int(said[2]):,} of the {int(said[1]):,} bytes that its header says")
    return Header(found.samplerate, found.channels, found.frames)


def read(path: Path, seconds: float | None = None) -> tuple[np.ndarray, int, float]:
    """Return the samples of a recording.

    Args:
        path: See `read_header`.
        seconds: Length from its beginning that is needed. Default: None, all of it.

    Returns:
        Float32 array `(time, channels)` in -1..1 where the file holds integers, the rate in Hz, and the lowest
        absolute value that is full scale.

    Raises:
        Exception: See `read_header`; or if samples are not finite.
    """
    import soundfile

    with soundfile.SoundFile(str(path)) as file:
        rate, count = file.samplerate, file.frames
        if seconds is not None:
            count = min(count, round(seconds * rate) + rate // _TAIL)
        sound: Any = file.read(count, dtype="float32", always_2d=True)
        bits = 8 if file.subtype in ("PCM_U8", "PCM_S8") else 16
    if len(sound) < count:
        raise ValueError(f"is cut off: it has {len(sound):,} of the {count:,} samples that its header says")
    if not np.isfinite(sound).all():
        raise ValueError("has values that are not finite")
    return sound, rate, 1 - 2.0 ** (1 - bits)


def level(sound: np.ndarray, full_scale: float, prepared: np.ndarray) -> Level:
    """Return how loud a recording is.

    Args:
        sound: Array `(time, channels)`, not empty.
        full_scale: The lowest absolute value that is full scale.
        prepared: What `SoundPreparation.prepared` makes of it.
    """
    loud = np.abs(sound)
    return Level(float(loud.max()), float((loud >= full_scale).mean()), bool(prepared.any()))


def decode(path: Path, frames: int, preparation: SoundPreparation) -> np.ndarray:
    """Return the samples of a recording as they are stored.

    Args:
        path: See `read_header`.
        frames: See `SoundPreparation.prepared`.
        preparation: Their rate.

    Returns:
        Int16 array `(frames,)`.

    Raises:
        Exception: See `read`.
    """
    sound, rate, _ = read(path, frames / preparation.rate)
    return preparation.prepared(sound, rate, frames)
