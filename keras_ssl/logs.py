"""Keeping the log lines of TensorFlow, absl and CUDA off the screen."""

import faulthandler
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["held_back"]

_LINES = re.compile(rb"^([IWE]\d{4} .*|WARNING: All log messages before absl::InitializeLog.*)\n", re.MULTILINE)
"""absl's lines: the level, month and day, and a time; and the line that it begins with."""


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back log lines while a block imports Keras and TensorFlow, and turn them off for later.

    `TF_CPP_MIN_LOG_LEVEL` is set to 3, unless it is set already, and Python's loggers report errors only. The first
    lines are logged before that variable is read, by C++ and so straight to file descriptor 2: it leads to a temporary
    file meanwhile. All else that is written there, such as Python's warnings, appears after the block; if the process
    crashes in it, Python says where.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_held_back():
        yield
    for name in ("absl", "tensorflow"):  # not before: absl makes its logger with a class of its own
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _stderr_held_back():
    if sys.stderr is None:  # as where it is closed
        yield
        return
    sys.stderr.flush()
    watched, screen = faulthandler.is_enabled(), os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        if not watched:
            faulthandler.enable(screen)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            if not watched:
                faulthandler.disable()
            held.seek(0)
            os.write(screen, _LINES.sub(b"", held.read()))
            os.close(screen)
