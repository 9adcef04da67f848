"""Files of arrays: `.npz`, of any kind of data."""

import pathlib
import zipfile
from typing import Any

import numpy as np

from keras_ssl.data.readers.split_folders import split_file
from keras_ssl.data.source import Source, from_arrays
from keras_ssl.errors import UserError
from keras_ssl.specs import KINDS
from keras_ssl.typing import Path

__all__ = ["array_file", "load_arrays"]

_LABELS = "labels"


def array_file(path: Path, split: str = "train") -> pathlib.Path | None:
    """Return the `.npz` file of a split: the path itself, or `<split>.npz` in a folder; None if there is none.

    Args:
        path: Path of a file or folder.
        split: Name of the split.

    Raises:
        UserError: If the folder has `.npz` files of other splits only, or a single file is asked for another split.
    """
    return split_file(pathlib.Path(path).expanduser(), split, (".npz",))


def load_arrays(file: Path, kind: Any = None) -> Source:
    """Load the samples of an `.npz` file into memory.

    Args:
        file: Path of the file. The array "labels", if there is one, holds class numbers. The other arrays are the
            samples: a single one of any name, or several by the names of a model's inputs.
        kind: See `from_arrays`.

    Returns:
        A `Source`.

    Raises:
        UserError: If it cannot be read, has no samples, or they do not fit each other.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError("an .npz file of arrays", f"{file}: {error}", "write it with `numpy.savez`") from error
    labels = arrays.pop(_LABELS, None)
    if not arrays:
        raise UserError(f"arrays of samples in {file}", f"none beside {_LABELS}", "write `numpy.savez(file, ids=…)`")
    if len(arrays) > 1:
        return from_arrays(arrays, labels, name=str(file), kind=kind)
    ((name, samples),) = arrays.items()
    return from_arrays(samples, labels, name=str(file), kind=kind or (name if name in KINDS else None))
