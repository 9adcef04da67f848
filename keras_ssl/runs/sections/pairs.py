"""Sections about images and texts that find each other."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl.data import Source
from keras_ssl.figures import plots, report

__all__ = ["of_pairs", "pictures_of"]

_SHOWN, _NEAREST = 6, 5  # queries, and answers to each


def of_pairs(source: Source, embedded: Callable[[], tuple[np.ndarray, np.ndarray]], split: str) -> list[report.Section]:
    """Return which texts are nearest to some pictures, and which pictures to some texts.

    Args:
        source: `data.Source` that `data.pairs` returned.
        embedded: Function that returns the unit vectors of all images and of all texts, as `evaluate.embed_pairs` does.
        split: Which samples these are, in words.
    """
    words: Any = (source.columns or {})["text"]
    first, texts_of = pictures_of(source)
    some = np.linspace(0, len(first) - 1, min(_SHOWN, len(first))).astype(int)
    asked = first[some]

    def nearest_texts():
        images, texts = embedded()
        different, rows = np.unique(words.astype(str), return_index=True)  # a text that many have is shown once
        right = np.array([[one in texts_of[picture] for one in different] for picture in some])
        similarity = images[asked] @ texts[rows].T
        return plots.nearest(_decoded(source, asked), similarity, different, right, words[asked], count=_NEAREST)

    def nearest_images():
        images, texts = embedded()
        similarity = texts[asked] @ images[first].T
        near = np.unique(np.argsort(-similarity, axis=1)[:, :_NEAREST])  # only these are decoded
        right = np.array([[one in texts_of[picture] for picture in near] for one in words[asked]])
        return plots.nearest(words[asked], similarity[:, near], _decoded(source, first[near]), right, count=_NEAREST)

    return [
        report.Section(
            "Texts nearest to pictures",
            f"Some {split} pictures with their texts below, each beside the texts nearest to it, with the cosines. "
            "Right ones are ticked.",
            nearest_texts,
        ),
        report.Section(
            "Pictures nearest to texts",
            f"Some {split} texts, each beside the pictures nearest to it, with the cosines. Right ones are ticked.",
            nearest_images,
        ),
    ]


def pictures_of(source: Source) -> tuple[np.ndarray, list[set[str]]]:
    """Return in which row each different picture is first, and the texts that it has.

    Args:
        source: `data.Source` that `data.pairs` returned.
    """
    columns: Any = source.columns
    _, first, owner = np.unique(columns["picture"], return_index=True, return_inverse=True)
    texts_of: list[set[str]] = [set() for _ in first]
    for picture, words in zip(owner, columns["text"]):
        texts_of[picture].add(words)
    return first, texts_of


def _decoded(source, rows):
    return source[rows].inputs()["image"]
