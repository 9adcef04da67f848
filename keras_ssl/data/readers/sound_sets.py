"""Sets of sound files: class folders, recordings without labels, or a table that names them."""

import collections
import concurrent.futures
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_ssl.data.files import Files
from keras_ssl.data.readers.broken import leave_out, reason
from keras_ssl.data.readers.classes import shown
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.pixels import fits_in_memory, room_for
from keras_ssl.data.readers.sound_lists import SoundList, listed
from keras_ssl.data.readers.sounds import Header, Level, decode, level, read, read_header, require_sounds
from keras_ssl.data.readers.walking import path_column
from keras_ssl.data.sound_preparation import SoundPreparation
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.progress import track

__all__ = ["load_sounds"]

_CLIPPED = 0.005  # of the samples at full scale: a sine that just reaches it has .0035 there
_UNEVEN = 4  # times the median length
_LOWEST = 1000  # Hz: a lower rate is one in kHz


def load_sounds(
    place: pathlib.Path,
    split: str = "train",
    rate: int | None = None,
    length: float | None = None,
    frames: int | None = None,
    in_memory: bool | None = None,
    trust: bool = False,
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load the recordings of a folder or table. `data.load` describes how they are read.

    Args:
        place: Path of the folder or table.
        split: Name of a split.
        rate: Sample rate in Hz to resample to. Default: the rate that most recordings have.
        length: Length in seconds to cut recordings to. Default: None, they are padded to the longest.
        frames: Number of samples that a model takes. Default: None, as `length` says.
        in_memory: Whether they are decoded now and kept, or each when it is needed, once all are found to be whole.
            Default: None, whether they fit into half of the memory.
        trust: Whether recordings that are not kept in memory are taken for whole. Default: False.
        skip_broken: Whether recordings that cannot be read are left out. Default: False, they are an error.
        say: See `data.load`.

    Returns:
        A `Source` of kind "audio", int16, with its `SoundPreparation`, the path of each as the column "path", and the
        column "text" if a table has one.

    Raises:
        UserError: If a package is not installed, the split or recordings are missing, or a recording cannot be read;
            the error names it.
    """
    require_sounds()
    if rate is not None or length is not None:
        SoundPreparation(_LOWEST if rate is None else rate, length)  # wrong arguments fail before files are read
    if rate is not None and rate < _LOWEST:
        raise UserError(f"a rate of at least {_LOWEST:,} Hz", f"{rate} Hz", "give it in Hz, such as 8000 for 8 kHz")
    found = listed(place, split)
    tell(found.notes, say, stacklevel=3)
    found, headers = _headers(found, skip_broken, say)
    preparation = SoundPreparation(_common_rate(headers) if rate is None else rate, length)
    if frames is not None and length is not None and round(length * preparation.rate) < frames:
        received = f"length={length:g}, which is {round(length * preparation.rate):,}"
        raise UserError(f"the {frames:,} samples that the model takes", received, "leave `length` out")
    frames = frames or max(preparation.frames(header.count, header.rate) for header in headers)
    tell(_choices(headers, preparation, frames, found.name, rate is None), say, stacklevel=3)
    if in_memory is None:
        in_memory = fits_in_memory(len(headers), (frames,), "int16")
    files = Files(found.paths, functools.partial(decode, frames=frames, preparation=preparation))
    sounds: Any = files
    if in_memory:
        do = "pass a smaller `length` or `rate`, or fewer recordings; `load(…, in_memory=False)` reads them when needed"
        sounds = room_for(len(files), (frames,), "int16", found.name, "recordings", do)
    if in_memory or not trust:
        results = _heard(found.paths, preparation, frames, sounds if in_memory else None)
        kept = _whole(found.paths, results, skip_broken, say)
        found, sounds = found[kept], sounds[kept] if len(kept) < len(results) else sounds
        cut = any(header.count / header.rate > frames / preparation.rate for header in headers)
        tell(_faults(found, [results[k] for k in kept], cut), say, stacklevel=3)
    columns = path_column(found.paths) | ({} if found.texts is None else {"text": found.texts})
    classes = None if found.class_names is None else len(found.class_names)
    about: dict[str, Any] = {
        "columns": columns,
        "kinds": "audio",
        "preparation": preparation,
        "why_unlabeled": found.why_unlabeled,
    }
    return Source(sounds, found.labels, classes, found.class_names, found.name, **about)


def _headers(found: SoundList, skip_broken, say) -> tuple[SoundList, list[Header]]:
    """The recordings that can be read, and their headers."""

    def tried(path):
        try:
            return read_header(path)
        except Exception as error:  # decoders raise many kinds
            return reason(error)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        results = list(track(threads.map(tried, found.paths), len(found.paths), "Looking at recordings"))
    kept = _whole(found.paths, results, skip_broken, say)
    return found[kept], [results[k] for k in kept]


def _whole(paths, results, skip_broken, say):
    """Indices of the recordings that could be read: a string in place of a result says why one could not."""
    broken = [(path, why) for path, why in zip(paths, results) if isinstance(why, str)]
    leave_out(broken, len(paths), skip_broken, say, "recordings")
    return np.array([k for k, result in enumerate(results) if not isinstance(result, str)], "int64")


def _heard(paths, preparation, frames, into) -> list[Level | str]:
    """Decode each recording once, into an array if there is one; its level, or why it cannot be read."""

    def one(number):
        try:
            sound, rate, full_scale = read(paths[number], frames / preparation.rate)
            prepared = preparation.prepared(sound, rate, frames)
            if into is not None:
                into[number] = prepared
            return level(sound, full_scale, prepared)
        except Exception as error:  # decoders raise many kinds
            return reason(error)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        return list(track(threads.map(one, range(len(paths))), len(paths), "Reading recordings"))


# ---- what was found --------------------------------------------------------------------------------------------------


def _common_rate(headers: Sequence[Header]) -> int:
    """The rate that most recordings have; the lowest of several such."""
    counts = collections.Counter(header.rate for header in headers)
    return min(counts, key=lambda rate: (-counts[rate], rate))


def _choices(headers, preparation, frames, name, chosen):
    """Notes about what is done to make the recordings alike."""
    rate = preparation.rate
    others = collections.Counter(header.rate for header in headers if header.rate != rate)
    if others:
        rates = ", ".join(f"{_count(n)} of {one:,} Hz" for one, n in sorted(others.items()))
        more = ", the rate of most; pass `rate=` to choose another" if chosen else ""
        yield Note(f"{name}: resampled to {rate:,} Hz{more}: {rates}.", warn=chosen)
    if mixed := sum(header.channels > 1 for header in headers):
        yield Note(f"{name}: mixed to one channel: {_count(mixed)} of several.", warn=False)
    seconds = np.array([header.count / header.rate for header in headers])
    whole, step = frames / rate, 1 / rate
    if longer := int((seconds > whole + step).sum()):
        yield Note(f"{name}: cut to their first {whole:.3g} s: {_count(longer)}.", warn=preparation.length is None)
    if shorter := int((seconds < whole - step).sum()):
        median = float(np.median(seconds))
        text = f"{name}: padded with zeros to {whole:.3g} s: {_count(shorter)}; the median is {median:.3g} s."
        uneven = preparation.length is None and whole > _UNEVEN * median
        yield Note(text + " Pass `length=` to cut the longest." * uneven, warn=uneven)


def _faults(found: SoundList, levels: Sequence[Level], cut: bool):
    """Notes about recordings that hold nothing, of which nothing is left, or that were recorded too loud."""
    names = [path.name for path in found.paths]
    if silent := [name for name, one in zip(names, levels) if one.peak == 0]:
        part = "as far as they are kept" if cut else "from beginning to end"
        yield Note(f"{found.name}: silent {part}: {_count(len(silent))}: {shown(silent)}.")
    if lost := [name for name, one in zip(names, levels) if one.peak > 0 and not one.kept]:
        yield Note(
            f"{found.name}: silent once prepared, since channels cancel out, or sound is quieter than -90 dB or comes "
            f"after the cut: {_count(len(lost))}: {shown(lost)}. Leave them out, or give one of the channels."
        )
    if clipped := [name for name, one in zip(names, levels) if one.full > _CLIPPED]:
        yield Note(
            f"{found.name}: clipped, with more than {_CLIPPED:.1%} of their samples at full scale: "
            f"{_count(len(clipped))}: {shown(clipped)}. Record them with less gain, or leave them out."
        )


def _count(count):
    return f"{count:,} recording{'s' * (count != 1)}"
