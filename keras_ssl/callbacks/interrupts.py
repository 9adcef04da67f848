"""Ending a training when the process is asked to end: after the step in progress, not amid it."""

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["Interrupted", "Requests", "requests"]


class Interrupted(SystemExit):
    """Raised by `Resume` to end the training, and the process unless it is caught. Its text says how to go on.

    Args:
        message: What was interrupted, where it is saved, and how to go on.
        signum: Number of the signal.
    """

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)  # which Python writes to stderr
        self.signum = signum


class Requests:
    """What the process was asked.

    Attributes:
        signum: Number of the signal that came, or None.
    """

    signum: int | None = None


@contextlib.contextmanager
def requests() -> Iterator[Requests]:
    """Note SIGTERM and Ctrl-C in place of ending at once; a second one of the same acts as it does without this.

    In a thread other than the main one, which gets no signals, nothing is noted. If the block ends without having
    heeded a signal, that is sent again.

    Yields:
        `Requests`.
    """
    asked = Requests()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}

    def restore(*signums):
        for signum in signums:
            signal.signal(signum, before[signum] or signal.SIG_DFL)

    def note(signum, _):
        asked.signum = signum
        restore(signum)  # not the other: Ctrl-C reaches all workers, and then whoever started them sends SIGTERM

    for signum in before:
        signal.signal(signum, note)
    try:
        yield asked
    finally:
        restore(*before)
    if asked.signum is not None:
        signal.raise_signal(asked.signum)
