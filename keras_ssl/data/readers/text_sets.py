"""Sets of texts: a file of lines, a table, or a folder of files, each a text."""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from keras_ssl.checks import check_text
from keras_ssl.data.readers.classes import class_of, classes_of, shown
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.split_folders import split_folder
from keras_ssl.data.readers.text_files import lines, whole
from keras_ssl.data.readers.text_tables import columns_of, numbered
from keras_ssl.data.readers.walking import walk
from keras_ssl.data.text_source import Texts
from keras_ssl.errors import UserError
from keras_ssl.names import TEXT_FILES

__all__ = ["load_text_file", "load_text_folder"]


def load_text_file(
    path: pathlib.Path,
    siblings: Sequence[pathlib.Path],
    text: str,
    label: str | None,
    say: Callable[[str], object] | None,
) -> Texts:
    """Load the lines of a file, or a column of a table.

    Args:
        path: Path of the file.
        siblings: The files of all splits, whose labels are numbered alike; some may have none.
        text: Name of the column of texts.
        label: Name of the column of labels; None for "label" if there is one.
        say: See `data.texts`.

    Raises:
        UserError: See `data.texts`.
    """
    if _is_lines(path):
        return _some(path, [line for line in lines(path) if line.strip()])
    wanted, optional = ([text], ["label"]) if label is None else ([text, label], [])
    key = label or "label"
    columns = columns_of(path, wanted, optional)
    texts = [check_text(one, f"record {number} of {path}") for number, one in enumerate(columns[text], 1)]
    kept = [k for k, one in enumerate(texts) if one.strip()]
    if len(kept) < len(texts):
        tell([Note(f"{path}: left out, since they have no text: {len(texts) - len(kept)} records.")], say, 4)
    texts = [texts[k] for k in kept]
    if key not in columns:
        return _some(path, texts)
    tables = [other for other in siblings if other != path and not _is_lines(other)]
    others = {other: columns_of(other, [], [key]).get(key, []) for other in tables}
    labels, classes = numbered(path, {path: columns[key], **others})
    return _some(path, texts, labels[kept], classes)


def load_text_folder(folder: pathlib.Path, split: str, say: Callable[[str], object] | None) -> Texts:
    """Load a folder of `.txt` files, each a text: one folder per class, or texts without labels.

    Args:
        folder: Path of the folder.
        split: Name of a split.
        say: See `data.texts`.

    Raises:
        UserError: See `data.texts`.
    """
    part, siblings, notes = split_folder(folder, split, (".txt",), "texts", "data.texts")
    found = walk(siblings, (".txt",))
    paths = found[part].files
    if not paths:
        raise UserError(
            f"texts in {part} or below it",
            f"none{'; ' * bool(found[part].words())}{found[part].words()}",
            f"give a folder of .txt files, each a text, or of {', '.join(f'train{one}' for one in TEXT_FILES[::2])}",
        )
    classes = classes_of(found, part, "text")
    what = f"{len(classes.names)} classes: {shown(classes.names)}" if classes.names else "no labels"
    words = found[part].words()
    summary = Note(f"{part}: {len(paths):,} texts, {what}{'; ' * bool(words)}{words}", warn=False)
    tell([*notes, summary, *classes.notes], say, 4)
    texts = [whole(path) for path in paths]
    if empty := [path for path, text in zip(paths, texts) if not text.strip()]:
        names = shown(path.relative_to(part) for path in empty)
        tell([Note(f"{part}: left out, since they have no text: {len(empty)} files: {names}.")], say, 4)
        paths = [path for path, text in zip(paths, texts) if text.strip()]
        texts = [text for text in texts if text.strip()]
    if classes.names is None:
        return _some(part, texts, why_unlabeled=classes.why_none)
    numbers = {name: number for number, name in enumerate(classes.names)}
    return _some(part, texts, np.array([numbers[class_of(path, part)] for path in paths], "int64"), classes.names)


def _is_lines(path):
    return path.name.lower().removesuffix(".gz").endswith(".txt")


def _some(path, texts, labels=None, class_names=None, why_unlabeled=None):
    if not texts:
        raise UserError(f"texts in {path}", "none", "check the path")
    return Texts(texts, labels, class_names, str(path), why_unlabeled)
