"""Evaluation of encoders: nearest neighbors, linear probe, few labels beside baselines, collapse.

Of pairs: retrieval. And of generative models: similarity, Fréchet distance, modes, likelihood.
And of predicted frames of video, segmented images and detected boxes. Classes: scores, and calibration of their
probabilities. Anomalies: detectors that are fitted on normal samples. Without labels: figures that choose a checkpoint.
"""

from keras_ssl.evaluate.anomalies import (
    DensityDetector,
    Detector,
    MahalanobisDetector,
    NeighborDetector,
    ReconstructionDetector,
    anomaly_metrics,
    anomaly_scores,
    relative_scores,
)
from keras_ssl.evaluate.calibration import at_temperature, expected_calibration_error, fit_temperature, reliability
from keras_ssl.evaluate.collapse import collapse, collapse_of_features
from keras_ssl.evaluate.comparison import Comparison, compare
from keras_ssl.evaluate.detection import detection_scores
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.forecasting import forecast_errors, forecast_probe, last_value, seasonal_naive, split_horizon
from keras_ssl.evaluate.frames import frame_baselines, frame_errors, next_frame_errors
from keras_ssl.evaluate.generative.features import FeatureClassifier, feature_classifier
from keras_ssl.evaluate.generative.frechet import frechet_distance, frechet_floor
from keras_ssl.evaluate.generative.likelihood import importance_weighted_nll, negative_elbo, negative_log_likelihoods
from keras_ssl.evaluate.generative.modes import mode_counts
from keras_ssl.evaluate.generative.similarity import reconstruction_error, ssim
from keras_ssl.evaluate.label_efficiency import LabelEfficiency, label_counts, label_efficiency
from keras_ssl.evaluate.label_free import label_free, label_free_of_features
from keras_ssl.evaluate.log_mel import log_mel_features
from keras_ssl.evaluate.metrics import classification_scores, multi_label_scores, scores
from keras_ssl.evaluate.probes import fit_nearest, knn, knn_of_features, linear_probe, linear_probe_of_features
from keras_ssl.evaluate.regression import regression_scores
from keras_ssl.evaluate.retrieval import embed_pairs, retrieval
from keras_ssl.evaluate.saliency import saliency
from keras_ssl.evaluate.segmentation import segmentation_scores
from keras_ssl.evaluate.svm import fit_svm, svm_probe, svm_probe_of_features
from keras_ssl.evaluate.tagging import tagging_scores
from keras_ssl.evaluate.tf_idf import TfIdf
from keras_ssl.evaluate.transcription import edit_distance, transcription_scores
from keras_ssl.evaluate.translation import translation_scores

__all__ = [
    "Comparison",
    "DensityDetector",
    "Detector",
    "FeatureClassifier",
    "LabelEfficiency",
    "MahalanobisDetector",
    "NeighborDetector",
    "ReconstructionDetector",
    "TfIdf",
    "anomaly_metrics",
    "anomaly_scores",
    "at_temperature",
    "classification_scores",
    "collapse",
    "collapse_of_features",
    "compare",
    "detection_scores",
    "edit_distance",
    "embed",
    "embed_pairs",
    "expected_calibration_error",
    "feature_classifier",
    "fit_nearest",
    "fit_svm",
    "fit_temperature",
    "forecast_errors",
    "forecast_probe",
    "frame_baselines",
    "frame_errors",
    "frechet_distance",
    "frechet_floor",
    "importance_weighted_nll",
    "knn",
    "knn_of_features",
    "label_counts",
    "label_efficiency",
    "label_free",
    "label_free_of_features",
    "last_value",
    "linear_probe",
    "linear_probe_of_features",
    "log_mel_features",
    "mode_counts",
    "multi_label_scores",
    "negative_elbo",
    "negative_log_likelihoods",
    "next_frame_errors",
    "reconstruction_error",
    "regression_scores",
    "relative_scores",
    "reliability",
    "retrieval",
    "saliency",
    "scores",
    "seasonal_naive",
    "segmentation_scores",
    "split_horizon",
    "ssim",
    "svm_probe",
    "svm_probe_of_features",
    "tagging_scores",
    "transcription_scores",
    "translation_scores",
]
