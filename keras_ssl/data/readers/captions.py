"""Tables of pictures and their texts: a path and a text in each record."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import check_text
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.classes import shown
from keras_ssl.data.readers.image_folders import load_pictures
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.split_folders import split_file, splits_of
from keras_ssl.data.readers.text_tables import columns_of, has_columns
from keras_ssl.data.readers.walking import path_column
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.names import TABLES
from keras_ssl.typing import Path

__all__ = ["captions_file", "load_captioned"]

_NAME_THEM = (
    "name the columns: `data.pairs(path, picture='…', text='…')`; for `data.load` and the command line rename them to "
    "picture and text"
)


def captions_file(path: Path, split: str = "train", picture: str = "picture") -> pathlib.Path | None:
    """Return the table of a split that has a column of pictures; None if there is none.

    Args:
        path: Path of a `.csv`, `.tsv` or `.jsonl` file, or of a folder with `train.csv` and, perhaps, `test.csv`.
        split: Name of the split. Default: "train".
        picture: Name of the column. Default: "picture".

    Raises:
        UserError: See `split_file`.
    """
    path = pathlib.Path(path).expanduser()
    some = path.is_file() or (path.is_dir() and splits_of(path, TABLES))
    first = split_file(path, "train", TABLES) if some else None
    return split_file(path, split, TABLES) if first is not None and has_columns(first, [picture]) else None


def load_captioned(
    file: pathlib.Path,
    picture: str,
    text: str,
    size: tuple[int, int] | None,
    in_memory: bool | None,
    trust: bool,
    preparation: Preparation,
    channels: int | None,
    skip_broken: bool,
    say: Callable[[str], object] | None,
) -> Source:
    """Load the pictures of a table, with the columns "text", "picture", the number of each, and "path".

    Args:
        file: Path of the table. Paths of pictures in it are relative to its folder.
        picture: Name of the column of pictures.
        text: Name of the column of texts.
        size: `(height, width)` to resize the images to, or None.
        in_memory: See `data.pairs`.
        trust: See `data.pairs`.
        preparation: How images are brought to one size.
        channels: 1 or 3, the channels that a model takes, or None.
        skip_broken: See `data.pairs`.
        say: See `data.pairs`.

    Returns:
        A `Source` of images.

    Raises:
        UserError: See `data.pairs`.
    """
    columns = columns_of(file, [picture, text], do=_NAME_THEM)
    if not columns[picture]:
        raise UserError(f"records in {file}", "none", "check the file")
    paths = [file.parent / check_text(one or "", f"picture {k}") for k, one in enumerate(columns[picture], 1)]
    texts = [check_text(one or "", f"text {k}") for k, one in enumerate(columns[text], 1)]
    whole = _whole(file, columns[picture], paths, texts, skip_broken, say)
    paths, texts = [paths[k] for k in whole], [texts[k] for k in whole]
    each, given = list(dict.fromkeys(paths)), (size, in_memory, trust, preparation, channels, skip_broken, say)
    kept, images = load_pictures(each, file, *given, count=len(paths))
    place = {path: k for k, path in enumerate(kept)}
    pairs = [(place[path], words) for path, words in zip(paths, texts) if path in place]
    places = np.array([k for k, _ in pairs])
    if len(places) != len(kept) or (places != np.arange(len(kept))).any():
        images = images[places]  # several texts of a picture
    known = {"text": np.array([words for _, words in pairs], dtype=object), "picture": places}
    known |= path_column([kept[k] for k in places])
    return Source(images, name=str(file), columns=known, kinds="image", preparation=preparation)


def _whole(file, names, paths, texts, skip_broken, say):
    """Numbers of the records that have a picture and a text."""
    there = {path: path.is_file() for path in set(paths)}
    lost = [k for k, path in enumerate(paths) if not there[path]]
    empty = [k for k, words in enumerate(texts) if not words.strip()]
    faults = {
        "pictures that exist": [f"{names[k] or 'no path'} in record {k + 1}" for k in lost],
        "a text for each picture": [f"none for {names[k]} in record {k + 1}" for k in empty],
    }
    left = sorted(set(range(len(paths))) - {*lost, *empty})
    for expected, found in faults.items():
        if found and (not skip_broken or not left):
            received = f"{len(found)} of {len(paths)} without: {_first(found)}"
            do = "repair the table, or leave these records out: `skip_broken=True`, or --skip-broken"
            raise UserError(f"{expected}, by {file}", received, do)
        if found:
            tell([Note(f"{file}: {len(found)} of {len(paths)} left out, {_first(found)}")], say, stacklevel=5)
    return left


def _first(found: Sequence[Any]) -> str:
    return shown(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
