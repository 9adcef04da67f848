"""Processes on this machine that train as the workers of one cluster."""

import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from keras_ssl.errors import UserError

__all__ = ["launch"]

_LINES = 20  # of a failed worker's stderr, for the error
_GRACE = 5.0  # seconds for the others to end in when they are asked to


def launch(command, workers=2):
    """Run a command in several processes of this machine at once, as the workers of one cluster, and wait for them.

    Each finds in TF_CONFIG the addresses of all and its own number. What worker 0 writes is shown; of the others only
    the last lines of stderr are kept, for the error. They share the machine's cores and GPUs: where it has several
    GPUs, one process with `strategy("mirrored")` is what uses them.

    Args:
        command: List of words, of a program that calls `strategy("multiworker")`.
        workers: Number of processes. Default 2.

    Raises:
        UserError: If the command cannot be started, or as soon as a worker fails: with its number, its exit status and
            the last lines of its stderr. The others have been ended then.

    Example:
        `distribute.launch([sys.executable, "train.py"], workers=2)`
    """
    if workers < 1:
        raise UserError("at least one worker", str(workers), "give 1 or more")
    cluster = {"worker": [f"localhost:{port}" for port in _free_ports(workers)]}
    started: list[_Worker] = []
    try:
        for index in range(workers):
            started.append(_Worker(command, cluster, index))
        while not any(statuses := [worker.poll() for worker in started]) and None in statuses:
            time.sleep(0.1)
    except OSError as error:
        raise UserError(
            "a command that can be started", f"{command[0]!r} ({error.strerror})", "give the path of a program"
        ) from error
    finally:
        _end(started)
    if any(statuses):
        failed = next(worker for worker, status in zip(started, statuses) if status)
        raise UserError("workers that end without an error", failed.last_words(), "mend that, and start all again")


class _Worker(subprocess.Popen):
    """A process, and the last lines that it wrote to stderr."""

    def __init__(self, command, cluster, index):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        super().__init__(
            command,
            env=os.environ | {"TF_CONFIG": json.dumps(config)},
            stdout=None if index == 0 else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.index = index
        self.lines: collections.deque[str] = collections.deque(maxlen=_LINES)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.stderr or ():
            self.lines.append(line)
            if self.index == 0:
                sys.stderr.write(line)

    def last_words(self):
        """Say how it ended, and what it wrote before."""
        how = f"status {self.returncode}" if self.returncode > 0 else signal.Signals(-self.returncode).name
        wrote = "".join(self.lines).strip().removesuffix(".")
        return f"{how} of worker {self.index}" + (f", which wrote at last:\n{wrote}" if wrote else "")


def _end(processes):
    """End those that run: ask, then kill. And read what they wrote to the end."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.wait()
        process.reader.join(1.0)  # not for ever: a process that it started may hold stderr


def _free_ports(count):
    """Ports of localhost that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("localhost", 0))
        return [probe.getsockname()[1] for probe in probes]
