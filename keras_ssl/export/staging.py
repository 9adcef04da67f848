"""Writing into a hidden folder, and moving the result into place when it is complete."""

import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["place", "refuse_existing", "staged"]


@contextmanager
def staged(directory: Path) -> Iterator[pathlib.Path]:
    """Make a hidden folder in `directory` to write in, and remove what is left of it at the end.

    TensorFlow Serving looks only at numeric names, so it never sees the folder. If the block fails, parent folders that
    were made for it are removed, too.

    Args:
        directory: Folder for the finished files; made if it does not exist.

    Yields:
        `pathlib.Path` of an empty folder on the same file system.

    Raises:
        UserError: If nothing can be written in `directory`.
    """
    directory = pathlib.Path(directory)
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    folder = directory / f".staging-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        _remove_empty(made)
        raise UserError(
            f"a directory that can be written in: {directory}",
            error.strerror or str(error),
            "choose another directory, or change its permissions",
        ) from error
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(made)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def place(source: Path, target: Path) -> bool:
    """Rename the folder `source` to `target`, and return False if something is there already.

    A rename is atomic, and fails if the target is a folder with something in it, so if two processes race, one of them
    wins. (An empty folder would be replaced, which loses nothing.)
    """
    try:
        os.rename(source, target)
    except OSError:
        if pathlib.Path(target).exists():
            return False
        raise
    return True


def refuse_existing(path: Path) -> None:
    """Raise `UserError` if something is at `path`."""
    if pathlib.Path(path).exists():
        raise UserError(f"nothing at {path}", "something that is there", "remove it, or choose another name")


def _remove_empty(folders):
    for path in folders:
        with suppress(OSError):
            path.rmdir()
