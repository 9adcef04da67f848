"""Scores of predicted classes."""

import numpy as np

__all__ = ["scores"]


def scores(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Return accuracy, and precision, recall and F1 averaged over classes.

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
