"""Prove a deployed model: its files are those that were made, and both formats give the same answers.

    python verify.py models/digits/1
    python verify.py models/digits/1 --manifest-sha256 2c26b46b68ffc68ff99b453c1d304134…

Knows only the folder, and trusts nothing in it. In this order: the manifest has the sum beside it, and the one that is
given; the files are those that the manifest lists, with their sums, and no others; SavedModel and ONNX files have only
operations that compute, and the inputs and outputs that the manifest says, and a tokenizer has their ids. Only then
are they run, in a process of their own: the SavedModel by TensorFlow's C library, the ONNX files by ONNX Runtime.
Neither Keras nor TensorFlow's Python is imported. Exit status: 0 all agrees, 1 something does not, 2 misuse.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from answers import BATCHES, output_name
from artifact import ArtifactError, content, digest, file_faults, read_manifest
from c_api import CApiError, library_path
from graphs import onnx_faults, saved_model_faults
from texts import TOKENIZER, text_input, tokenizer_faults

LARGEST_TOLERANCE = 1e-3  # of what a manifest may say of itself: 100 times what `deploy` allows


def main(arguments=None):
    """Parse, verify, print; return the exit status."""
    options = _parser().parse_args(arguments)
    directory = options.directory
    try:
        manifest = read_manifest(directory, options.manifest_sha256)
    except FileNotFoundError:
        print(f"{directory} is not a deployed model: it has no manifest.json.", file=sys.stderr)
        print("Give a version folder, such as models/digits/1.", file=sys.stderr)
        return 2
    except ArtifactError as error:
        return _report([str(error)])
    shown = "".join(
        x if x.isprintable() else "?"
        for x in f"{manifest['name']} version {manifest['version']}, made {manifest['created']}"
    )
    print(f"{shown}\nmanifest.json has the SHA-256 {digest(directory / 'manifest.json')}\n")
    try:
        faults = file_faults(directory, manifest) or contents(directory, manifest, options.allow)
    except (OSError, MemoryError, ArtifactError) as error:
        faults = [str(error) or type(error).__name__]
    tolerance = options.tolerance or manifest["tolerance"]
    if options.tolerance is None and tolerance > LARGEST_TOLERANCE:
        faults.append(
            f"the manifest allows differences of {tolerance:g}; if that is meant, say it: --tolerance {tolerance:g}"
        )
    if faults:
        return _report(faults)
    try:
        import onnxruntime  # noqa: F401

        library_path()
    except (ImportError, CApiError) as error:
        print(f"{error}\nInstall what it takes to run the model: pip install onnxruntime tensorflow", file=sys.stderr)
        return 2
    try:
        figures = answers(directory, options.seed, options.memory, options.timeout)
    except ArtifactError as error:
        return _report([str(error)])
    _print_table(figures, tolerance)
    return _report(disagreements(figures, manifest["signatures"], tolerance))


def contents(directory, manifest, allowed=()):
    """Return what files hold that they should not, printing a line for each; nothing is run.

    Args:
        directory: The version folder.
        manifest: Its manifest.
        allowed: Names of TensorFlow's operations to allow besides those that are known to only compute.
    """
    signatures, faults = manifest["signatures"], []
    found = {"saved_model.pb": saved_model_faults(content(directory, manifest, "saved_model.pb"), signatures, allowed)}
    for about in signatures.values():
        name = about["onnx"]
        found[name] = found.get(name, []) + onnx_faults(content(directory, manifest, name), about)
    if TOKENIZER in manifest["sha256"]:
        about = next((one for one in signatures.values() if text_input(one)), signatures["serving_default"])
        found[TOKENIZER] = tokenizer_faults(content(directory, manifest, TOKENIZER), about)
    for name, wrong in found.items():
        print(f"  {'FAILED ' if wrong else 'ok     '} content {name}")
        faults += [f"{name} {what}" for what in dict.fromkeys(wrong)]
    return faults


def answers(directory, seed, memory, timeout):
    """Return the differences of SavedModel and ONNX, by output and batch size, measured in another process.

    Args:
        directory: The version folder, after its files and their contents have been checked.
        seed: Of the random samples.
        memory: What the process may use, in GiB.
        timeout: How long it may take, in seconds.

    Raises:
        ArtifactError: If there is no answer.
    """
    command = [sys.executable, str(Path(__file__).with_name("answers.py")), str(directory), str(seed)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}  # a GPU's TF32 would differ from float32 by 1e-3
    try:
        done = subprocess.run(
            [*command, str(int(memory * 2**30))],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ArtifactError(f"the model has not answered within {timeout:g} s; --timeout sets another limit") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ArtifactError(f"the model cannot be run: {''.join(x for x in said if x.isprintable())[:1000]}")
    if not done.stdout.strip():
        raise ArtifactError("the model has not answered")
    found = json.loads(done.stdout.splitlines()[-1])
    return {(output, int(size)): value for output, sizes in found.items() for size, value in sizes.items()}


def disagreements(figures, signatures, tolerance):
    """Return a sentence for each output that differs by more than `tolerance`, or was not answered.

    Args:
        figures: What `answers` returned.
        signatures: The "signatures" of the manifest.
        tolerance: Largest difference that passes.
    """
    found = [f"{name} at batch {n} differs by {x:.1e}" for (name, n), x in figures.items() if not x <= tolerance]
    described = {output_name(name, output) for name, about in signatures.items() for output in about["outputs"]}
    return found + [
        f"{name} is in the signature but was not answered"
        for name in sorted(described)
        if not all((name, size) in figures for size in BATCHES)
    ]


def _parser():
    parser = argparse.ArgumentParser(description="Prove a deployed model: checksums, contents, equal answers.")
    parser.add_argument("directory", type=Path, help="a version folder, such as models/digits/1")
    parser.add_argument("--manifest-sha256", help="SHA-256 of manifest.json, kept from the deployment")
    parser.add_argument("--seed", type=int, default=0, help="of the random samples (default 0)")
    parser.add_argument(
        "--tolerance",
        type=_positive,
        help=f"largest difference (default: the manifest's, if at most {LARGEST_TOLERANCE:g})",
    )
    parser.add_argument("--allow", nargs="+", default=[], metavar="OP", help="TensorFlow operations to allow besides")
    parser.add_argument("--memory", type=_positive, default=8, help="what running it may take, in GiB (default 8)")
    parser.add_argument("--timeout", type=_positive, default=600, help="what running it may take, in s (default 600)")
    return parser


def _positive(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _print_table(figures, tolerance):
    outputs = sorted({output for output, _ in figures})
    width = max(len("SavedModel and ONNX"), *(len(output) for output in outputs))
    print(f"\n  {'SavedModel and ONNX':<{width}}" + "".join(f"  batch {size:>2}" for size in BATCHES))
    for output in outputs:
        cells = (figures.get((output, size), float("nan")) for size in BATCHES)
        print(f"  {output:<{width}}" + "".join(f"  {x:8.1e}" for x in cells))
    print(f"  (max|a-b| / max|a|; at most {tolerance:g} is equal)\n")


def _report(faults):
    for fault in faults:
        print(f"FAILED: {fault}")
    if not faults:
        print("Both formats agree.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
