"""Writing into a hidden folder, and moving the result into place when it is complete."""

import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_ssl.errors import UserError
from keras_ssl.files.disks import missing, refused, remove_empty, told
from keras_ssl.files.locks import acquire, release
from keras_ssl.typing import Path

__all__ = ["place", "refuse_existing", "staged", "sweep"]

_PREFIX = ".staging-"


@contextmanager
def staged(directory: Path, or_else: str = "or choose another folder") -> Iterator[pathlib.Path]:
    """Make a hidden folder in `directory` to write in, and remove what is left of it at the end.

    TensorFlow Serving looks only at numeric names, so it never sees the folder. If the block fails, parent folders that
    were made for it are removed, too. Hidden folders of processes that were killed are removed first.

    Args:
        directory: Folder for the finished files; made if it does not exist.
        or_else: What to do beside making room, for the error. Default: `"or choose another folder"`.

    Yields:
        `pathlib.Path` of an empty folder on the same file system.

    Raises:
        UserError: If nothing can be written in `directory`, or the disk is full.
    """
    directory = pathlib.Path(directory)
    made = missing(directory)
    sweep(directory)
    folder, lock = directory, None
    try:
        with told(directory, or_else):
            try:
                folder, lock = _hidden(directory)
                (folder / "files").mkdir()
            except OSError as error:
                raise refused(directory, error, or_else) from None
            yield folder / "files"
    except BaseException:
        _remove(folder, lock)
        remove_empty(made)
        raise
    _remove(folder, lock)


def sweep(directory: Path) -> None:
    """Remove the hidden folders of processes that were killed while they wrote in `directory`.

    Args:
        directory: Folder, which need not exist.
    """
    for folder in pathlib.Path(directory).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if (folder / "lock").exists():
                if (lock := acquire(folder / "lock")) is not None:
                    _remove(folder, lock)
            else:
                folder.rmdir()  # killed before it had a lock; if it gets one now, it is not empty


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


def _hidden(directory):
    """Make a hidden folder, and lock it: `sweep` of another process may have been quicker, then make another."""
    while True:
        folder = directory / f"{_PREFIX}{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            return folder, acquire(folder / "lock")
        except (FileNotFoundError, BlockingIOError):
            continue
        except OSError:
            remove_empty([folder])
            raise


def _remove(folder, lock):
    """Remove a hidden folder, its lock last: if this process is killed amid it, the next one goes on."""
    if not folder.name.startswith(_PREFIX):
        return  # it could not be made
    shutil.rmtree(folder / "files", ignore_errors=True)
    if lock is not None:
        release(lock)
    shutil.rmtree(folder, ignore_errors=True)
