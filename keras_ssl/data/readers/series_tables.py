"""Tables of time series: one series in each row, or one time step in each row."""

import csv
import dataclasses
import datetime
import decimal
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.data.readers.text_files import lines
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["Series", "read_table"]

_OTHER_NAMES = {
    "label": ("label", "labels", "class", "classes", "target"),
    "time": ("time", "times", "timestamp", "date", "datetime"),
    "id": ("id", "ids"),
}
MISSING = ("", "?", "nan", "na", "null", "none")


@dataclasses.dataclass
class Series:
    """Series as they are in a file.

    Args:
        values: Arrays `(time, channels)`, float32, of any lengths.
        labels: The label of each, or None.
        known: Labels that the file names, besides.
        columns: Numbers that belong to the series, by name, or None.
        unnamed: Whether the columns have no names, so that the first one is taken for the labels.
        channel_names: Names of the channels, if they have some.
    """

    values: list[np.ndarray]
    labels: list[str] | None = None
    known: Sequence[str] = ()
    columns: dict[str, np.ndarray] | None = None
    unnamed: bool = False
    channel_names: tuple[str, ...] | None = None

    def padded(self) -> np.ndarray:
        """Return all series in one array `(n, time, channels)`, with NaN at the ends of those that are shorter."""
        longest = max(map(len, self.values))
        padded = np.full((len(self.values), longest, self.values[0].shape[1]), np.nan, "float32")
        for row, series in zip(padded, self.values):
            row[: len(series)] = series
        return padded


def read_table(path: Path) -> Series:
    """Read a `.csv` or `.tsv` file of series; see `data.load`.

    Args:
        path: Path of the file, of commas, or of tabs if its name says `.tsv`.

    Raises:
        UserError: If it is no such table; the error names the line.
    """
    tabs = str(path).lower().removesuffix(".gz").endswith(".tsv")
    reader = csv.reader((f"{line}\n" for line in lines(path)), delimiter="\t" if tabs else ",", strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        received = f"line {reader.line_num}: {error}"
        raise UserError(f"a table in {path}", received, "close each quote, or remove it") from error
    if not rows:
        return Series([])
    header = [name.strip() for name in rows[0][1]]
    if not _is_header(header):
        header = ["label", *map(str, range(len(header) - 1))]  # as in the UCR archive
        _check_classes(path, rows)
        return dataclasses.replace(_wide(path, header, rows), unnamed=True)
    _check_names(path, header)
    return (_long if "id" in header else _wide)(path, header, rows[1:])


def _is_header(fields):
    """Whether a first row names columns: by words, or by numbers from 0 or 1; in front of a series is its label."""
    first, rest = fields[0], fields[1:]
    if any(_number(field) is None for field in rest):
        return True
    counted = [str(k) for k in range(len(fields) + 1)]
    named = not first or _number(first) is None
    return fields in (counted[:-1], counted[1:]) or (named and rest in (counted[:-2], counted[1:-1]))


def _check_names(path, header):
    """Refuse names by which a label, a time or an index would be read as a value of the series."""
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise UserError(f"columns of different names in {path}", ", ".join(repeated), "rename them")
    if "" in header:
        do = "name it, or remove it if it only counts the rows (`index=False` in pandas)"
        raise UserError(f"a name of each column in {path}", f"none of column {header.index('') + 1}", do)
    for meant, names in _OTHER_NAMES.items():
        if meant not in header and (found := [name for name in header if name.lower() in names]):
            do = "rename it, or remove it; if it holds values of series, give it another name"
            raise UserError(f"the name '{meant}' for such a column in {path}", repr(found[0]), do)
    if "id" in header and "time" not in header:
        do = "name the column of times so, if each row is a time step; else remove the column 'id'"
        raise UserError(f"a column 'time' beside 'id' in {path}", f"{', '.join(header)}", do)
    if "time" in header and "id" not in header:
        do = "add one that says to which series a step belongs; cut a single long series by `data.Windows`"
        raise UserError(f"a column 'id' beside 'time' in {path}", f"{', '.join(header)}", do)
    words = [name for name in header if _number(name) is None]
    if len(header) > 1 and words == header[:1] != ["label"]:
        do = "name it 'label' if it holds the classes; else remove it"
        raise UserError(f"columns of one kind in {path}", f"'{header[0]}' before the numbered steps", do)


def _check_classes(path, rows):
    """Refuse first fields that are no classes, but values."""
    for number, row in rows:
        label = _number(row[0])
        if label is not None and np.isfinite(label) and not label.is_integer():
            do = "add a first row of names, with 'label' for the column of the classes if there is one"
            expected = f"a class first in each row of {path}, whose columns have no names"
            raise UserError(expected, f"{row[0]!r} in line {number}", do)


def _wide(path, header, rows):
    """One series of one channel in each row, and perhaps its label."""
    steps = [k for k, name in enumerate(header) if name != "label"]
    values = []
    for number, row in rows:
        if len(row) > len(header):
            raise _wrong(f"at most {len(header)} fields in each row of {path}", f"{len(row)}", number)
        fields = [row[k] for k in steps if k < len(row)]  # a series may end early
        values.append(_floats(path, fields, [header[k] for k in steps], number)[:, None])
    if "label" not in header:
        return Series(values)
    place = header.index("label")
    return Series(values, [row[place].strip() if place < len(row) else "" for _, row in rows])


def _long(path, header, rows):
    """One time step of a series in each row: its id, its time, its values, and perhaps the label of the series."""
    channels = [k for k, name in enumerate(header) if name not in ("id", "time", "label")]
    if not channels:
        raise UserError(f"columns of values beside 'id' and 'time' in {path}", "none", "add them")
    found: dict[str, dict[Any, np.ndarray]] = {}
    labels: dict[str, str] = {}
    kinds: set[str] = set()
    for number, row in rows:
        if len(row) != len(header):
            raise _wrong(f"{len(header)} fields in each row of {path}", f"{len(row)}", number)
        fields = dict(zip(header, map(str.strip, row)))
        if fields["id"].lower() in MISSING:
            raise _wrong(f"the id of a series in each row of {path}", f"{fields['id']!r}", number)
        kind, time = _time(path, fields["time"], number)
        kinds.add(kind)
        if len(kinds) > 1:
            expected = f"times that are all numbers, or all dates of one form, in {path}"
            raise _wrong(expected, repr(fields["time"]), number)
        steps = found.setdefault(fields["id"], {})
        if time in steps:
            received = f"two of {fields['time']!r}"
            raise _wrong(f"one row of each time of series '{fields['id']}' in {path}", received, number)
        steps[time] = _floats(path, [row[k] for k in channels], [header[k] for k in channels], number)
        label = fields.get("label", "")
        if labels.setdefault(fields["id"], label) != label:
            received = f"{labels[fields['id']]!r} and {label!r}"
            raise _wrong(f"one label of series '{fields['id']}' in {path}", received, number)
    values = [np.stack([steps[time] for time in sorted(steps)]) for steps in found.values()]
    names = tuple(header[k] for k in channels)
    return Series(values, list(labels.values()) if "label" in header else None, channel_names=names)


def _time(path, field, line):
    """The kind of a time, and what orders it among those of its kind."""
    try:
        number = decimal.Decimal(field)  # a float would round nanoseconds
        if number.is_finite():
            return "numbers", number
    except decimal.InvalidOperation:
        pass
    try:
        date = datetime.datetime.fromisoformat(field)
    except ValueError as error:
        expected = f"a number, or a date of ISO 8601 such as 2024-01-31 09:30, as each time in {path}"
        raise _wrong(expected, repr(field), line) from error
    return ("dates" if date.tzinfo is None else "dates with a time zone"), date


def _floats(path, fields, names, line):
    values = [_number(field) for field in fields]
    if None in values:
        k = values.index(None)
        raise _wrong(f"numbers in {path}", f"{fields[k]!r} in column '{names[k]}'", line)
    return np.array(values, "float32")


def _number(field):
    """A float, NaN if it is missing, or None if the field is something else."""
    field = field.strip()
    if field.lower() in MISSING:
        return float("nan")
    try:
        return float(field)
    except ValueError:
        return None


def _wrong(expected, received, line):
    return UserError(expected, f"{received} in line {line}", "repair the line")
