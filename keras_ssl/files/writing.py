"""Files that are written whole or not at all."""

import json
import os
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.files.staging import staged
from keras_ssl.typing import Path

__all__ = ["json_text", "whole_file", "write_json"]


@contextmanager
def whole_file(path: Path) -> Iterator[pathlib.Path]:
    """Let a block write a file in a hidden folder beside `path`, then move it there. If the block fails, it is removed.

    Args:
        path: Path of the file. Missing folders are made; an existing file is replaced.

    Yields:
        The path to write to: with the same name, on the same file system.

    Raises:
        UserError: If nothing can be written there, a folder has this name, or the disk is full.
    """
    path = pathlib.Path(path)
    with staged(path.parent) as folder:
        yield folder / path.name
        if path.is_dir():
            raise UserError("a file that can be written", f"{path}, which is a folder", "give another path")
        os.replace(folder / path.name, path)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: Path of the file.
        content: Anything that `json` can write.
    """
    with whole_file(path) as beside:
        beside.write_text(json_text(content), encoding="utf-8")


def json_text(content: Any) -> str:
    """Return the text of a JSON file, indented and with a line break at the end.

    Args:
        content: Anything that `json` can write.
    """
    return json.dumps(content, indent=2) + "\n"
