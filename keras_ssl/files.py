"""Files that are written whole or not at all, and a check that a folder can be written in."""

import json
import os
import pathlib
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["whole_file", "writable_folder", "write_json"]


@contextmanager
def whole_file(path: Path) -> Iterator[pathlib.Path]:
    """Let a block write a temporary file beside `path`, then rename it to `path`. If the block fails, it is removed.

    Args:
        path: Path of the file. Missing folders are made; an existing file is replaced.

    Yields:
        The path to write to: in the same folder, with the same ending.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".writing-{uuid.uuid4().hex}{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: Path of the file.
        content: Anything that `json` can write.
    """
    with whole_file(path) as beside:
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def writable_folder(path: Path, do: str = "choose another folder") -> pathlib.Path:
    """Raise unless a folder can be written in, or can be made. Changes nothing.

    Args:
        path: Path of the folder, which need not exist yet.
        do: Advice in the error. Default: `"choose another folder"`.

    Returns:
        The path.

    Raises:
        UserError: If it cannot.
    """
    path = pathlib.Path(path)
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError("a folder that can be written in", f"{path} ({reason})", do) from error
    return path
