"""Damaged files, killed processes, full disks and hostile files: each must be refused or survived.

    python -m benchmarks.faults
    python -m benchmarks.faults runs          # the rows of one module; those of the others stay as they are

Each module of this package has a function `rows(progress)`, which returns a list of dicts: what was "tried", its
"count", how many were "refused", "survived" and "wrong", and how many files were "left over". `progress` is called with
a sentence now and then. The result goes to `benchmarks/results/faults.json` and into docs/faults.md.
"""

import importlib
import time

COLUMNS = ("tried", "count", "refused", "survived", "wrong", "left over")


def measured(name):
    """The rows of a module. They may fork: nothing of TensorFlow has run in this process."""
    start = time.monotonic()

    def progress(sentence):
        print(f"{time.monotonic() - start:5.0f} s  {name}: {sentence}", flush=True)

    return importlib.import_module(f"benchmarks.faults.{name}").rows(progress)


def section(result):
    """The table."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    rows = [row for name in sorted(result["rows"]) for row in result["rows"][name]]
    lines += [f"| {' | '.join(str(row[column]) for column in COLUMNS)} |" for row in rows]
    count, wrong, left = (sum(row[column] for row in rows) for column in ("count", "wrong", "left over"))
    return "\n".join(
        [
            *lines,
            "",
            f"Wrong are {wrong} of {count:,}, and {left} files were left over",
            f"({result['machine']}; `python -m benchmarks.faults`).",
        ]
    )
