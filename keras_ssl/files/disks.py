"""What a disk refuses, told in one sentence: no room, no permission, read-only."""

import errno
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["check_no_pattern", "missing", "refused", "remove_empty", "told", "writable_folder"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_TOLD_BY_TEXT = (*_FULL, errno.EROFS)  # TensorFlow's errors have no number


@contextmanager
def told(folder: Path, or_else: str = "or choose another folder") -> Iterator[None]:
    """Turn the error of a block that could not write in a folder into one sentence; other errors pass.

    Writers have many kinds of errors for a full disk: `OSError`, TensorFlow's, and those that were raised from them.

    Args:
        folder: Folder that the block writes in.
        or_else: What to do beside making room, or the folder writable. Default: `"or choose another folder"`.

    Raises:
        UserError: If the disk is full, or the folder cannot be written in.
    """
    try:
        yield
    except Exception as error:
        found = _refusal(error)
        if found is None:
            raise
        raise refused(folder, OSError(found, os.strerror(found)), or_else) from error


def refused(folder: Path, error: OSError, or_else: str = "or choose another folder") -> UserError:
    """Return the error that tells why a folder cannot be written in.

    Args:
        folder: Folder.
        error: What the system said.
        or_else: What to do beside making room, or the folder writable. Default: `"or choose another folder"`.
    """
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return UserError(f"room on the disk of {folder}", reason, f"free some, {or_else}")
    do = f"make it writable, {or_else}" if error.errno in _CLOSED else or_else.removeprefix("or ")
    return UserError("a folder that can be written in", f"{folder} ({reason})", do)


def writable_folder(path: Path, do: str = "choose another folder") -> pathlib.Path:
    """Raise unless a folder can be written in, or can be made. Changes nothing.

    Args:
        path: Path of the folder, which need not exist yet.
        do: What to do beside making room, or the folder writable. Default: `"choose another folder"`.

    Returns:
        The path.

    Raises:
        UserError: If it cannot.
    """
    path = pathlib.Path(path)
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"0")
            file.flush()  # a full disk has room for a name, not for what is in it
    except OSError as error:
        raise refused(path, error, f"or {do}") from error
    return path


def check_no_pattern(path: Path) -> None:
    """Raise if TensorFlow, which would write files at a path, could not find them again: it reads "[" as a pattern.

    Args:
        path: Path of a file or folder.

    Raises:
        UserError: If "[" is in the path or in those of its parents.
    """
    if "[" in str(pathlib.Path(path).absolute()):
        raise UserError("a path without '[', which TensorFlow reads as a pattern", f"{path}", "choose another folder")


def missing(folder: Path) -> list[pathlib.Path]:
    """Return those of a folder and its parents that do not exist, the innermost first.

    Args:
        folder: Folder.
    """
    folder = pathlib.Path(folder)
    return [path for path in (folder, *folder.parents) if not path.exists()]


def remove_empty(folders: Iterable[pathlib.Path]) -> None:
    """Remove those folders that are empty.

    Args:
        folders: Folders, such as `missing` returned before they were made.
    """
    for path in folders:
        with suppress(OSError):
            path.rmdir()


def _refusal(error):
    """Number of the error with which the disk refused, in an error or in what it was raised from; or None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (*_FULL, *_CLOSED):
            return cause.errno
        if found := [number for number in _TOLD_BY_TEXT if os.strerror(number) in str(cause)]:
            return found[0]
        cause = cause.__cause__
    return None
