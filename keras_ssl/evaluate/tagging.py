"""Scores of the classes of tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.backends import require
from keras_ssl.checks import as_array
from keras_ssl.errors import UserError
from keras_ssl.evaluate.metrics import distinct_names

__all__ = ["tagging_scores"]


def tagging_scores(
    labels: Any, predictions: Any, names: Sequence[str] | None = None, entities: bool = False
) -> dict[str, Any]:
    """Score predicted classes of tokens where there is a label; and, if asked, the entities that tags spell.

    Args:
        labels: Integer array `(n, length)`, -1 = no label.
        predictions: Integer array `(n, length)`, such as `tagger.predict(ids).argmax(-1)`.
        names: Name of each class. Default: its number.
        entities: Whether the names are BIO tags ("O", "B-…", "I-…") whose entities are scored, too. Needs the package
            seqeval. Default: False.

    Returns:
        Dict of "accuracy" over all labels; "precision", "recall" and "f1", averaged over the classes in the labels or
        the predictions; "classes", by name of those classes a dict of "precision", "recall", "f1" and "count", the
        number of labels. With `entities` also "entities", the same figures over entities, averaged over all of them,
        where an entity counts if its first token, its last token and its type are right. An "I-" that follows no tag of
        its type begins an entity.

    Raises:
        UserError: If shapes differ, there is no label, a class has no name, or names are no BIO tags.

    Reference:
        Tjong Kim Sang & De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task", section 2.4, for entities.
    """
    labels, predictions = as_array(labels, "labels"), as_array(predictions, "predictions")
    _check(labels, predictions, names)
    known = labels != -1
    true, predicted = labels[known], predictions[known]
    if names is None:
        names = [str(k) for k in range(max(true.max(), predicted.max()) + 1)]
    from sklearn.metrics import precision_recall_fscore_support

    present = np.unique([*np.unique(true), *np.unique(predicted)])
    figures = precision_recall_fscore_support(true, predicted, labels=present, average=None, zero_division=0)
    keys = distinct_names(names)
    classes = {
        keys[k]: {"precision": float(p), "recall": float(r), "f1": float(f), "count": int(count)}
        for k, p, r, f, count in zip(present, *figures)
    }
    means = {key: float(np.mean([by[key] for by in classes.values()])) for key in ("precision", "recall", "f1")}
    found = {"accuracy": float(np.mean(true == predicted)), **means, "classes": classes}
    return {**found, "entities": _entities(labels, predictions, known, names)} if entities else found


def _entities(labels, predictions, known, names):
    require("seqeval", "which scores entities")
    if wrong := [name for name in names if name != "O" and name[:2] not in ("B-", "I-")]:
        raise UserError("names of classes as BIO tags", f"'{wrong[0]}'", "give `entities=False` for other tags")
    from seqeval.metrics import f1_score, precision_score, recall_score

    true, predicted = ([[names[k] for k in r[kept]] for r, kept in zip(x, known)] for x in (labels, predictions))
    measures = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    return {name: float(measure(true, predicted, zero_division=0)) for name, measure in measures.items()}


def _check(labels, predictions, names):
    if labels.ndim != 2 or labels.shape != predictions.shape or {labels.dtype.kind, predictions.dtype.kind} - {*"iu"}:
        raise UserError(
            "labels and predictions as integers (n, length)",
            f"{labels.dtype} {labels.shape} and {predictions.dtype} {predictions.shape}",
            "take the most probable class of each token: `tagger.predict(ids).argmax(-1)`",
        )
    known = labels != -1
    if not known.any():
        raise UserError("at least one label", "-1 alone", "give the labels of the texts that were tagged")
    low = min(labels[known].min(), predictions[known].min())
    top = max(labels[known].max(), predictions[known].max())
    if low < 0 or (names is not None and top >= len(names)):
        raise UserError(
            "class numbers in 0.." + ("" if names is None else f"{len(names) - 1}, each with a name"),
            f"{low if low < 0 else top}",
            "number the classes from 0; -1 is no label",
        )
