"""Training with several worker processes on this machine."""

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

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["launch"]

_LINES = 20  # of a failed worker's stderr, shown in the error
_GRACE = 5.0  # seconds between asking the other workers to end and killing them


def launch(command: list[str], workers: int = 2) -> None:
    """Run a command in several processes on this machine, as the workers of one cluster, and wait for them.

    TF_CONFIG gives each process the addresses of all workers and its own index. The output of worker 0 is shown; of the
    other workers only the last lines of stderr are kept, for the error. All workers share the machine's cores and GPUs:
    to use several GPUs, run one process with `strategy("mirrored")` instead.

    Args:
        command: Program and arguments; the program must call `strategy("multiworker")`.
        workers: Number of processes. Default: 2.

    Raises:
        UserError: If the command cannot be started; or as soon as a worker fails, after ending the other workers. The
            message has the failed worker's index, exit status and last lines of stderr.

    Example:
        `distribute.launch([sys.executable, "train.py"], workers=2)`
    """
    check_between("workers", workers, least=1, whole=True)
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
        raise UserError(
            "workers that end without an error", failed.last_words(), "fix this error, and start all workers again"
        )


class _Worker(subprocess.Popen):
    """A process and the last lines of its stderr."""

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
        """Describe how the process ended and what it last wrote to stderr."""
        how = f"status {self.returncode}" if self.returncode > 0 else signal.Signals(-self.returncode).name
        wrote = "".join(self.lines).strip().removesuffix(".")
        return f"{how} of worker {self.index}" + (f", which wrote at last:\n{wrote}" if wrote else "")


def _end(processes):
    """End all running processes: terminate them, then kill them; and read the rest of their stderr."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.wait()
        process.reader.join(1.0)  # with a timeout: its own child processes may keep stderr open


def _free_ports(count):
    """Return ports of localhost that are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("localhost", 0))
        return [probe.getsockname()[1] for probe in probes]
