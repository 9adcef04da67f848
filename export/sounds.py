"""Sound files of a client to the samples that a model takes, at the rate in its manifest.

from sounds import load_sounds
sounds = load_sounds(["yes.wav", "no.flac"], manifest)
"""

import math

import numpy as np
from artifact import ArtifactError
from samples import SamplesError

__all__ = ["load_sounds", "sound_input"]

HIGHEST = 768_000  # Hz
LONGEST = 1 << 28  # samples of one file
ENDS = 10  # a tenth of a second beyond a cut is read, as in training


def load_sounds(paths, manifest, signature="serving_default"):
    """Return the samples of sound files as the model takes them: one channel, resampled, cut or padded with zeros.

    Args:
        paths: Paths of files that libsndfile reads, such as .wav and .flac.
        manifest: What `read_manifest` returned.
        signature: Name of the signature that takes them.

    Returns:
        Array `(n, time)` of the dtype in the manifest: int16, or float32 in -1..1, with 16 bits.

    Raises:
        ArtifactError: If the signature does not take sound, the manifest has no rate, or a package is not installed.
        SamplesError: If a file cannot be read, has no samples, or has too many.
    """
    about = manifest["signatures"][signature]
    name = sound_input(about)
    if name is None:
        raise ArtifactError(f"this takes one input of sound, and {signature} takes {', '.join(about['inputs'])}")
    rate, seconds = _prepared(manifest)
    entry = about["inputs"][name]
    size, dtype = entry["shape"][1], entry["dtype"]
    if dtype not in ("float32", "int16"):
        raise ArtifactError(f"the model takes sound as {dtype}")
    size = size or entry.get("longest") or (None if seconds is None else max(1, round(seconds * rate)))
    rows = [_samples(path, rate, size) for path in paths]
    length = entry["shape"][1] or max(map(len, rows), default=1)
    sounds = np.zeros((len(rows), length), "int16")
    for sound, row in zip(sounds, rows):
        sound[: len(row)] = row
    return sounds if dtype == "int16" else sounds.astype("float32") / np.float32(32768)


def sound_input(about):
    """Return the name of the input of a signature that takes sound; None if there is none, or several inputs."""
    names = [name for name, entry in about["inputs"].items() if entry["kind"] == "audio" and len(entry["shape"]) == 2]
    return names[0] if len(names) == len(about["inputs"]) == 1 else None


def _prepared(manifest):
    """The rate in Hz, and the length in seconds to which recordings are cut, or None."""
    kept = manifest.get("preparation")
    rate, seconds = (kept.get("rate"), kept.get("length")) if isinstance(kept, dict) else (None, None)
    if type(rate) is not int or not 1 <= rate <= HIGHEST:
        raise ArtifactError("the manifest has no sample rate: deploy the model with `preparation={'rate': …}`")
    if seconds is not None and not (type(seconds) in (int, float) and math.isfinite(seconds) and seconds > 0):
        raise ArtifactError(f"the manifest has no length in seconds, but {seconds!r}")
    return rate, seconds


def _samples(path, rate, size):
    """At most `size` 16-bit samples of a file."""
    try:
        import soundfile
        import soxr
    except ImportError as error:
        raise ArtifactError("sound files need the packages soundfile and soxr: pip install soundfile soxr") from error
    try:
        with soundfile.SoundFile(str(path)) as file:
            its_rate, count = file.samplerate, file.frames
            if size is not None:
                count = min(count, round(size / rate * its_rate) + its_rate // ENDS)
            if not 0 < count * max(1, rate / its_rate) <= LONGEST or count * file.channels > LONGEST:
                raise SamplesError(f"{path} has {count} samples of {file.channels} channels")
            sound = file.read(count, dtype="float32", always_2d=True)
    except (OSError, RuntimeError, TypeError) as error:
        raise SamplesError(f"{path} cannot be read: {error}") from error
    if len(sound) < count or not np.isfinite(sound).all():
        raise SamplesError(f"{path} is cut off, or has values that are not finite")
    mono = sound.mean(axis=1) if sound.shape[1] > 1 else sound[:, 0]
    mono = mono if its_rate == rate else soxr.resample(mono, its_rate, rate)
    return np.clip(np.rint(mono[:size] * 32768), -32768, 32767).astype("int16")
