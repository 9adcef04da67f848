"""Evaluating an encoder, into a folder."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_ssl.data import Source
from keras_ssl.data.fitting import labeled
from keras_ssl.evaluate import (
    LabelEfficiency,
    collapse_of_features,
    embed,
    knn_of_features,
    label_counts,
    label_efficiency,
)
from keras_ssl.figures import report
from keras_ssl.figures.palette import label
from keras_ssl.files import writable_folder, write_json
from keras_ssl.runs import sections
from keras_ssl.typing import Path, Progress

__all__ = ["evaluate"]

_COLLAPSE = 1000  # test images for the collapse figures, as in `evaluate.collapse`


def evaluate(
    encoder: keras.Model,
    train: Source,
    test: Source,
    labels_per_class: Sequence[int] | None = None,
    seeds: int = 5,
    steps: int = 300,
    folder: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> LabelEfficiency:
    """Measure an encoder with few labels, and write these and other figures if there is a folder.

    Args:
        encoder: `keras.Model` or objective.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.
        labels_per_class: Numbers of labeled samples in each class. Default: `evaluate.label_counts(train)`.
        seeds: Number of draws of labels. Default: 5.
        steps: Steps of fine-tuning and of training from scratch. Default: 300.
        folder: Folder for `results.json`: the facts, "knn" (`evaluate.knn`), "accuracy", "precision", "recall" and
            "f1" (`LabelEfficiency.summary`) and "collapse" (`evaluate.collapse`); and for `evaluation.html`, the same
            with pictures. None writes nothing.
        facts: What else `results.json` should hold, such as the data set's name.
        progress: Called as `progress(done, total)` after each fit, or None.

    Returns:
        `evaluate.LabelEfficiency`.

    Raises:
        UserError: See `evaluate.label_efficiency`; or if the folder cannot be written in.
    """
    (train_labels, _), (test_labels, _) = labeled(train), labeled(test)
    folder = None if folder is None else writable_folder(folder)
    counts = label_counts(train) if labels_per_class is None else labels_per_class
    h_test = embed(encoder, test)
    known = {"encoder": h_test}
    few = label_efficiency(encoder, train, test, counts, seeds, steps=steps, progress=progress, test_features=known)
    if folder is not None:
        metrics = ("accuracy", "precision", "recall", "f1")
        results = {
            **(facts or {}),
            "knn": knn_of_features(embed(encoder, train), train_labels, h_test, test_labels),
            **{metric: few.summary(metric) for metric in metrics},
            "collapse": collapse_of_features(h_test[:_COLLAPSE]),
        }
        write_json(pathlib.Path(folder) / "results.json", results)
        _write_page(pathlib.Path(folder) / "evaluation.html", encoder, train, test, h_test, few, facts or {})
    return few


def _write_page(path, encoder, train, test, h_test, few, facts):
    first, n = next(iter(few.values)), max(next(iter(few.values.values())))
    scores = few.summary()
    lead = (
        f"With {n} label{'s' * (n > 1)} per class, a linear classifier on the encoder gets "
        f"{scores['encoder'][n]['mean']:.1%} of the test {test.plural} right; "
        f"on {label(first)} it gets {scores[first][n]['mean']:.1%}."
    )
    counts = {"training samples": f"{len(train):,}", "test samples": f"{len(test):,}"}
    pages = [*sections.of_few_labels(few, n), *sections.of_encoder(encoder, test, lambda: h_test)]
    report.write(path, f"Few labels on {train.name}", lead, {**facts, **counts}, pages)
