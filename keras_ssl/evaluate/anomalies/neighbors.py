"""Anomalies by the distance from the nearest normal samples."""

from typing import Any

import keras
import numpy as np

from keras_ssl.blocks import NeighborDistance
from keras_ssl.checks import check_counts
from keras_ssl.data import Source
from keras_ssl.errors import UserError
from keras_ssl.evaluate.anomalies.detector import Detector, check_varied, check_width, representation
from keras_ssl.evaluate.anomalies.serving import scoring_model

__all__ = ["NeighborDetector"]


class NeighborDetector(Detector):
    """Score samples by the distance of their representation from the k-th nearest normal one.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.
        neighbors: k, fewer than the normal samples. Default: 5, as in PyOD.
        normalize: Whether representations are scaled to length 1 first, so that only directions count. Default: True,
            as in Sun et al. 2022; for rows of a table, whose anomalies are often just large, False is usually better.

    Attributes:
        known: Float64 array `(n, d)`, the representations of the normal samples; None before `fit`.
        normal_scores: Those of the normal samples, each without itself; None before `fit`.

    Raises:
        UserError: If `neighbors` is below 1.

    Reference:
        Ramaswamy et al. 2000, "Efficient Algorithms for Mining Outliers from Large Data Sets"; Sun et al. 2022,
        "Out-of-Distribution Detection with Deep Nearest Neighbors", section 3.

    Example:
        `scores = NeighborDetector(simclr).fit(normal).score(samples)`
    """

    def __init__(self, encoder: keras.Model | None, neighbors: int = 5, normalize: bool = True) -> None:
        super().__init__(encoder)
        check_counts(neighbors=neighbors)
        self.encoder, self.neighbors, self.normalize = encoder, neighbors, normalize
        self.known: Any = None
        self._index: Any = None

    def fit_source(self, source: Source) -> np.ndarray:
        """Keep the representations; see `Detector.fit_source`."""
        if len(source) <= self.neighbors:
            raise UserError(
                f"more normal {source.plural} than {self.neighbors} neighbors",
                f"{len(source)}",
                "give more of them, or a smaller `neighbors`",
            )
        from sklearn.neighbors import NearestNeighbors

        self.known = self._features(source)
        check_varied(
            self.known,
            "give `normalize=False` if only their length differs; else the encoder has collapsed: train another one",
        )
        self._index = NearestNeighbors(n_neighbors=self.neighbors).fit(self.known)
        distances, _ = self._index.kneighbors()  # each without itself
        return distances[:, -1]

    def score_source(self, source: Source) -> np.ndarray:
        """Return the distances; see `Detector.score_source`."""
        h = self._features(source)
        check_width(h, self.known.shape[1])
        distances, _ = self._index.kneighbors(h)
        return distances[:, -1]

    def model(self) -> keras.Model:
        """Return the score as a functional model from a sample to `{"score": (n,)}`, which `export.deploy` serves.

        The representations of the normal samples are a weight of it: 4 n d bytes.

        Raises:
            UserError: If the detector is not fitted, or has no encoder.
        """
        self._check_fitted()
        layer = NeighborDistance(len(self.known), self.neighbors, self.normalize, dtype="float32", name="distance")
        return scoring_model(self.encoder, layer, {"known": self.known, "center": self.known.mean(axis=0)})

    def _features(self, source):
        h = representation(self.encoder, source)
        if not self.normalize:
            return h
        length = np.linalg.norm(h, axis=1, keepdims=True)
        return np.where(length > 1e-6, h / np.maximum(length, 1e-6), 0.0)  # as `directions.unit`
