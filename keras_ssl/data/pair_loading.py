"""One function that loads pictures with their texts."""

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ssl import tokenizers
from keras_ssl.checks import check_counts, check_not_empty
from keras_ssl.data import readers
from keras_ssl.data.arrays import Arrays
from keras_ssl.data.joined import Joined
from keras_ssl.data.loading import image_channels, image_size
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.pixels import as_size
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.names import TABLES, check_no_path
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Path

__all__ = ["from_pairs", "has_pairs", "pairs"]


def pairs(
    path: Path,
    split: str = "train",
    picture: str = "picture",
    text: str = "text",
    tokenizer: Tokenizer | None = None,
    vocabulary: int = 8000,
    length: int = 32,
    size: int | tuple[int, int] | None = None,
    like: keras.Model | None = None,
    in_memory: bool | None = None,
    trust: bool = False,
    fit: str = "crop",
    background: Any = "white",
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load pictures with their texts, for `objectives.CLIP`.

    A `.csv`, `.tsv` or `.jsonl` file has a record for each pair: the path of a picture, relative to the folder of the
    file, and its text. Several records may name one picture. All files are UTF-8; the first line of a `.csv` or `.tsv`
    file names the columns. A folder may hold such files of the splits: `train.csv` and, perhaps, `test.csv` or
    `val.csv`.

    Texts and pictures that several pairs share are said: in a batch they are false negatives of each other, see
    `objectives.CLIP`.

    Args:
        path: Path of the file or folder.
        split: Part of the set. Default: "train".
        picture: Name of the column of paths. Default: "picture".
        text: Name of the column of texts. Default: "text".
        tokenizer: The `Tokenizer` that makes ids of the texts: for test data that of the training data. Default: None,
            word pieces in lowercase that are trained on these texts, which is said for test data.
        vocabulary: Most ids of that tokenizer; few texts have fewer. Default: 8000.
        length: Most ids of a text, at least 1. Longer texts are cut, which is said. Default: 32.
        size: Side length or `(height, width)` in pixels to resize the images to. Default: as `data.load` does.
        like: Model of images whose size and channels they get, or a `CLIP`. Default: None.
        in_memory: Whether the pictures are decoded now and kept, or each when it is needed, once all have been found
            to be whole. Default: None, whether they fit into half of this machine's memory.
        trust: See `data.load`. Default: False.
        fit: See `data.load`. Default: "crop".
        background: See `data.load`. Default: "white".
        skip_broken: Whether records are left out, and named, whose picture is missing or broken or whose text is
            empty. Default: False, they are an error.
        say: See `data.load`. Default: None.

    Returns:
        A `Source` of dicts of "image" and "ids", with the tokenizer, the texts as its column "text", and as its column
        "picture" the number of each picture, which is the same where several records name one.

    Raises:
        UserError: If there is no such file or column; a picture is missing or broken, or a text is empty, with the
            number of such records and the first of them; all pairs have the same text; or `like` is a `CLIP`, and its
            tokenizer is not given.

    Example:
        `train = data.pairs("clipart/train.csv", size=64)`, and `data.pairs("clipart/test.csv",
        tokenizer=train.tokenizer, like=clip)`
    """
    file = readers.captions_file(path, split, picture)
    if file is None:
        raise _no_table(path, picture, text)
    if tokenizer is None:
        _check_may_train(like, file, split, say)
    wanted, channels = as_size(size), None
    if like is not None:
        wanted, channels = wanted or image_size(like), image_channels(like)
    preparation = Preparation(fit, background)
    pictures = readers.load_captioned(
        file, picture, text, wanted, in_memory, trust, preparation, channels, skip_broken, say
    )
    return from_pairs(pictures, (pictures.columns or {})["text"], tokenizer, vocabulary, length, say)


def _no_table(path, picture, text):
    """The error about what is no table of pictures and texts."""
    place = pathlib.Path(path).expanduser()
    if not place.exists():
        check_no_path(path, "a table of pictures and texts", TABLES)
    table = readers.split_file(place, "train", TABLES) if place.exists() else None
    received = f"{path}, which is no table, and no folder with train.csv; tables end with {' '.join(TABLES)}"
    if table is not None:
        received = f"{', '.join(map(repr, readers.first_record(table))) or 'no columns'} in {table}"
    do = "name the columns: `data.pairs(path, picture='…', text='…')`, with commas (.csv) or tabs (.tsv) between them"
    return UserError(f"a table with the columns '{picture}' and '{text}'", received, do)


def _check_may_train(like, file, split, say):
    """Raise if a model needs its own tokenizer; say that one is trained on data that may be for testing."""
    takes = getattr(like, "batch_specs", None)
    if isinstance(takes, dict) and any(getattr(one, "kind", None) == "ids" for one in takes.values()):
        raise UserError(
            f"the tokenizer that the {type(like).__name__} was trained with",
            "none",
            "give `tokenizer=train.tokenizer`, or `tokenizer=runs.tokenizer_of(path)` of a saved model",
        )
    if split != "train":
        note = f"{file}: a new tokenizer is trained on the texts of the split '{split}'. For a model that is trained "
        tell([Note(f"{note}already give that of its training data: `tokenizer=train.tokenizer`.")], say, stacklevel=3)


def has_pairs(path: Path) -> bool:
    """Return whether a path is that of a table, or of a folder with tables, which has a column "picture".

    Args:
        path: Path, or the name of a data set.
    """
    return readers.listed_kind(path) == "image, ids"


def from_pairs(
    images: Source | np.ndarray,
    texts: Sequence[str],
    tokenizer: Tokenizer | None = None,
    vocabulary: int = 8000,
    length: int = 32,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Make a `Source` of images with their texts.

    Args:
        images: A `Source` of images, or an array `(n, height, width, channels)`, uint8 or floats in 0..1.
        texts: n strings.
        tokenizer: See `pairs`. Default: None.
        vocabulary: See `pairs`. Default: 8000.
        length: See `pairs`. Default: 32.
        say: See `pairs`. Default: None.

    Returns:
        See `pairs`. Labels, if there are any, stay.

    Raises:
        UserError: If there is not one text for each image, a text has no token, or all are the same.
    """
    check_counts(length=length)
    source = images if isinstance(images, Source) else Source(images, kinds="image")
    if empty := [k for k, one in enumerate(texts) if one is None or not str(one).strip()]:
        received = f"none in {len(empty)} of {len(texts)}, the first at index {empty[0]}"
        raise UserError(f"a text for each image of {source.name}", received, "complete them, or leave these images out")
    strings = [str(one) for one in texts]
    if len(strings) != len(source):
        received = f"{len(strings)} texts of {len(source)} images"
        raise UserError("one text for each image", received, "give both in the same order")
    tokenizer = tokenizer or tokenizers.word_pieces(strings, vocabulary, lowercase=True)
    ids = tokenizer.encode(strings)
    check_not_empty(ids, do="leave these out, or train a tokenizer on such texts")
    alike: dict[bytes, str] = {}  # the first text of those that are the same to the tokenizer
    counts = Counter(alike.setdefault(row.tobytes(), text) for row, text in zip(ids, strings))
    if len(counts) == 1 and len(strings) > 1:
        received = f"{strings[0][:40]!r} for all {len(strings)}, as the tokenizer reads them"
        raise UserError(f"texts that tell the images in {source.name} apart", received, "check the column of texts")
    pictures = Counter((source.columns or {}).get("picture", np.arange(len(source))).tolist())
    notes = list(_notes(source.name, pictures, counts, int(ids[:, length:].any(axis=1).sum()), length))
    tell(notes, say, stacklevel=2 if images is source else 1)
    ids = ids if ids.shape[1] <= length else tokenizer.encode(strings, length, truncate=True)
    stored = source.samples.values if isinstance(source.samples, Arrays) else None
    joined: Any = {"image": stored, "ids": ids}
    if stored is None:
        joined = Joined({"image": source.samples, "ids": Arrays(ids)})
    columns = {**(source.columns or {}), "text": np.array(strings, dtype=object)}
    return dataclasses.replace(
        source, samples=joined, kinds={"image": "image", "ids": "ids"}, columns=columns, tokenizer=tokenizer
    )


def _notes(name, pictures, counts, cut, length):
    total = counts.total()
    of_pictures, shared = (sum(count for count in one.values() if count > 1) for one in (pictures, counts))
    if of_pictures:
        yield Note(
            f"{name}: {of_pictures:,} of {total:,} pairs have a picture that others have, too, at most "
            f"{max(pictures.values()):,} the same. In one batch they count as wrong for each other."
        )
    if shared:
        often, count = counts.most_common(1)[0]
        yield Note(
            f"{name}: {shared:,} of {total:,} texts are those of several pairs, most often {often[:40]!r} ({count:,} "
            "times). In one batch they count as wrong for each other."
        )
    if cut:
        yield Note(f"{name}: {cut:,} of {total:,} texts have more than {length} tokens. They are cut.")
