"""Tables with columns of texts, labels or pictures: `.csv`, `.tsv` and `.jsonl`, perhaps packed by gzip."""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_ssl.data.readers.text_files import lines
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["columns_of", "first_record", "has_columns", "numbered"]

_LARGEST_FIELD = 2**31 - 1


def columns_of(
    path: Path,
    names: Sequence[str],
    optional: Sequence[str] = (),
    do: str = "name the columns: `data.texts(path, text='…', label='…')`",
) -> dict[str, list[Any]]:
    """Return columns of a table.

    Args:
        path: A `.csv` file with commas and quotes as in RFC 4180, or a `.tsv` file with tabs and no quotes, whose first
            line names the columns; or a `.jsonl` file with an object in each line.
        names: Names of the columns that are wanted.
        optional: Names of columns that are read if they are there.
        do: What to do if a column is missing. Default: as for `data.texts`.

    Returns:
        Dict of lists: of strings, or of what JSON has.

    Raises:
        UserError: If the file is no such table or has no such column; the error names file and line.
    """
    found: dict[str, list[Any]] = {}
    for number, row in _rows(path):
        found = found or {name: [] for name in (*names, *(name for name in optional if name in row))}
        for name, column in found.items():
            if name not in row:
                raise UserError(
                    f"a column '{name}' in {path}",
                    f"{', '.join(map(repr, row))} in line {number}",
                    do,
                )
            column.append(row[name])
    return found or {name: [] for name in names}


def numbered(path: Path, columns: Mapping[Any, Sequence[Any]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels of a file as class numbers, and the names of the classes, which all files number alike.

    Classes are in the order of numbers if all are such, else of strings. Space around a label is no part of it, and the
    number 1 of a `.jsonl` file is the "1" of a `.csv` file.

    Args:
        path: One of the files.
        columns: The labels of each file.

    Returns:
        Integer array `(n,)`, and a tuple of strings.

    Raises:
        UserError: If a label is missing, or is neither a string nor a whole number.
    """
    for file, labels in columns.items():
        if missing := [one for one in labels if one is None or (isinstance(one, str) and not one.strip())]:
            raise UserError(
                f"a label in each record of {file}", f"{missing[0]!r} in {len(missing)}", "complete or remove them"
            )
        if strange := [one for one in labels if not isinstance(one, str | int)]:
            raise UserError(
                f"labels as strings or whole numbers in {file}", f"{strange[0]!r}", "choose another `label`"
            )
    found = {str(one).strip() for labels in columns.values() for one in labels}
    whole_numbers = all(one.lstrip("-").isdecimal() for one in found)
    classes = sorted(found, key=int if whole_numbers else str)
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[str(one).strip()] for one in columns[path]], "int64"), tuple(classes)


def has_columns(path: Path, names: Sequence[str]) -> bool:
    """Return whether the first line of a table names columns; False for what is no table.

    Args:
        path: See `columns_of`.
        names: Names of the columns.
    """
    return set(names) <= set(first_record(path))


def first_record(path: Path) -> dict[str, Any]:
    """Return the first record of a table by the names in its first line, with None for what is missing.

    Nothing else of the table is read or checked: it may be one without names, whose rows have any length.

    Args:
        path: See `columns_of`.

    Returns:
        The record; empty if the file cannot be read as a table.
    """
    try:
        if _ending(path) == "jsonl":
            return next(_objects(path), (0, {}))[1]
        reader = csv.reader((f"{line}\n" for line in lines(path)), _Tabs if _ending(path) == "tsv" else _Commas)
        header, row = next(reader, []), next(reader, [])
    except (UserError, csv.Error):
        return {}
    return dict(itertools.zip_longest(header, row[: len(header)]))


def _rows(path) -> Iterator[tuple[int, dict[str, Any]]]:
    kind = _ending(path)
    return _objects(path) if kind == "jsonl" else _records(path, _Tabs if kind == "tsv" else _Commas)


def _ending(path):
    return str(path).lower().removesuffix(".gz").rpartition(".")[2]


class _Commas(csv.excel):
    strict = True


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE
    strict = True


def _records(path, dialect) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of the line where each record ends, and its fields by column."""
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        reader = csv.reader((f"{line}\n" for line in lines(path)), dialect)
        header = next(reader, [])
        if len(set(header)) < len(header):
            raise UserError(f"columns of different names in {path}", ", ".join(header), "rename one")
        for row in filter(None, reader):
            if len(row) != len(header):
                raise UserError(
                    f"{len(header)} fields in each record of {path}",
                    f"{len(row)} in line {reader.line_num}",
                    "replace the tabs in texts" if dialect is _Tabs else "quote texts that have commas or line breaks",
                )
            yield reader.line_num, dict(zip(header, row))
    except csv.Error as error:
        raise UserError(f"a table in {path}", f"{error} in line {reader.line_num}", "check its quotes") from error
    finally:
        csv.field_size_limit(before)


def _objects(path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"JSON in each line of {path}", f"{error} in line {number}", "repair the line") from error
        if not isinstance(row, dict):
            raise UserError(
                f"an object in each line of {path}", f"a {type(row).__name__} in line {number}", "repair it"
            )
        yield number, row
