"""What a folder or file holds, by the columns of its tables and the endings of its files."""

import collections
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_ssl.data.readers import sound_lists, sounds, video_files
from keras_ssl.data.readers.pictures import endings as picture_endings
from keras_ssl.data.readers.series_files import series_file
from keras_ssl.data.readers.splits import split_of
from keras_ssl.data.readers.text_tables import first_record
from keras_ssl.data.readers.walking import walk
from keras_ssl.errors import UserError
from keras_ssl.names import SERIES_FILES, TABLES
from keras_ssl.typing import Path

__all__ = ["contents", "listed_kind"]


def contents(place: Path, split: str = "train", kind: Any = None) -> str | None:
    """Return the kind of what a folder or file holds, as `Source.kind` has it; None if no reader knows it.

    Args:
        place: Path of a folder or file.
        split: Name of the split that will be read. Default: "train".
        kind: Kind that is wanted, which decides between kinds that are there. Default: None, tables that list pictures
            or recordings come first, then files of series, then what most files are.

    Raises:
        UserError: If series are wanted of a folder without any, or of a split that it does not have.
    """
    place = pathlib.Path(place).expanduser()
    files = kind in ("image", "audio", "video")
    listed = None if kind in ("series", "video") else listed_kind(place)
    if listed and (not files or listed.startswith(kind)):
        return listed
    if not files and series_file(place, split, kind) is not None:
        return "series"
    if not place.is_dir():
        return kind if kind == "video" and place.is_file() else None
    if kind == "series":
        do = f"check the path; files of these endings are read, a split's name before them: {' '.join(SERIES_FILES)}"
        raise UserError(f"files of series in {place}", "none", do)
    return kind if files else _most(place)


def listed_kind(place: Path) -> str | None:
    """Return the kind of data whose files a table lists: "image, ids" by its column "picture", "audio" by "file".

    Args:
        place: Path of a table, or of a folder with tables of its splits. In a folder a column "file" may be of other
            files than recordings, which is seen at its first one.

    Returns:
        The kind; None for any other place, also for a table that cannot be read.
    """
    place = pathlib.Path(place).expanduser()
    for table in _tables(place):
        row = first_record(table)
        ending = pathlib.PurePath(str(row.get("file") or "")).suffix.lower()
        of_sounds = table == place or ending in ("", *sounds.ENDINGS)
        if "file" in row and of_sounds and table.name.lower().endswith(sound_lists.TABLES):
            return "audio"
        if "picture" in row:
            return "image, ids"
    return None


def _tables(place) -> Iterator[pathlib.Path]:
    """The table itself, or those of a folder that are called by a split."""
    if place.is_file() and place.name.lower().endswith(TABLES):
        yield place
    for file in sorted(place.iterdir()) if place.is_dir() else ():
        ending = next((one for one in TABLES if file.name.lower().endswith(one)), None)
        if ending is not None and split_of(file.name[: -len(ending)]) is not None and file.is_file():
            yield file


def _most(folder):
    """Whether most files below a folder are pictures, recordings or videos. A GIF is a picture, and so is a tie."""
    counts = walk([folder], ())[folder].skipped
    pictures = frozenset(picture_endings())
    kinds = {"image": pictures, "audio": sounds.ENDINGS, "video": frozenset(video_files.ENDINGS) - pictures}
    found = collections.Counter({kind: sum(counts[one] for one in endings) for kind, endings in kinds.items()})
    return found.most_common(1)[0][0]
