"""Whether predicted probabilities can be believed, and how to make them so by a temperature."""

from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_between, check_counts, check_labels
from keras_ssl.errors import UserError

__all__ = [
    "at_temperature",
    "checked_probabilities",
    "expected_calibration_error",
    "fit_temperature",
    "log_loss",
    "reliability",
]

_LEAST = 1e-12  # a softmax in float32 may return 0
_RANGE = (0.05, 20.0)
_ROUNDING = 1e-2  # rows of a softmax in float16 or bfloat16 sum to 1 but for this


def reliability(labels: Any, probabilities: Any, bins: int = 15) -> dict[str, np.ndarray]:
    """Compare how sure predictions are with how often they are right, in bins of equal width.

    Args:
        labels: Integer array `(n,)` in 0..k-1.
        probabilities: Float array `(n, k)` of rows that sum to 1.
        bins: Number of bins of the confidence, the probability of the predicted class; bin m holds those above
            (m - 1) / bins and up to m / bins. Default: 15, as in the paper.

    Returns:
        Dict of float64 arrays `(bins,)`: "count", the number of samples in each bin, "confidence", their mean
        confidence, and "accuracy", the share of them that are right; the last two are 0 in empty bins.

    Raises:
        UserError: If the shapes differ, rows are no probabilities, or `bins` is below 1.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
    """
    labels, p = checked_probabilities(labels, probabilities)
    check_counts(bins=bins)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count, sure, hits = (np.bincount(place, x, bins) for x in (np.ones(len(p)), confidence, right))
    return {
        "count": count,
        "confidence": sure / np.maximum(count, 1),
        "accuracy": hits / np.maximum(count, 1),
    }


def expected_calibration_error(labels: Any, probabilities: Any, bins: int = 15) -> float:
    """Return the mean difference between confidence and accuracy, over samples in bins of the confidence.

    Args:
        labels: Integer array `(n,)` in 0..k-1.
        probabilities: Float array `(n, k)` of rows that sum to 1.
        bins: See `reliability`. Default: 15.

    Returns:
        A number in 0..1; 0 if predictions are right as often as they are sure. Few samples give more, even if the
        probabilities are the true ones.

    Raises:
        UserError: See `reliability`.

    Reference:
        Guo et al. 2017, see `reliability`; Eq. 3.
    """
    found = reliability(labels, probabilities, bins)
    gap = np.abs(found["accuracy"] - found["confidence"])
    return float((found["count"] * gap).sum() / found["count"].sum())


def log_loss(labels: Any, probabilities: Any) -> float:
    """Return the mean of -log p of the true classes, in nats; a probability counts as at least 1e-12.

    Args:
        labels: Integer array `(n,)` in 0..k-1.
        probabilities: Float array `(n, k)` of rows that sum to 1.

    Raises:
        UserError: If the shapes differ, or rows are no probabilities.
    """
    labels, p = checked_probabilities(labels, probabilities)
    return float(-np.log(np.maximum(p[np.arange(len(p)), labels], _LEAST)).mean())


def fit_temperature(labels: Any, probabilities: Any) -> float:
    """Return the temperature at which probabilities are most likely: above 1 if they are too sure.

    Args:
        labels: Integer array `(n,)` in 0..k-1 of samples that the classifier was not trained on.
        probabilities: Float array `(n, k)` of rows that sum to 1.

    Returns:
        A number in 0.05..20, for `at_temperature`. It is 0.05 if all predictions are right: give more samples.

    Raises:
        UserError: If the shapes differ, or rows are no probabilities.

    Reference:
        Guo et al. 2017, see `reliability`; section 4.2.

    Departures:
        Probabilities instead of logits: their logarithms are the logits but for a constant, which changes nothing.
    """
    labels, p = checked_probabilities(labels, probabilities)
    if (p.argmax(axis=1) == labels).all():
        return _RANGE[0]  # the lower, the more likely
    from scipy.optimize import minimize_scalar

    def loss(log_t):  # convex in 1/t, as `log_loss`, which bounds what one wrong sample costs, is not
        return -_log_at_temperature(p, np.exp(log_t))[np.arange(len(p)), labels].mean()

    return float(np.exp(minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded").x))


def at_temperature(probabilities: Any, t: float) -> np.ndarray:
    """Return probabilities at another temperature, `p^(1/t)` in each row divided by its sum. The classes stay the same.

    Args:
        probabilities: Float array `(n, k)` of rows that sum to 1.
        t: Temperature, above 0: above 1 makes them less sure, 1 leaves them as they are.

    Returns:
        Float64 array `(n, k)`.

    Raises:
        UserError: If rows are no probabilities, or t is not above 0.

    Reference:
        Guo et al. 2017, see `reliability`; Eq. 9.
    """
    p = _probabilities(probabilities)
    check_between("t", t, above=0)
    return np.exp(_log_at_temperature(p, t))


def _log_at_temperature(p, t):
    logits = np.log(np.maximum(p, _LEAST)) / t
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def checked_probabilities(labels: Any, probabilities: Any, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and probabilities as float64, after a check that they fit each other.

    Args:
        labels: Integer array `(n,)` in 0..k-1.
        probabilities: Float array `(n, k)` of rows that sum to 1.
        at_least: Smallest number of classes among the labels. Default: 1.

    Raises:
        UserError: If they do not; the error says what probabilities seem to be instead.
    """
    p = _probabilities(probabilities)
    labels = as_array(labels, "labels")
    check_labels(labels, len(p), p.shape[1], at_least=at_least)
    return labels, p


def _probabilities(probabilities):
    p = as_array(probabilities, "probabilities")
    p = p.astype("float32") if p.dtype.name == "bfloat16" else p  # which NumPy does not know as a float
    if p.ndim != 2 or p.shape[1] < 2 or not len(p) or p.dtype.kind != "f":
        do = "give a column for each class; for two classes and one column p, `numpy.stack([1 - p, p], axis=1)`"
        raise UserError("probabilities as floats (n, k), k at least 2", f"{p.dtype} {p.shape}", do)
    p = p.astype("float64")
    off = np.flatnonzero(~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) < _ROUNDING)))
    if len(off):
        logits = (p < 0).any() or (p > 1).any()
        raise UserError(
            "rows of probabilities that sum to 1",
            f"row {off[0]} with the sum {p[off[0]].sum():.4g} and the least value {p[off[0]].min():.4g}",
            "give `keras.ops.softmax(logits)`"
            if logits
            else "give the output of a softmax; for several labels of a sample call `multi_label_scores`",
        )
    return p
