"""Runs the modules of this package, each in a process of its own, and writes the table."""

import concurrent.futures
import multiprocessing
import os
import platform
import sys

from benchmarks import faults, pages

MODULES = ("artifacts", "runs")


def main():
    """Measure the modules that are named, or all, and write the table."""
    names = sys.argv[1:] or MODULES
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["PYTHONWARNINGS"] = "ignore"
    file = pages.RESULTS / "faults.json"
    rows = pages.load("faults")["rows"] if file.exists() else {}
    for name in names:
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            rows[name] = pool.submit(faults.measured, name).result()
    versions = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    result = {"rows": rows, "machine": f"{os.cpu_count()} cores, {versions}"}
    pages.publish("faults", result)
    print(faults.section(result))


if __name__ == "__main__":
    main()
