"""Scores of predicted classes, from the classes and from their probabilities."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError
from keras_ssl.evaluate.calibration import checked_probabilities, expected_calibration_error, log_loss

__all__ = ["classification_scores", "distinct_names", "multi_label_scores", "scores"]


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return names of classes as keys of a dict: those that several classes have are followed by the class number.

    Args:
        names: Name of each class. ImageNet has two classes "crane".
    """
    counts = Counter(names)
    return [f"{name} ({k})" if counts[name] > 1 else name for k, name in enumerate(names)]


def scores(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Return accuracy, and precision, recall and F1 averaged over the classes in the labels or the predictions.

    Args:
        labels: Integer array `(n,)`.
        predictions: Integer array `(n,)`.

    Returns:
        Dict of "accuracy", "precision", "recall" and "f1", each in 0..1. A class that is never predicted has
        precision 0.
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    precision, recall, f1, _ = precision_recall_fscore_support(labels, predictions, average="macro", zero_division=0)
    accuracy = accuracy_score(labels, predictions)
    return {"accuracy": float(accuracy), "precision": float(precision), "recall": float(recall), "f1": float(f1)}


def classification_scores(labels: Any, probabilities: Any, top: int = 5) -> dict[str, float]:
    """Score predicted probabilities of classes, of which each sample has one.

    Args:
        labels: Integer array `(n,)` in 0..k-1, of at least two classes.
        probabilities: Float array `(n, k)` of rows that sum to 1, such as `classifier.predict(images)`.
        top: Number of most probable classes among which the true one counts as found, at least 1. Default: 5.

    Returns:
        Dict of `scores`, of the most probable classes; "top_k", the share found among the `top` most probable, 1 if
        there are no more classes; "auroc" and "average_precision" of each class against the rest, averaged over the
        classes that occur; all in 0..1. And "nll", the mean negative log-likelihood in nats, and "ece", the
        `expected_calibration_error`; of both, lower is better.

    Raises:
        UserError: If the shapes differ, rows are no probabilities, or labels are of one class only.
    """
    labels, p = checked_probabilities(labels, probabilities, at_least=2)
    check_between("top", top, least=1, whole=True)
    is_class = np.eye(p.shape[1], dtype=bool)[labels]
    own, numbers = p[is_class][:, None], np.arange(p.shape[1])
    rank = ((p > own) | ((p == own) & (numbers < labels[:, None]))).sum(axis=1)  # from 0; ties as `argmax` breaks them
    return {
        **scores(labels, p.argmax(axis=1)),
        "top_k": float((rank < top).mean()),
        **_rankings(is_class, p, np.ones_like(is_class)),
        "nll": log_loss(labels, p),
        "ece": expected_calibration_error(labels, p),
    }


def multi_label_scores(labels: Any, probabilities: Any, threshold: float = 0.5) -> dict[str, float]:
    """Score predicted probabilities of labels, of which each sample has any number.

    Args:
        labels: Array `(n, k)` of 0 and 1, and -1 or NaN where a label is not known, which then does not count.
        probabilities: Float array `(n, k)` in 0..1, of each label by itself, such as a sigmoid gives.
        threshold: Probability from which a label is predicted, above 0 and below 1. Default: 0.5.

    Returns:
        Dict of "accuracy", the share of all known labels that are predicted; "exact", the share of samples whose known
        labels are all predicted; "precision", "recall" and "f1", averaged over labels that occur; "micro_f1", over all
        known labels together; and "auroc" and "average_precision", averaged over the labels of which both values occur.
        All are in 0..1.

    Raises:
        UserError: If the shapes differ, values are out of range, or no label is known as 0 and as 1.
    """
    y, p = as_array(labels, "labels"), as_array(probabilities, "probabilities")
    y = np.where(np.isnan(y), -1, y) if y.dtype.kind == "f" else y
    _check_multi_label(y, p)
    check_between("threshold", threshold, above=0, below=1)
    known, true, predicted = y >= 0, y == 1, p >= threshold
    right = (true == predicted) | ~known
    hits, said, there = ((a & known).sum(axis=0) for a in (true & predicted, predicted, true))
    occur = there > 0
    precision = hits[occur] / np.maximum(said[occur], 1)
    recall = hits[occur] / there[occur]
    f1 = 2 * hits[occur] / (said[occur] + there[occur])
    return {
        "accuracy": float(right[known].mean()),
        "exact": float(right[known.any(axis=1)].all(axis=1).mean()),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
        "micro_f1": float(2 * hits.sum() / (said.sum() + there.sum())),
        **_rankings(true, p, known),
    }


def _rankings(true, p, known):
    """AUROC and average precision of each column, over the known values, averaged over columns with both."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    pairs = [(true[of, k], p[of, k]) for k, of in enumerate(known.T)]
    both = [(y, x) for y, x in pairs if y.any() and not y.all()]
    return {
        "auroc": float(np.mean([roc_auc_score(y, x) for y, x in both])),
        "average_precision": float(np.mean([average_precision_score(y, x) for y, x in both])),
    }


def _check_multi_label(y, p):
    if y.ndim != 2 or y.shape != p.shape or not np.isin(y, (-1, 0, 1)).all():
        raise UserError(
            "labels (n, k) of 0, 1 and -1 for unknown, and as many probabilities",
            f"{y.dtype} {y.shape} and {p.dtype} {p.shape}",
            "give a column for each label; for one class of each sample call `classification_scores`",
        )
    if not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        low, high = np.nanmin(p), np.nanmax(p)
        raise UserError("probabilities in 0..1", f"values in {low:g}..{high:g}", "apply a sigmoid to logits")
    if not ((y == 1).any(axis=0) & (y == 0).any(axis=0)).any():
        raise UserError("a label that is 0 and 1 in different samples", "none", "give more samples")
