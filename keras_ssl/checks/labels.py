"""Checks of class numbers."""

from typing import Any

import numpy as np

from keras_ssl.checks.arrays import as_array
from keras_ssl.errors import UserError

__all__ = ["check_labels"]

_NAMED = "number the classes: `names, labels = np.unique(labels, return_inverse=True)`"
_UNKNOWN = "leave these samples out; or keep them and train with the loss `losses.WhereKnown`"


def check_labels(
    labels: Any, samples: int | None = None, classes: int | None = None, name: str = "labels", at_least: int = 0
) -> None:
    """Raise unless `labels` is a vector of class numbers in `0..classes - 1`. The advice depends on what is wrong.

    Args:
        labels: Array `(n,)` of integers.
        samples: Number of samples that they belong to, or None.
        classes: Number of classes, or None if it is not known.
        name: Name of the labels in the error.
        at_least: Smallest number of different classes among them. Default: 0.

    Raises:
        UserError: If it is not.
    """
    labels = as_array(labels, name, strings=True)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        received = f"dtype {labels.dtype}, shape {labels.shape}"
        raise UserError(f"{name} as integers of shape (n,)", received, _advice(labels))
    if samples is not None and len(labels) != samples:
        raise UserError(f"one label for each of {samples} samples", f"{len(labels)}", "check where both come from")
    top = np.inf if classes is None else classes - 1
    outside = np.flatnonzero((labels < 0) | (labels > top))
    if len(outside):
        raise UserError(
            f"{name} in 0..{'' if classes is None else classes - 1}",
            f"{labels[outside[0]]} at index {outside[0]} ({len(outside)} outside in all)",
            _renumbering(labels, classes),
        )
    if len(np.unique(labels)) < at_least:
        raise UserError(
            f"{name} of at least {at_least} classes",
            f"{len(labels)} of class {labels[0]} alone" if len(labels) else "none",
            "give samples of other classes, too",
        )


def _advice(labels):
    """What to do about labels that are no vector of integers."""
    if labels.dtype.kind in "USO":
        if labels.ndim == 1 and any(label is None for label in labels.tolist()):
            return f"{_UNKNOWN}, which takes -1 as unknown"
        return _NAMED if labels.ndim == 1 else "give one class number for each sample"
    if labels.ndim == 2 and labels.shape[1] == 1:
        return "take the only column: `labels[:, 0]`"
    if labels.ndim == 2 and labels.shape[0] == 1:
        return "take the only row: `labels[0]`"
    if labels.ndim == 2:
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        if one_hot:
            return "give class numbers: `labels.argmax(-1)` makes them from one-hot rows"
        return "give one class number for each sample; several labels of one sample need a head and a loss of your own"
    if labels.ndim != 1:
        return "give one class number for each sample"
    if labels.dtype.kind == "b":
        return "give 0 and 1: `labels.astype('int64')`"
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        return _UNKNOWN
    if labels.dtype.kind == "f" and (labels == np.round(labels)).all():
        return "convert the numbers: `labels.astype('int64')`"
    return "give class numbers; fractions are values to predict, which need a head and a loss of your own"


def _renumbering(labels, classes):
    """What to do about class numbers out of range."""
    found = np.unique(labels)
    if (labels < 0).any():
        return _UNKNOWN if -1 in found else "number the classes from 0"
    if found[0] == 1 and found[-1] == classes:
        return "number the classes from 0: `labels - 1`"
    if len(found) <= classes:
        return f"{_NAMED}; or give the right number of classes"
    return f"give the right number of classes: there are {found[-1] + 1} if they are numbered from 0"
