"""Files of time series: `.ts`, as the UEA and UCR archives have them, and tables, `.csv` and `.tsv`."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.series_tables import MISSING, Series, read_table
from keras_ssl.data.readers.split_folders import split_file, splits_of
from keras_ssl.data.readers.text_files import lines
from keras_ssl.data.series_preparation import SeriesPreparation
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.names import SERIES_FILES
from keras_ssl.typing import Path

__all__ = ["load_series", "read_series", "series_file"]

_FORMAT = ".ts"


def series_file(path: Path, split: str = "train", kind: Any = None) -> pathlib.Path | None:
    """Return the file of a split: the path itself, or a file of the split's name in a folder; None if there is none.

    Args:
        path: Path of a file or folder.
        split: Name of the split.
        kind: "series" if tables are files of series, too. Default: None, only `.ts` files are.

    Raises:
        UserError: If the folder has such files of other splits only, or a single file is asked for another split.
    """
    return split_file(pathlib.Path(path).expanduser(), split, _endings(kind))


def load_series(
    file: Path,
    place: Path,
    kind: Any = None,
    channel_names: Sequence[str] | None = None,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load the series of a file into memory; shorter ones have NaN at their ends. For the formats see `data.load`.

    Args:
        file: Path of the file.
        place: The folder or file that was asked for. Files of other splits in it number the classes alike.
        kind: See `series_file`.
        channel_names: Names of the channels in the order that a model takes. Default: None, that of the file.
        say: Called with the sentence that the first column is taken for the labels; see `data.load`.

    Raises:
        UserError: If the file is damaged, with the line; there are no series, or no label for one; or it names other
            channels.
    """
    found, place = read_series(file), pathlib.Path(place).expanduser()
    named = None
    if found.channel_names is not None:
        named = SeriesPreparation(tuple(channel_names or found.channel_names))
        places = named.places(found.channel_names, file)
        found = dataclasses.replace(found, values=[series[:, places] for series in found.values])
    splits = splits_of(place, _endings(kind)) if place.is_dir() else ()
    others = {split_file(place, split, _endings(kind)) for split in splits} - {pathlib.Path(file)}
    if found.labels is None:
        return Source(found.padded(), name=str(file), columns=found.columns, kinds="series", preparation=named)
    siblings = [read_series(other).labels or () for other in others if other is not None]
    names = _in_order({*found.labels, *found.known}.union(*siblings))
    if found.unnamed:
        text = f"{file} has no names of columns: the first column is taken for the label, with {len(names)} classes."
        tell([Note(text, warn=len(set(found.labels)) == len(found.labels))], say, stacklevel=3)
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[label] for label in found.labels], "int64")
    return Source(found.padded(), labels, len(names), tuple(names), str(file), found.columns, "series", named)


def read_series(file: Path) -> Series:
    """Read a file of series; see `load_series`.

    Args:
        file: Path of the file.
    """
    name = str(file).lower().removesuffix(".gz")
    found = _read_ts(file) if name.endswith(_FORMAT) else read_table(file)
    if not found.values or not max(map(len, found.values)):
        raise UserError(f"series in {file}", "none", "check the path")
    unlabeled = [k for k, label in enumerate(found.labels or ()) if label.lower() in MISSING]
    if unlabeled:
        received = f"none for series {unlabeled[0]}"
        raise UserError(f"a label of each series in {file}", received, "complete or remove it")
    return found


def _endings(kind):
    return SERIES_FILES if kind == "series" else (_FORMAT, f"{_FORMAT}.gz")


def _in_order(labels: Iterable[str]) -> list[str]:
    """Numbers by size, others as strings. One number that is written in two ways would be two classes."""
    labels = sorted(labels)
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return labels
    order = np.argsort(numbers, kind="stable")
    for one, other in itertools.pairwise(order):
        if numbers[one] == numbers[other]:
            received = f"'{labels[one]}' and '{labels[other]}'"
            raise UserError("labels that are written alike", received, "write each label in one way, in all files")
    return [labels[k] for k in order]


# ---- .ts -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Header:
    """What the lines with @ say."""

    classes: tuple[str, ...] | None = None
    target: bool = False


def _read_ts(file) -> Series:
    header, values = _Header(), []
    last: list[Any] = []  # labels or targets
    begun = False
    for number, line in enumerate(lines(file), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if not begun:
            begun = _read_header(header, line, file, number)
            continue
        channels = line.split(":")
        if header.target:
            last.extend(_numbers([channels.pop()], file, number)[0])
        elif header.classes is not None:
            last.append(channels.pop().strip())
            if header.classes and last[-1] not in header.classes:
                expected = f"a class of each series in {file}, among {', '.join(header.classes)}"
                raise UserError(expected, f"{last[-1]!r} in line {number}", "repair the line, or remove it")
        values.append(_channels(channels, file, number))
        if values[-1].shape[1] != values[0].shape[1]:
            received = f"{values[-1].shape[1]} in line {number}"
            raise UserError(f"{values[0].shape[1]} channels of each series in {file}", received, "repair the line")
    if not begun:
        raise UserError(f"a line @data in {file}", "none", "check that it is a file of the UEA and UCR archives")
    if header.target:
        return Series(values, columns={"target": np.array(last, "float64")})
    return Series(values, last if header.classes is not None else None, header.classes or ())


def _read_header(header, line, file, number) -> bool:
    """Read a line before the data; return whether these begin."""
    word, *rest = line.split()
    word, said = word.lower(), bool(rest) and rest[0].lower() == "true"
    if word == "@timestamps" and said:
        raise UserError(f"series without time stamps in {file}", f"@timeStamps true in line {number}", "remove them")
    if word == "@classlabel" and said:
        header.classes = tuple(rest[1:])
    if word == "@targetlabel":
        header.target = said
    if not word.startswith("@"):
        raise UserError(f"lines that begin with @ before @data in {file}", f"{word!r} in line {number}", "repair it")
    return word == "@data"


def _numbers(texts: Sequence[str], file: Any, number: int) -> list[list[float]]:
    """The numbers in each text, NaN where one is missing."""
    try:
        return [[np.nan if x.strip() in ("?", "NaN") else float(x) for x in text.split(",")] for text in texts]
    except ValueError as error:
        raise UserError(f"numbers in {file}", f"{error} in line {number}", "repair the line") from error


def _channels(texts: Sequence[str], file: Any, number: int) -> np.ndarray:
    """The channels of a series `(time, channels)`; missing at the end where they are shorter than others."""
    channels = _numbers(texts, file, number)
    series = np.full((max(map(len, channels), default=0), len(channels)), np.nan, "float32")
    for k, channel in enumerate(channels):
        series[: len(channel), k] = channel
    return series
