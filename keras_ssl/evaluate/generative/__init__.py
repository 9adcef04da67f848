"""Evaluation of generative models: similarity, Fréchet distance, modes, likelihood."""

from keras_ssl.evaluate.generative.features import FeatureClassifier, feature_classifier
from keras_ssl.evaluate.generative.frechet import frechet_distance, frechet_floor
from keras_ssl.evaluate.generative.likelihood import (
    importance_weighted_nll,
    negative_elbo,
    negative_log_likelihoods,
)
from keras_ssl.evaluate.generative.modes import mode_counts
from keras_ssl.evaluate.generative.similarity import reconstruction_error, ssim

__all__ = [
    "FeatureClassifier",
    "feature_classifier",
    "frechet_distance",
    "frechet_floor",
    "importance_weighted_nll",
    "mode_counts",
    "negative_elbo",
    "negative_log_likelihoods",
    "reconstruction_error",
    "ssim",
]
