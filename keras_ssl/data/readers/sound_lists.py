"""Which sound files a set has, with their labels and texts."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.data.readers.classes import class_of, classes_of, shown
from keras_ssl.data.readers.notes import Note
from keras_ssl.data.readers.sounds import ENDINGS
from keras_ssl.data.readers.split_folders import split_files, split_folder
from keras_ssl.data.readers.splits import split_of
from keras_ssl.data.readers.text_files import lines
from keras_ssl.data.readers.text_tables import columns_of, numbered
from keras_ssl.data.readers.walking import walk
from keras_ssl.errors import UserError

__all__ = ["TABLES", "SoundList", "listed"]

TABLES = (".csv", ".tsv")
"""Endings of tables that list recordings."""
_FILE = "file"  # the column of paths


@dataclasses.dataclass(frozen=True)
class SoundList:
    """The sound files of a split.

    Attributes:
        paths: Array of their paths.
        name: Name of the set in messages.
        labels: Class number of each, or None.
        class_names: Name of each class, or None.
        texts: What is said in each, an array of strings, or None.
        why_unlabeled: Why there are no labels, or None.
        notes: What was found and chosen.
    """

    paths: np.ndarray
    name: str
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    texts: np.ndarray | None = None
    why_unlabeled: str | None = None
    notes: tuple[Note, ...] = ()

    def __getitem__(self, which: Any) -> "SoundList":
        """Return the files at some indices."""
        labels = None if self.labels is None else self.labels[which]
        texts = None if self.texts is None else self.texts[which]
        return dataclasses.replace(self, paths=self.paths[which], labels=labels, texts=texts)


def listed(place: pathlib.Path, split: str) -> SoundList:
    """Return the sound files of a split.

    Args:
        place: Path of a folder or a table.
        split: Name of the split.

    Raises:
        UserError: If there is no such split, it has no sound files, or a table names files that are not there.
    """
    tables, wanted = _tables(place), split_of(split) or split
    if not tables:
        return _of_folder(place, split)
    if wanted not in tables:
        raise UserError(f"one of the splits of {place} ({', '.join(tables)})", repr(wanted), "choose one of them")
    return _of_table(tables[wanted], [other for name, other in tables.items() if name != wanted])


def _tables(place):
    """The tables of the splits whose first line names a column "file", by split."""
    if place.is_dir():
        found = split_files(place, TABLES)
    else:
        found = {"train": place} if place.name.lower().endswith(TABLES) and place.is_file() else {}
    return {split: table for split, table in found.items() if _FILE in _columns(table)}


def _columns(table):
    """The names in the first line of a table."""
    line = next(lines(table), "")
    return [name.strip('" ') for name in line.split("\t" if table.name.lower().endswith(".tsv") else ",")]


def _of_table(table: pathlib.Path, siblings: Sequence[pathlib.Path]) -> SoundList:
    columns = columns_of(table, [_FILE], ["label", "text"], "name the column of paths 'file'")
    paths = np.array([table.parent / name for name in columns[_FILE]], dtype=object)
    if not len(paths):
        raise UserError(f"recordings in {table}", "none", "check the path")
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise UserError(
            f"paths of files in the column 'file' of {table}, from its folder on",
            f"{len(missing)} that are not there: {shown(missing)}",
            "correct them, or move the table",
        )
    texts = np.array([str(text) for text in columns["text"]], dtype=object) if "text" in columns else None
    note = Note(f"{table}: {len(paths):,} recordings{' with texts' * (texts is not None)}", warn=False)
    if "label" not in columns:
        why = f"{table} has no column 'label'"
        return SoundList(paths, str(table), texts=texts, why_unlabeled=why, notes=(note,))
    others = {other: columns_of(other, [], ["label"]).get("label", []) for other in siblings}
    labels, classes = numbered(table, {table: columns["label"], **others})
    return SoundList(paths, str(table), labels, classes, texts, notes=(note,))


def _of_folder(folder: pathlib.Path, split: str) -> SoundList:
    part, siblings, notes = split_folder(folder, split, ENDINGS, "recordings")
    found = walk(siblings, ENDINGS)
    files = found[part].files
    if not files:
        raise UserError(
            f"recordings in {part} or below it",
            f"none{'; ' * bool(found[part].words())}{found[part].words()}",
            f"check the path; these endings are read: {' '.join(ENDINGS)}",
        )
    classes = classes_of(found, part, "recording")
    words = "; ".join(["", found[part].words()] if found[part].words() else [])
    names, paths = classes.names, np.array(files, dtype=object)
    if names is None:
        text = f"{part}: {len(files):,} recordings without labels{words}"
        all_notes = (*notes, Note(text, warn=found[part].lost), *classes.notes)
        return SoundList(paths, str(part), why_unlabeled=classes.why_none, notes=all_notes)
    counts = collections.Counter(class_of(path, part) for path in files)
    text = f"{part}: {len(names)} classes: {shown(f'{name} {counts[name]}' for name in names)}{words}"
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[class_of(path, part)] for path in files], "int64")
    all_notes = (*notes, Note(text, warn=found[part].lost), *classes.notes)
    return SoundList(paths, str(part), labels, names, notes=all_notes)
