"""Locks that the system releases when their process ends, however it ends."""

import datetime
import errno
import json
import os
import pathlib
import shlex
import socket
import sys
from typing import IO, Any

from keras_ssl.errors import UserError
from keras_ssl.files.disks import missing, remove_empty, writable_folder
from keras_ssl.typing import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["Lock", "acquire", "release"]

_LONGEST = 200  # characters of a command in the error


class Lock:
    """Lets one process at a time write in a folder; a context manager, which may be entered again while it is held.

    The lock is an open file `.lock` in the folder, which says who holds it. The system releases it when the process
    ends, so a run that was killed blocks nobody. Where a file system has no locks, nothing is locked.

    Args:
        folder: Folder, which is made if it does not exist.

    Raises:
        UserError: On entering, if another process holds it, which the error names, or the folder cannot be written in.
    """

    def __init__(self, folder: Path):
        self.folder = pathlib.Path(folder)
        self.file: IO[str] | None = None
        self.made: list[pathlib.Path] = []
        self.depth = 0

    def __enter__(self):
        if self.depth == 0:
            self._take()
        self.depth += 1
        return self

    def __exit__(self, *error):
        self.depth -= 1
        if self.depth == 0:
            if self.file is not None:
                release(self.file)
                self.file = None
            remove_empty(self.made)

    def _take(self):
        writable_folder(self.folder)
        self.made = missing(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.file = acquire(self.folder / ".lock")
        except BlockingIOError as error:
            raise UserError(
                f"a folder that no other process writes in: {self.folder}",
                _holder(self.folder / ".lock"),
                "wait until that has ended, or choose another folder",
            ) from error
        if self.file is not None:
            self.file.truncate(0)
            json.dump(_this_process(), self.file)
            self.file.flush()


def acquire(path: Path) -> IO[str] | None:
    """Open and lock a file, which is made if it does not exist.

    Args:
        path: Path of the file.

    Returns:
        The open file, for `release`; or None where the file system has no locks.

    Raises:
        BlockingIOError: If another process holds the lock.
    """
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            _flock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:  # whoever held it has just removed it
            pass
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            file.close()
            return None
        file.close()


def release(file: IO[str]) -> None:
    """Remove a file that `acquire` returned, and with it the lock.

    Args:
        file: The open file.
    """
    pathlib.Path(file.name).unlink(missing_ok=True)  # while it is locked, so that it is nobody else's
    file.close()


def _flock(file):
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _this_process() -> dict[str, Any]:
    since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "command": shlex.join(sys.orig_argv)}


def _holder(path):
    """Who holds a lock, in words."""
    try:
        one = json.loads(path.read_text(encoding="utf-8"))
        command = one["command"] if len(one["command"]) <= _LONGEST else one["command"][: _LONGEST - 1] + "…"
        where = "" if one["host"] == socket.gethostname() else f" on {one['host']}"
        return f"process {one['pid']}{where}, which writes there since {one['since']}: {command}"
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun, or has just ended
        return "another process, which writes there now"
