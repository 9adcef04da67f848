"""Files that are there whole or not at all, and folders that can be written in."""

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
    """Let a block write a file beside `path`, and rename it to `path` at the end. If the block fails, nothing is left.

    Args:
        path: Path of the file, whose missing folders are made. An existing file is replaced.

    Yields:
        `pathlib.Path` in the same folder, with the same ending, to write to.
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
        content: What `json` can write.
    """
    with whole_file(path) as beside:
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def writable_folder(path: Path, do: str = "choose another folder") -> pathlib.Path:
    """Raise unless files can be written in a folder, or the folder can be made. Nothing is left behind.

    Args:
        path: Path of the folder, which need not exist yet.
        do: What the error tells the user to do.

    Returns:
        `pathlib.Path`.

    Raises:
        UserError: If nothing can be written in it.
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
