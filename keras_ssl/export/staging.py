"""Writing beside the target and moving into place when all is there."""

import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_ssl.errors import UserError

__all__ = ["staged", "place"]


@contextmanager
def staged(directory):
    """Make a hidden folder in `directory` to write in, and take away whatever is left of it at the end.

    TensorFlow Serving looks at numeric names only, so it never sees the folder. If the block fails, the parents that
    were made for it go too.

    Args:
        directory: Path in which the finished work will stand; made if it is not there.

    Yields:
        `pathlib.Path` of an empty folder on the same file system.

    Raises:
        UserError: If nothing can be written in `directory`.
    """
    directory = Path(directory)
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


def place(source, target):
    """Rename the folder `source` to `target`, and return False if there is something already.

    A rename is atomic, and fails onto a folder that has something in it, so of two that race one wins whole. (An empty
    folder would be replaced, which loses nothing.)
    """
    try:
        os.rename(source, target)
    except OSError:
        if Path(target).exists():
            return False
        raise
    return True


def _remove_empty(folders):
    for path in folders:
        with suppress(OSError):
            path.rmdir()
