"""Checks of class numbers."""

from typing import Any

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_labels"]


def check_labels(labels: Any, samples: int | None = None, classes: int | None = None, name: str = "labels") -> None:
    """Raise unless `labels` is a vector of class numbers in `0..classes - 1`.

    Args:
        labels: NumPy array of shape `(n,)` of integers.
        samples: Number of samples that they belong to, or None.
        classes: Number of classes, or None if it is not known.
        name: Name of the labels in the error.

    Raises:
        UserError: If it is not.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name} as integers of shape (n,)",
            f"dtype {labels.dtype}, shape {labels.shape}",
            "give class numbers; `labels.argmax(-1)` makes them from one-hot rows",
        )
    if samples is not None and len(labels) != samples:
        raise UserError(f"one label for each of {samples} images", f"{len(labels)}", "check where both come from")
    top = np.inf if classes is None else classes - 1
    outside = np.flatnonzero((labels < 0) | (labels > top))
    if len(outside):
        raise UserError(
            f"{name} in 0..{'' if classes is None else classes - 1}",
            f"{labels[outside[0]]} at index {outside[0]} ({len(outside)} outside in all)",
            "number the classes from 0, or give the right number of classes",
        )
