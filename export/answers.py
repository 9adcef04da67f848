"""Compares the answers of a SavedModel and of ONNX files: the part of `verify.py` that runs them, in its own process.

    python answers.py DIRECTORY SEED MEMORY

Prints `{"SIGNATURE/OUTPUT": {"BATCH": difference}}` as JSON. What ends a process, or never ends, ends only this one.
"""

import json
import os
import sys

import numpy as np
from artifact import read_manifest
from c_api import Session
from random_samples import random_samples

__all__ = ["BATCHES", "compare", "difference", "output_name"]

BATCHES = (1, 2, 7, 32)


def compare(directory, signatures, seed):
    """Return max|a - b| / max|a| of SavedModel and ONNX on seeded random samples, by output and batch size.

    Args:
        directory: A version folder whose files have been checked.
        signatures: The "signatures" of its manifest.
        seed: Of the samples.
    """
    import onnxruntime

    figures = {}
    with Session(directory, signatures) as saved_model:
        for signature, about in signatures.items():
            path = os.path.join(directory, about["onnx"])
            onnx = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            names = [output.name for output in onnx.get_outputs()]
            is_open = any(entry["sizes"] for entry in about["inputs"].values())
            for size in BATCHES:
                for which in (0, 1) if is_open else (0,):
                    samples = random_samples(about["inputs"], size, seed, which)
                    expected = saved_model.run(samples, signature)
                    received = dict(zip(names, onnx.run(names, samples)))
                    for output in {**expected, **received}:
                        of = figures.setdefault(output_name(signature, output), {})
                        of[size] = max(difference(expected.get(output), received.get(output)), of.get(size, 0.0))
    return figures


def output_name(signature, output):
    """Return the name of an output in tables: those of other signatures than the default are `signature/output`."""
    return output if signature == "serving_default" else f"{signature}/{output}"


def difference(expected, received):
    """Return max|a - b| / max|a| over a whole array; infinite where either is missing, misshapen or not finite."""
    if expected is None or received is None or expected.shape != received.shape:
        return float("inf")
    if not (np.isfinite(expected).all() and np.isfinite(received).all()):
        return float("inf")
    a, b = np.float64(expected), np.float64(received)
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo("float32").tiny))


def main(directory, seed, memory):
    """Limit the memory of this process, compare, and print."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError):  # no such limit on this system, or a lower one is set already
        pass
    print(json.dumps(compare(directory, read_manifest(directory)["signatures"], int(seed))))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # whatever a runtime says of a file that it cannot use
        sys.exit(f"{type(error).__name__}: {error}")
