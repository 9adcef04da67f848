"""A version folder, read without trusting it: its manifest, and that its files are those of the manifest.

    from artifact import content, file_faults, read_manifest
    manifest = read_manifest("models/digits/1")

`manifest.sha256` is the SHA-256 of `manifest.json`, which has those of all other files. They show damage. Whoever may
write in the folder can change all of them together: only a sum that was kept elsewhere shows that.
"""

import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path

__all__ = ["ArtifactError", "content", "digest", "file_faults", "read_manifest"]

NAMES = r"[A-Za-z]\w*"
FILES = re.compile(
    r"saved_model\.pb|fingerprint\.pb|variables/variables\.(index|data-\d{5}-of-\d{5})"
    rf"|tokenizer\.json|{NAMES}\.onnx",
    re.A,
)
FOLDERS = {"variables", "assets"}  # TensorFlow makes the second, empty
UNLISTED = {"manifest.json", "manifest.sha256"}
DTYPES = {"bool", "float16", "float32", "float64"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}
LARGEST_MANIFEST = 1 << 24  # bytes
LARGEST_SAMPLE = 1 << 25  # numbers


class ArtifactError(ValueError):
    """A version folder is not what its manifest says, or the manifest is none."""


def read_manifest(directory, sha256=None):
    """Return the manifest of a version folder, a dict.

    Args:
        directory: A version folder, such as `models/digits/1`.
        sha256: The SHA-256 that `manifest.json` must have, kept from the deployment. Default: only that in
            `manifest.sha256` beside it.

    Raises:
        FileNotFoundError: If there is none.
        ArtifactError: If it has another sum, or does not describe a model.
    """
    path = Path(directory) / "manifest.json"
    if not path.exists():
        raise FileNotFoundError(f"{directory} has no manifest.json")
    data = _read(path, LARGEST_MANIFEST)
    received = hashlib.sha256(data).hexdigest()
    if sha256 is not None and received != sha256.strip().lower():
        raise ArtifactError(f"manifest.json has the SHA-256 {received}, not {sha256}")
    if _read(path.with_name("manifest.sha256"), 1000) != f"{received}  manifest.json\n".encode():
        raise ArtifactError("manifest.json has changed since it was deployed: manifest.sha256 has another sum")
    try:
        manifest = json.loads(data, object_pairs_hook=_without_twins, parse_constant=_no_constant)
        _check(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ArtifactError(f"manifest.json does not describe a deployed model: {reason}") from error
    return manifest


def content(directory, manifest, name):
    """Return the bytes of a file of a version folder, if they have the sum in the manifest.

    Args:
        directory: The version folder.
        manifest: What `read_manifest` returned.
        name: Name of the file.

    Raises:
        ArtifactError: If the file is missing or has changed.
    """
    data = _read(Path(directory) / name, 1 << 31)  # neither protobuf nor ONNX reads more
    if hashlib.sha256(data).hexdigest() != manifest["sha256"].get(name):
        raise ArtifactError(f"{name} has changed since it was deployed")
    return data


def digest(path):
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def file_faults(directory, manifest, say=print):
    """Return what is wrong with the files of a version folder, as sentences, and say a line for each file.

    They must be those that the manifest lists, with the sums that it lists, and no others; links are refused.

    Args:
        directory: The version folder.
        manifest: What `read_manifest` returned.
        say: Function that prints a line.
    """
    directory, sums, faults = Path(directory), manifest["sha256"], []
    there, strange = _walk(directory)
    faults += [f"{name} {what}" for name, what in strange.items()]
    faults += [f"{name} is there, but not in the manifest" for name in sorted(there - set(sums) - UNLISTED)]
    for name, expected in sums.items():
        if name in strange:
            continue
        right = name in there and digest(directory / name) == expected
        say(f"  {'ok     ' if right else 'FAILED '} sha256  {name}")
        if not right:
            faults.append(f"{name} " + ("has changed since it was deployed" if name in there else "is missing"))
    return faults


def _walk(directory, below=""):
    """Names of the regular files under a folder, and what else is there that should not be."""
    files, strange = set(), {}
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        name = below + entry.name
        if entry.is_symlink():
            strange[name] = "is a link"
        elif entry.is_dir(follow_symlinks=False):
            if name not in FOLDERS:
                strange[name] = "is a folder that a deployed model does not have"
                continue
            inner, others = _walk(entry.path, f"{name}/")
            files |= inner
            strange.update(others)
        elif entry.is_file(follow_symlinks=False):
            files.add(name)
        else:
            strange[name] = "is no regular file"
    return files, strange


def _read(path, largest):
    """The bytes of a regular file. A link, or a pipe that would wait for ever, is refused."""
    try:
        about = os.lstat(path)
        if not stat.S_ISREG(about.st_mode):
            raise ArtifactError(f"{path.name} is no regular file")
        if about.st_size > largest:
            raise ArtifactError(f"{path.name} has {about.st_size} bytes, more than {largest}")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path.name} cannot be read: {error.strerror}") from error


def _without_twins(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key that is there twice")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(f"the number {name}")


def _need(right, what):
    if not right:
        raise ValueError(f"{what} is not as `deploy` writes it")


def _check(manifest):
    """Raise unless a manifest is of the form that `deploy` writes, so that nothing after this need ask again."""
    for key in ("name", "created"):
        _need(isinstance(manifest[key], str), key)
    _need(_is_count(manifest["version"]) and manifest["version"] > 0, "version")
    _need(_is_number(manifest["tolerance"]) and manifest["tolerance"] > 0, "tolerance")
    signatures, sums = manifest["signatures"], manifest["sha256"]
    _need("serving_default" in signatures, "signatures")
    for name, about in signatures.items():
        _need(re.fullmatch(NAMES, name, re.A), "signatures")
        _need({"inputs", "outputs", "onnx"} <= set(about) and about["outputs"], f"signature {name}")
        for side in ("inputs", "outputs"):
            for key, entry in about[side].items():
                _need(re.fullmatch(NAMES, key, re.A), f"{side} of {name}")
                _check_entry(key, entry)
        for key, entry in about["inputs"].items():
            sized = zip(entry["axes"][1:], entry["shape"][1:])
            _need(all(size or axis in entry["sizes"] for axis, size in sized), f"sizes of {key}")
            longest = entry.get("longest")
            _need(longest is None or (_is_count(longest) and longest > 0), f"longest of {key}")
    default = signatures["serving_default"]
    _need(manifest["signature"] == {side: default[side] for side in ("inputs", "outputs")}, "signature")
    _need(manifest["value_range"] == {key: entry["range"] for key, entry in default["inputs"].items()}, "value_range")
    _check_classes(manifest["class_names"], default["outputs"])
    for name, expected in sums.items():
        _need(FILES.fullmatch(name), f"file {name!r} of sha256")
        _need(isinstance(expected, str) and re.fullmatch(r"[0-9a-f]{64}", expected), f"sha256 of {name}")
    onnx = {about["onnx"] for about in signatures.values()}
    _need({name for name in sums if name.endswith(".onnx")} == onnx, "list of ONNX files in sha256")
    _need("saved_model.pb" in sums, "list of files in sha256")


def _check_entry(name, entry):
    shape, axes, sizes = entry["shape"], entry["axes"], entry["sizes"]
    _need(entry["dtype"] in DTYPES, f"dtype of {name}")
    _need(
        isinstance(entry["tensor"], str) and re.fullmatch(r"[\w./>-]+:\d{1,4}", entry["tensor"], re.A),
        f"tensor of {name}",
    )
    _need(len(shape) <= 8 and all(size is None or _is_count(size) for size in shape), f"shape of {name}")
    _need(
        len(axes) == len(shape) and all(isinstance(a, str) and re.fullmatch(NAMES, a, re.A) for a in axes),
        f"axes of {name}",
    )
    _need(
        all(len(pair) == 2 and all(_is_count(x) and x > 0 for x in pair) for pair in sizes.values()), f"sizes of {name}"
    )
    bounds = entry["range"]
    if bounds is not None:
        low, high = bounds
        _need(all(x is None or _is_number(x) for x in bounds), f"range of {name}")
        _need(None in bounds or low <= high, f"range of {name}")
    for which in (0, 1):
        sample = [size or sizes.get(axis, (1, 1))[which] for axis, size in zip(axes[1:], shape[1:])]
        _need(
            math.prod(sample) <= LARGEST_SAMPLE, f"shape of {name}, with more than {LARGEST_SAMPLE} numbers a sample,"
        )


def _check_classes(names, outputs):
    if names is None:
        return
    widths = {outputs[key]["shape"][-1] for key in ("probabilities", "logits") if key in outputs}
    _need(isinstance(names, list) and {len(names)} == widths, "class_names")
    _need(all(isinstance(name, str) for name in names), "class_names")


def _is_count(x):
    return isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 1 << 40


def _is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) and abs(x) < 1e300
