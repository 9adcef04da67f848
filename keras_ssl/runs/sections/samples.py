"""The samples that a report shows."""

import numpy as np

from keras_ssl.data import Source
from keras_ssl.specs import Spec

__all__ = ["pictures_or_texts", "places", "some"]


def places(source: Source, count: int) -> np.ndarray:
    """Return at most `count` indices at even distances: the first samples may all be of one class.

    Args:
        source: `data.Source`.
        count: Largest number of samples.
    """
    return np.linspace(0, len(source) - 1, min(count, len(source))).astype(int)


def some(source: Source, count: int) -> Source:
    """Return the samples at `places(source, count)`.

    Args:
        source: `data.Source`.
        count: Largest number of samples.
    """
    return source[places(source, count)]


def pictures_or_texts(source: Source) -> np.ndarray | list[str] | None:
    """Return images, or the texts that ids stand for, as `figures.plots.nearest` takes them; None for other samples.

    Args:
        source: `data.Source`.
    """
    if not isinstance(source.specs, Spec) or not len(source):
        return None
    if source.kind == "image":
        return np.asarray(source.inputs())
    if source.kind == "ids" and source.tokenizer is not None:
        return [source.tokenizer.text(row[row != 0]) for row in np.asarray(source.inputs())]
    return None
