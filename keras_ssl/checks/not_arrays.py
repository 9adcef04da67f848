"""What people have in place of an array, and how they get the array."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["described", "instead_of_array"]


def described(x: Any) -> str:
    """Return what `x` is, in words for an error.

    Args:
        x: Any object.
    """
    if x is None or isinstance(x, (str, os.PathLike)):
        return repr(x) if x is None else f"'{x}'"
    if isinstance(x, (list, tuple)):
        return f"a {type(x).__name__} of {', '.join(sorted({type(part).__name__ for part in x})) or 'nothing'}"
    array = np.asarray(x) if isinstance(x, np.ndarray | np.generic) else None
    return f"a {type(x).__name__}" + ("" if array is None else f" of dtype {array.dtype}, shape {array.shape}")


def instead_of_array(x: Any, strings: bool = False) -> str | None:
    """Return how to make an array of `x`, as an imperative sentence, or None if it may be one.

    Args:
        x: What was given in place of an array.
        strings: Whether a list of strings is an array. Default: False.
    """
    if isinstance(x, (str, os.PathLike)):
        return f"load it: `data.load('{x}')`"
    if hasattr(x, "element_spec"):
        return _of_data_set(x)
    if hasattr(x, "row_splits"):
        return "pad its rows to one length: `x.to_tensor()`; 0 is padding in ids"
    if hasattr(x, "dense_shape"):
        return "make it dense: `tf.sparse.to_dense(x)`"
    if hasattr(x, "rows") and hasattr(x, "specs"):
        return "give `source.inputs()`, its samples as arrays"
    if isinstance(x, Iterator) or hasattr(x, "num_batches"):
        return "collect its samples: `np.stack(list(samples))`, or `np.concatenate` if they come in batches"
    parts = x if isinstance(x, (list, tuple)) else ()
    if parts and all(isinstance(part, os.PathLike if strings else (str, os.PathLike)) for part in parts):
        return (
            "load their folder: `data.load(folder)`; or give `data.Source(data.Files(paths, decode), kinds='image')`,"
            " where `decode(path)` returns the array of one file"
        )
    if isinstance(x, tuple) and len({getattr(part, "ndim", None) for part in parts} - {None}) > 1:
        return "give samples and labels apart: `data.from_arrays(samples, labels)`"
    return None


def _of_data_set(dataset):
    """How to make arrays of a `tf.data.Dataset`."""
    paths = getattr(dataset, "file_paths", None)  # `keras.utils.image_dataset_from_directory` and its like
    if paths:
        folder = os.path.commonpath([str(pathlib.Path(path).parent) for path in paths])
        return f"load its folder: `data.load('{folder}')`"
    fit = "`fit` takes data sets; here"
    if isinstance(dataset.element_spec, (tuple, list)):
        return (
            f"{fit}, collect its samples: `samples, labels = map(np.stack, zip(*dataset.as_numpy_iterator()))` (with "
            "`np.concatenate` if they come in batches) and `data.from_arrays(samples, labels)`; sets of TensorFlow "
            "Datasets load by name: `data.load('mnist')`"
        )
    key = "['image']" if isinstance(dataset.element_spec, dict) else ""
    return (
        f"{fit}, collect its samples: `np.stack([x{key} for x in dataset.as_numpy_iterator()])` (`np.concatenate` if "
        "they come in batches); sets of TensorFlow Datasets load by name: `data.load('mnist')`"
    )
