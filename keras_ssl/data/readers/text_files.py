"""Text files, plain or packed by gzip: their lines, and pieces of those that are larger than memory."""

import gzip
import pathlib
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["lines", "pieces", "whole"]

_REACH = 1000  # characters from the end of a piece within which it is cut between words
_BETWEEN_WORDS = re.compile(r"\S\s(?=\S)")


def lines(path: Path) -> Iterator[str]:
    r"""Yield the lines of a text file, without the breaks at their ends, which may be `\n` or `\r\n`.

    Args:
        path: Path of a file of UTF-8, perhaps packed if its name ends with `.gz`.

    Yields:
        Each line.

    Raises:
        UserError: If the file cannot be read, or a line is no UTF-8 or has NUL in it; the error names file and line.
    """
    with _opened(path) as file:
        for line in file:
            yield _without_nul(line, path).removesuffix("\n")


def whole(path: Path) -> str:
    """Return the text of a file. For the arguments and errors see `lines`.

    Args:
        path: Path of the file.
    """
    with _opened(path) as file:
        return _without_nul(file.read(), path)


def pieces(path: Path, by_line: bool, size: int) -> Iterator[tuple[str, bool]]:
    """Yield the text of a file in pieces, of which one at a time is in memory.

    A piece ends where a text ends, or before the white space between two words if there is any near, so that tokens are
    those of the whole text.

    Args:
        path: See `lines`.
        by_line: Whether each line is a text, and blank ones are none; else the file is one.
        size: Most characters that are read at a time.

    Yields:
        A piece, and whether a text ends with it.

    Raises:
        UserError: See `lines`.
    """
    with _opened(path) as file:
        read = file.readline if by_line else file.read
        left, begun = "", False
        while block := _without_nul(read(size), path):
            text = left + block
            if by_line and text.endswith("\n"):
                if begun or text.strip():
                    yield text[:-1], True
                left, begun = "", False
            elif by_line and not begun and not text.strip():
                left = text
            else:
                cut = _cut(text)
                yield text[:cut], False
                left, begun = text[cut:], True
        if begun:
            yield left, True


def _cut(text):
    """Where to cut a text whose rest is not known yet: before the last white space that is between two words."""
    start = max(len(text) - _REACH, 0)
    found = [match.start() + 1 for match in _BETWEEN_WORDS.finditer(text, start)]
    return found[-1] if found else len(text)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    path = pathlib.Path(path)
    if not path.is_file():  # a FIFO would be waited for
        raise UserError(
            "a text file", f"{path}, which is {'no file' if path.exists() else 'not there'}", "check the path"
        )
    opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            yield file
    except UnicodeDecodeError as error:
        raise UserError(
            f"UTF-8 in {path}", _first_bad_line(path, _not_utf_8), "convert it to UTF-8, or remove the line"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError("a text file that can be read", f"{path}: {error}", "restore it, or unpack it") from error


def _without_nul(text, path):
    if "\0" in text:
        raise UserError(f"text in {path}", _first_bad_line(path, _nul), "check that it is a text file of UTF-8")
    return text


def _first_bad_line(path, fault):
    """What is wrong with the first line that has a fault, which is read again: decoders do not say where they are."""
    opener: Any = gzip.open if pathlib.Path(path).suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if found := fault(line):
                return f"{found} in line {number}"
    return "a line that has changed since"


def _not_utf_8(line):
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"the byte 0x{line[error.start]:02x}, which is no UTF-8 there,"
    return None


def _nul(line):
    return "NUL" if b"\0" in line else None
