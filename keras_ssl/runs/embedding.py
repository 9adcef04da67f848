"""Writing the representations of a data set."""

import pathlib
from typing import Any

import keras
import numpy as np

from keras_ssl.data import Source
from keras_ssl.evaluate import embed
from keras_ssl.files import whole_file
from keras_ssl.typing import Path, Progress

__all__ = ["write_embeddings"]


def write_embeddings(encoder: keras.Model, source: Source, path: Path, progress: Progress | None = None) -> np.ndarray:
    """Write the representations of a data set as an `.npz` file.

    Its arrays are "embedding"; "labels" and "class_names" if there are any; and "path", the file of each image,
    recording or clip that comes from one.

    Args:
        encoder: `keras.Model` or objective.
        source: `data.Source`.
        path: Path that ends with `.npz`, whose missing folders are made. An existing file is replaced.
        progress: Called as `progress(done, total)` after each batch, or None.

    Returns:
        The representations, a float32 array `(n, d)`.

    Raises:
        UserError: If the images do not fit the encoder.
    """
    h = embed(encoder, source, progress=progress)
    known: dict[str, Any] = {
        "labels": source.labels,
        "class_names": source.class_names,
        "path": (source.columns or {}).get("path"),
    }
    arrays: dict[str, Any] = {name: np.asarray(values) for name, values in known.items() if values is not None}
    # as strings: arrays of objects load with pickle alone
    arrays = {name: values.astype(str) if values.dtype == object else values for name, values in arrays.items()}
    with whole_file(pathlib.Path(path)) as beside:
        np.savez(beside, embedding=h, **arrays)
    return h
