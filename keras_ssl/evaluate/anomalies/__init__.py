"""Anomalies: detectors that are fitted on normal samples, scores of the steps of series, and how good scores are."""

from keras_ssl.evaluate.anomalies.density import DensityDetector
from keras_ssl.evaluate.anomalies.detector import Detector
from keras_ssl.evaluate.anomalies.mahalanobis import MahalanobisDetector
from keras_ssl.evaluate.anomalies.metrics import anomaly_metrics
from keras_ssl.evaluate.anomalies.neighbors import NeighborDetector
from keras_ssl.evaluate.anomalies.reconstruction import ReconstructionDetector
from keras_ssl.evaluate.anomalies.series import anomaly_scores, relative_scores

__all__ = [
    "DensityDetector",
    "Detector",
    "MahalanobisDetector",
    "NeighborDetector",
    "ReconstructionDetector",
    "anomaly_metrics",
    "anomaly_scores",
    "relative_scores",
]
