"""Scores of predicted numbers."""

from typing import Any

import numpy as np

from keras_ssl.checks import as_array
from keras_ssl.errors import UserError

__all__ = ["regression_scores"]


def regression_scores(values: Any, predictions: Any) -> dict[str, float]:
    """Return how far predicted numbers are from the true ones, and how they vary with them.

    Args:
        values: Float array `(n,)` or `(n, 1)`, n at least 2.
        predictions: Float array `(n,)` or `(n, 1)`.

    Returns:
        Dict of "rmse", the root of the mean squared error, and "mae", the mean absolute error, in the units of the
        values; "pearson", the correlation in -1..1, 0 if either does not vary; and "r2", the share of the variance that
        is explained: at most 1, and 0 where all are predicted to be the mean.

    Raises:
        UserError: If there is not one finite prediction for each of at least two finite values.
    """
    x, y = (as_array(a, name) for a, name in ((values, "values"), (predictions, "predictions")))
    x, y = (a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a for a in (x, y))
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UserError(
            "finite values and predictions of shape (n,), n at least 2",
            f"shapes {x.shape} and {y.shape}",
            "give one prediction for each value, and leave out samples whose value is not known",
        )
    x, y = x.astype("float64"), y.astype("float64")
    spread, other = (a.std() if np.ptp(a) else 0.0 for a in (x, y))  # of equal numbers it may be 1e-17
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    error = np.mean((x - y) ** 2)
    return {
        "rmse": float(np.sqrt(error)),
        "mae": float(np.abs(x - y).mean()),
        "pearson": float(covariance / (spread * other)) if spread * other > 0 else 0.0,
        "r2": float(1 - error / spread**2) if spread > 0 else 0.0,
    }
