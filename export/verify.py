"""Prove a deployed model: its files are those that were made, and both formats give the same answers.

    python verify.py models/digits/1

Knows only the folder: SHA-256 sums and signature come from its `manifest.json`, the SavedModel is answered through
TensorFlow's C library and the ONNX file by ONNX Runtime. Neither Keras nor TensorFlow's Python is imported.
Exit status: 0 all agrees, 1 something does not, 2 misuse.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
from c_api import CApiError, Session, library_path
from random_samples import random_samples

BATCHES = (1, 2, 7, 32)


def main(arguments=None):
    """Parse, verify, print; return the exit status."""
    parser = argparse.ArgumentParser(description="Prove a deployed model: checksums, signature, equal answers.")
    parser.add_argument("directory", type=Path, help="a version folder, such as models/digits/1")
    parser.add_argument("--seed", type=int, default=0, help="of the random samples (default 0)")
    options = parser.parse_args(arguments)
    try:
        manifest = json.loads((options.directory / "manifest.json").read_text(encoding="utf-8"))
        tolerance, described = manifest["tolerance"], outputs_of(manifest["signatures"])
        print(f"{manifest['name']} version {manifest['version']}, made {manifest['created']}\n")
        changed = check_files(options.directory, manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{options.directory} is not a deployed model ({type(error).__name__}: {error}).", file=sys.stderr)
        print("Give a version folder, such as models/digits/1, that has a manifest.json.", file=sys.stderr)
        return 2
    if changed:
        return _report([f"{name} {what}" for name, what in changed.items()])
    try:
        import onnxruntime  # noqa: F401

        library_path()
    except (ImportError, CApiError) as error:
        print(f"{error}\nInstall what it takes to run the model: pip install onnxruntime tensorflow", file=sys.stderr)
        return 2
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # a GPU's TF32 would differ from float32 by 1e-3
    try:
        figures = compare(options.directory, manifest, options.seed)
    except Exception as error:  # whatever a runtime says of a file that it cannot use
        return _report([f"{type(error).__name__}: {error}"])
    _print_table(figures, tolerance)
    faults = [
        f"{output} at batch {size} differs by {x:.1e}" for (output, size), x in figures.items() if not x <= tolerance
    ]
    missing = sorted(described - {output for output, _ in figures})
    return _report(faults + [f"{name} is in the signature but was not answered" for name in missing])


def check_files(directory, sums):
    """Return what is wrong with each file whose SHA-256 is not the one in `sums`, printing a line for each file."""
    wrong = {}
    for name, expected in sums.items():
        path = directory / name
        if not path.is_file():
            wrong[name] = "is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            wrong[name] = "has changed since it was deployed"
        print(f"  {'ok     ' if name not in wrong else 'FAILED '} sha256  {name}")
    return wrong


def outputs_of(signatures):
    """Return the names of all outputs: those of other signatures than the default are `signature/output`."""
    return {_name(signature, output) for signature, about in signatures.items() for output in about["outputs"]}


def compare(directory, manifest, seed):
    """Return max|a - b| / max|a| of SavedModel and ONNX for every (output, batch size), on seeded random samples."""
    import onnxruntime

    figures = {}
    with Session(directory) as saved_model:
        for signature, about in manifest["signatures"].items():
            onnx = onnxruntime.InferenceSession(str(directory / about["onnx"]), providers=["CPUExecutionProvider"])
            names = [output.name for output in onnx.get_outputs()]
            is_open = any(entry["sizes"] for entry in about["inputs"].values())
            for size in BATCHES:
                for which in (0, 1) if is_open else (0,):
                    samples = random_samples(about["inputs"], size, seed, which)
                    expected = saved_model.run(samples, signature)
                    received = dict(zip(names, onnx.run(names, samples)))
                    for output in {**expected, **received}:
                        key = (_name(signature, output), size)
                        value = difference(expected.get(output), received.get(output))
                        figures[key] = max(value, figures.get(key, 0.0))
    return figures


def _name(signature, output):
    return output if signature == "serving_default" else f"{signature}/{output}"


def difference(expected, received):
    """Return max|a - b| / max|a| over a whole array; infinite where either is missing, misshapen or not finite."""
    if expected is None or received is None or expected.shape != received.shape:
        return float("inf")
    if not (np.isfinite(expected).all() and np.isfinite(received).all()):
        return float("inf")
    a, b = np.float64(expected), np.float64(received)
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo("float32").tiny))


def _print_table(figures, tolerance):
    outputs = sorted({output for output, _ in figures})
    width = max(len("SavedModel and ONNX"), *(len(output) for output in outputs))
    print(f"\n  {'SavedModel and ONNX':<{width}}" + "".join(f"  batch {size:>2}" for size in BATCHES))
    for output in outputs:
        print(f"  {output:<{width}}" + "".join(f"  {figures[output, size]:8.1e}" for size in BATCHES))
    print(f"  (max|a-b| / max|a|; at most {tolerance:g} is equal)\n")


def _report(faults):
    for fault in faults:
        print(f"FAILED: {fault}")
    if not faults:
        print("Both formats agree.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
