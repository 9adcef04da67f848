"""How well scores of anomalies tell them from normal samples."""

from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError

__all__ = ["anomaly_metrics"]


def anomaly_metrics(is_anomaly: Any, scores: Any, n: int | None = None) -> dict[str, float]:
    """Return how well scores tell anomalies from normal samples, without a threshold.

    Args:
        is_anomaly: Booleans, or 0 and 1, `(m,)`; both must occur.
        scores: Float array `(m,)`, higher = more anomalous.
        n: Number of samples of highest scores that are looked at. Default: the number of anomalies.

    Returns:
        Dict of "auroc", the probability that an anomaly has a higher score than a normal sample, in 0..1;
        "average_precision", in 0..1, which is the share of anomalies for random scores; and "precision_at_n", the
        share of anomalies among the n samples of highest scores. Of equal scores at the end of these n each counts in
        proportion.

    Raises:
        UserError: If the shapes differ, a score is not finite, or all samples are of one sort.
    """
    known, scores = as_array(is_anomaly, "is_anomaly"), as_array(scores, "scores").astype("float64")
    if known.ndim != 1 or known.shape != scores.shape or not np.isin(known, (0, 1)).all():
        raise UserError(
            "is_anomaly as booleans (m,), and as many scores",
            f"{known.dtype} {known.shape} and scores {scores.shape}",
            "give True, or 1, for anomalies, and the scores of `detector.score` for the same samples",
        )
    known = known.astype(bool)
    if not np.isfinite(scores).all():
        wrong = np.flatnonzero(~np.isfinite(scores))
        raise UserError("finite scores", f"{scores[wrong[0]]} at index {wrong[0]}", "leave these samples out")
    if known.all() or not known.any():
        raise UserError("anomalies and normal samples", f"{len(known)} of one sort", "give samples of both sorts")
    n = int(known.sum()) if n is None else n
    check_between("n", n, least=1, most=len(known), whole=True)
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auroc": float(roc_auc_score(known, scores)),
        "average_precision": float(average_precision_score(known, scores)),
        "precision_at_n": _precision(known, scores, n),
    }


def _precision(known, scores, n):
    last = np.sort(scores)[-n]
    above, equal = scores > last, scores == last
    share = (n - above.sum()) / equal.sum()
    return float((known[above].sum() + share * known[equal].sum()) / n)
