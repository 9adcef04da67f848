"""The peak of a process's memory."""

import pathlib
import re
import resource

__all__ = ["peak_gib"]


def peak_gib():
    """Return the peak of this process's memory in GiB.

    On Linux from /proc: `getrusage` of a process that another one started begins with the peak of that one.
    """
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
