"""Samples of a client: read from a file without trusting it, and compared with what the manifest says.

from samples import check_samples, read_samples
"""

import math
import os
import zipfile
from pathlib import Path

import numpy as np

__all__ = ["SamplesError", "check_samples", "classes_of", "read_samples"]

LARGEST = 1 << 31  # bytes


class SamplesError(ValueError):
    """Samples cannot be read, or are not what the model takes."""


def read_samples(path):
    """Return the array of a .npy file, or the dict of arrays of an .npz file.

    Args:
        path: Path of the file. Objects in it, which are pickles and could run anything, are not read.

    Raises:
        SamplesError: If it is none, or larger than 2 GiB when it is unpacked.
    """
    path = Path(path)
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise SamplesError(f"{path} is no file")
        with open(path, "rb") as file:
            start = file.read(6)
            file.seek(0)
            if start == np.lib.format.MAGIC_PREFIX:
                return _array(file, os.path.getsize(path), path)
            if start[:2] == b"PK":
                return _arrays(file, path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, MemoryError) as error:
        raise SamplesError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    raise SamplesError(
        f"{path} is no .npy or .npz file. Read pictures with another library, resize them to what the model takes, and "
        "save them by np.save"
    )


def _arrays(file, path):
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise SamplesError(f"{path} is larger than {LARGEST} bytes when it is unpacked")
        samples = {}
        for entry in entries:
            with archive.open(entry) as member:
                samples[entry.filename.removesuffix(".npy")] = _array(
                    member, entry.file_size, f"{entry.filename} of {path}"
                )
        return samples


def _array(file, size, name):
    """An array, after its header has been compared with the size of the file."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(file)
        wanted = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise SamplesError(f"{name} holds objects of Python, not numbers")
        if wanted > LARGEST or wanted > size or any(n < 0 for n in shape):
            raise SamplesError(f"{name} says that it holds {wanted} bytes, and has {size}")
        data = file.read(wanted)
        if len(data) < wanted:
            raise SamplesError(f"{name} is cut off")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    except SamplesError:
        raise
    except Exception as error:  # of NumPy's reader, whatever it meets
        raise SamplesError(f"{name} is no array: {error}") from error


def check_samples(samples, inputs):
    """Return a dict of arrays that a model takes, after comparing them with the manifest.

    Args:
        samples: Array, if there is one input, or a dict of arrays by name.
        inputs: The "inputs" of a signature in the manifest.

    Raises:
        SamplesError: If names, dtype, shape or range differ, a value is not finite, or there are no samples.
    """
    samples = (
        samples if isinstance(samples, dict) else {next(iter(inputs)): samples} if len(inputs) == 1 else {"": samples}
    )
    if set(samples) != set(inputs):
        received = ", ".join(map(str, samples)) if "" not in samples else "one array"
        raise SamplesError(f"the model takes {', '.join(inputs)}, and received {received}")
    found = {name: np.asarray(samples[name]) for name in inputs}
    for name, array in found.items():
        _check_form(name, array, inputs[name])
        _check_values(name, array, inputs[name])
    if len({len(array) for array in found.values()}) > 1:
        counts = ", ".join(f"{len(array)} of {name}" for name, array in found.items())
        raise SamplesError(f"the model takes as many samples of each input, and received {counts}")
    return found


def _check_form(name, array, about):
    wanted, shape = about["dtype"], ["any" if size is None else size for size in about["shape"]]
    if array.dtype != wanted:
        raise SamplesError(f"the model takes {name} as {wanted}{_values(about)}, and received {array.dtype}")
    fits = array.ndim == len(shape) and all(want in ("any", size) for want, size in zip(shape, array.shape))
    if not fits:
        hint = ": one sample needs an axis for the batch, x[None]" if array.ndim == len(shape) - 1 else ""
        raise SamplesError(f"the model takes {name} of shape {tuple(shape)}, and received {array.shape}{hint}")
    if not array.size:
        raise SamplesError(f"the model takes at least one sample, and received {name} of shape {array.shape}")


def _check_values(name, array, about):
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SamplesError(
            f"the model takes finite numbers, and received {name} with {_first(array, ~np.isfinite(array))}"
        )
    low, high = about["range"] or (None, None)
    outside = np.zeros(array.shape, bool)
    slack = 1e-6 * max(abs(low or 0), abs(high or 0), 1) if array.dtype.kind == "f" else 0
    outside |= False if low is None else array < low - slack
    outside |= False if high is None else array > high + slack
    if outside.any():
        bytes_ = (low, high) == (0, 1) and array.min() >= 0 and 1 < array.max() <= 255
        hint = ": divide by 255" if bytes_ else ""
        raise SamplesError(f"the model takes {name}{_values(about)}, and received {_first(array, outside)}{hint}")


def _values(about):
    bounds = ["" if bound is None else f"{bound:g}" for bound in about["range"] or (None, None)]
    return f" in {bounds[0]}..{bounds[1]}" if any(bounds) else ""


def _first(array, which):
    index = tuple(int(k) for k in np.argwhere(which)[0])
    return f"{array[index]:g} at index {index}"


def classes_of(outputs, names=None):
    """Return the class of each sample, its name if there are `names`; None if the outputs have no classes.

    Args:
        outputs: Dict of arrays by name.
        names: Names of the classes.
    """
    scores = outputs.get("probabilities", outputs.get("logits"))
    if scores is None or scores.ndim < 2:
        return None
    classes = scores.argmax(-1)
    return np.asarray(names)[classes].tolist() if names else classes.tolist()
