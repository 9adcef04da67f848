"""Writing the representations of a data set."""

import pathlib

import keras
import numpy as np

from keras_ssl.data import Source
from keras_ssl.evaluate import embed
from keras_ssl.files import whole_file
from keras_ssl.typing import Path, Progress

__all__ = ["write_embeddings"]


def write_embeddings(encoder: keras.Model, source: Source, path: Path, progress: Progress | None = None) -> np.ndarray:
    """Write the representations of a data set as an `.npz` file with the arrays "embedding" and, if any, "labels".

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
    with whole_file(pathlib.Path(path)) as beside:
        if source.labels is None:
            np.savez(beside, embedding=h)
        else:
            np.savez(beside, embedding=h, labels=source.labels)
    return h
