"""Sections about what an encoder sees."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ssl import networks
from keras_ssl.data import Source
from keras_ssl.evaluate import embed
from keras_ssl.figures import plots, report
from keras_ssl.runs.sections.samples import pictures_or_texts, places, some

__all__ = ["of_encoder", "of_neighbors"]

_POINTS, _QUERIES = 500, 6


def of_encoder(encoder: keras.Model, test: Source, embedded: Callable[[], np.ndarray]) -> list[report.Section]:
    """Return maps of the representations of labeled samples before and after pretraining, and their neighbors.

    Args:
        encoder: `keras.Model` or objective.
        test: Labeled `data.Source`.
        embedded: Function that returns the representations of all of `test`, as `evaluate.embed` does.
    """
    shown = some(test, _POINTS)

    def of_shown():
        return embedded()[places(test, _POINTS)]

    def maps():
        models = {"raw inputs": None, "untrained encoder": networks.reinitialized(networks.embedder(encoder), seed=0)}
        found = {name: embed(model, shown, like=encoder) for name, model in models.items()} | {"encoder": of_shown()}
        points = {name: plots.map_2d(h) for name, h in found.items()}
        return plots.embedding_maps(points, np.asarray(shown.labels), shown.class_names)

    section = report.Section(
        "What the encoder sees",
        f"{len(shown)} test {test.plural} by t-SNE, in colors of classes that pretraining never saw. On such maps only "
        "neighborhoods have a meaning.",
        maps,
    )
    return [section, *of_neighbors(shown, of_shown, "test")]


def of_neighbors(source: Source, embedded: Callable[[], np.ndarray], split: str) -> list[report.Section]:
    """Return which images or texts are nearest to some others; nothing for samples of other kinds.

    Args:
        source: `data.Source` of at most some hundred samples. Where it has labels, neighbors of the same class count as
            right.
        embedded: Function that returns their representations.
        split: Which samples these are, in words.
    """
    if pictures_or_texts(source[:1]) is None or len(source) < 2 * _QUERIES:
        return []

    def neighbors():
        h = embedded()
        h = h / np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12)
        asked = places(source, _QUERIES)
        others = np.setdiff1d(np.arange(len(source)), asked)
        queries: Any = pictures_or_texts(source[asked])
        answers: Any = pictures_or_texts(source[others])
        right = None if source.labels is None else source.labels[asked][:, None] == source.labels[others]
        return plots.nearest(queries, h[asked] @ h[others].T, answers, right)

    text = (
        f"Some {split} {source.plural}, each beside the nearest of {len(source) - _QUERIES} others, with the cosines."
    )
    if source.labels is not None:
        text += " Those of the same class are ticked."
    return [report.Section("Nearest neighbors", text, neighbors)]
