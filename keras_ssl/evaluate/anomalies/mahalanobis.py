"""Anomalies by the Mahalanobis distance from the mean of normal samples."""

from typing import Any

import keras
import numpy as np

from keras_ssl.blocks import MahalanobisDistance
from keras_ssl.data import Source
from keras_ssl.evaluate.anomalies.detector import Detector, check_varied, check_width, representation
from keras_ssl.evaluate.anomalies.serving import scoring_model

__all__ = ["MahalanobisDetector"]

_LEAST = 1e-8  # of the largest variance: a direction without variance must not decide alone


class MahalanobisDetector(Detector):
    """Score samples by the Mahalanobis distance of their representation from the mean of the normal ones.

    The covariance is shrunk toward a multiple of the identity, so that it can be inverted with fewer samples than
    dimensions. So columns should have one scale, as those of a representation do: bring a table to one first. Normal
    samples of several far-apart groups are better scored by `NeighborDetector`.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.

    Attributes:
        mean: Float64 array `(d,)`; None before `fit`.
        factor: Float64 array `(d, d)`, W with `W Wᵀ = Σ⁻¹`; None before `fit`.

    Reference:
        Rippel et al. 2021, "Modeling the Distribution of Normal Data in Pre-Trained Deep Features for Anomaly
        Detection"; Ledoit & Wolf 2004, "A Well-Conditioned Estimator for Large-Dimensional Covariance
        Matrices", Eq. 14.

    Departures:
        Variances are at least 1e-8 of the largest one, so that the distance is computed exactly enough in float32.

    Example:
        `detector = MahalanobisDetector(encoder).fit(normal)`
    """

    def __init__(self, encoder: keras.Model | None) -> None:
        super().__init__(encoder)
        self.encoder = encoder
        self.mean: Any = None
        self.factor: Any = None

    def fit_source(self, source: Source) -> np.ndarray:
        """Estimate mean and covariance; see `Detector.fit_source`."""
        from sklearn.covariance import LedoitWolf

        h = representation(self.encoder, source)
        check_varied(h, "train the encoder anew: it has collapsed")
        fitted = LedoitWolf().fit(h)
        variances, directions = np.linalg.eigh(fitted.covariance_)
        self.mean = fitted.location_
        self.factor = directions / np.sqrt(np.maximum(variances, _LEAST * variances.max()))
        return self._distances(h)

    def score_source(self, source: Source) -> np.ndarray:
        """Return the distances; see `Detector.score_source`."""
        return self._distances(representation(self.encoder, source))

    def model(self) -> keras.Model:
        """Return the score as a functional model from a sample to `{"score": (n,)}`, which `export.deploy` serves.

        Raises:
            UserError: If the detector is not fitted, or has no encoder.
        """
        self._check_fitted()
        layer = MahalanobisDistance(dtype="float32", name="distance")
        return scoring_model(self.encoder, layer, {"mean": self.mean, "factor": self.factor})

    def _distances(self, h):
        check_width(h, len(self.mean))
        return np.linalg.norm((h - self.mean) @ self.factor, axis=1)
