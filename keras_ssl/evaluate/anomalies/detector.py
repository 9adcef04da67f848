"""What all detectors of anomalies share: they are fitted on normal samples, and score others."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.evaluate.embedding import embed
from keras_ssl.typing import Samples

__all__ = ["Detector", "check_varied", "check_width", "representation"]

_BATCH = 256
_ROUNDING = 1e-6  # of the largest feature: a smaller difference is a rounding error in float32


class Detector:
    """A score of samples, higher = more anomalous, that is fitted on normal ones.

    A subclass writes `fit_source`, which returns the scores of the normal samples, and `score_source`.

    Args:
        network: What samples must fit: an encoder, an objective, or None for samples as they are.

    Attributes:
        normal_scores: Float64 array `(n,)`, the scores of the samples that it was fitted on; None before that.
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        self.normal_scores: np.ndarray | None = None

    def fit(self, normal: Source | Samples) -> "Detector":
        """Fit the score, and return the detector itself.

        Args:
            normal: `data.Source`, an array or a dict of arrays, of normal samples, as the network takes them.

        Raises:
            UserError: If the samples are not finite or do not fit, are all equal or too few, or a score is not finite.
        """
        source = as_source(normal, self.network)
        _check_different(source)
        self.normal_scores = _finite(self.fit_source(source))
        return self

    def score(self, samples: Source | Samples) -> np.ndarray:
        """Return how anomalous samples are.

        Args:
            samples: `data.Source`, an array or a dict of arrays, as the network takes them.

        Returns:
            Float64 array `(n,)`, higher = more anomalous.

        Raises:
            UserError: If the detector is not fitted, the samples do not fit, or a score is not finite.
        """
        self._check_fitted()
        return _finite(self.score_source(as_source(samples, self.network)))

    def threshold(self, quantile: float = 0.95, normal: Source | Samples | None = None) -> float:
        """Return the score that a share of normal samples stays below.

        Args:
            quantile: This share, above 0 and below 1. Default: 0.95, as in Sun et al. 2022.
            normal: Normal samples that neither the network nor the detector was fitted on. Default: None, those of
                `fit`: their scores are lower than those of new samples wherever a network fits them better.

        Raises:
            UserError: If the detector is not fitted, the quantile is out of its range, or the samples do not fit.
        """
        check_between("quantile", quantile, above=0, below=1)
        self._check_fitted()
        scores = self.normal_scores if normal is None else self.score(normal)
        return float(np.quantile(np.asarray(scores), quantile))

    def fit_source(self, source: Source) -> np.ndarray:
        """Fit the score, and return those of the normal samples. The default has nothing to fit.

        Args:
            source: `data.Source` of samples that fit the network.
        """
        return self.score_source(source)

    def score_source(self, source: Source) -> np.ndarray:
        """Return the scores `(n,)`.

        Args:
            source: `data.Source` of samples that fit the network.
        """
        raise NotImplementedError

    def _check_fitted(self):
        if self.normal_scores is None:
            raise UserError("a fitted detector", f"a new {type(self).__name__}", "call `detector.fit(normal)` first")


def representation(encoder: keras.Model | None, source: Source) -> np.ndarray:
    """Return representations as float64 `(n, d)`.

    Args:
        encoder: `keras.Model`, objective, or None for the features of `evaluate.raw_features`.
        source: `data.Source` of samples that fit it.

    Raises:
        UserError: If one is not finite.
    """
    h = embed(encoder, source).astype("float64")
    wrong = np.flatnonzero(~np.isfinite(h).all(axis=1))
    if len(wrong):
        raise UserError(
            "finite representations",
            f"NaN or Inf in {len(wrong)} of {len(h)}, the first at index {wrong[0]}",
            "leave these samples out, or give an encoder that takes missing values",
        )
    return h


def check_varied(h: np.ndarray, do: str) -> None:
    """Raise unless representations differ by more than rounding errors.

    Args:
        h: Float array `(n, d)`.
        do: Advice in the error.

    Raises:
        UserError: If all are equal.
    """
    if np.ptp(h, axis=0).max() <= _ROUNDING * np.abs(h).max():
        raise UserError("representations that differ between normal samples", f"{len(h)} equal ones", do)


def check_width(h: np.ndarray, width: int) -> None:
    """Raise unless representations are as wide as those of the normal samples.

    Args:
        h: Float array `(n, d)`.
        width: d of the normal samples.

    Raises:
        UserError: If they are not, as raw inputs of another shape.
    """
    if h.shape[1] != width:
        do = "give samples of the same shape"
        raise UserError(f"samples of {width} features, as the normal ones", f"{h.shape[1]}", do)


def _check_different(source):
    """Raise if all samples are equal; most sources differ in their first batch, so that no more is read."""
    first = source.rows(np.arange(1))
    for begin in range(0, len(source), _BATCH):
        rows = source.rows(np.arange(begin, min(begin + _BATCH, len(source))))
        pairs = zip(keras.tree.flatten(rows), keras.tree.flatten(first))
        if not all(np.array_equal(x, np.broadcast_to(one, x.shape), equal_nan=x.dtype.kind == "f") for x, one in pairs):
            return
    raise UserError(
        f"normal {source.plural} that differ",
        f"{len(source)} equal one(s)",
        "give all that is normal: a detector learns how far normal samples are from each other",
    )


def _finite(scores):
    scores = np.asarray(scores, "float64")
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise UserError(
            "finite scores",
            f"{scores[wrong[0]]} at index {wrong[0]} ({len(wrong)} in all)",
            "leave these samples out, and look whether the network's training went well",
        )
    return scores
