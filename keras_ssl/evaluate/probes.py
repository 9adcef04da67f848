"""Classifiers on frozen representations."""

from typing import Any

import keras
import numpy as np

from keras_ssl import data
from keras_ssl.checks import check_between, check_counts, check_labels
from keras_ssl.evaluate.embedding import embed_labeled
from keras_ssl.evaluate.metrics import scores
from keras_ssl.transfer import fit_linear

__all__ = ["fit_nearest", "knn", "knn_of_features", "linear_probe", "linear_probe_of_features"]


def linear_probe(encoder: keras.Model | None, train: data.Source, test: data.Source) -> dict[str, float]:
    """Fit a linear classifier on the frozen representations of `train`, and score it on `test`.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the samples do not fit.
    """
    return linear_probe_of_features(*embed_labeled(encoder, train, test))


def linear_probe_of_features(
    train_features: np.ndarray, train_labels: np.ndarray, test_features: np.ndarray, test_labels: np.ndarray
) -> dict[str, float]:
    """Fit a linear classifier on features, and score it on others; see `transfer.fit_linear`.

    Args:
        train_features: Array `(n, d)`.
        train_labels: Integer array `(n,)`.
        test_features: Array `(m, d)`.
        test_labels: Integer array `(m,)`.

    Returns:
        Dict of `scores`.
    """
    return scores(test_labels, fit_linear(train_features, train_labels).predict(test_features))


def knn(
    encoder: keras.Model | None,
    train: data.Source,
    test: data.Source,
    neighbors: int = 20,
    temperature: float = 0.07,
) -> dict[str, float]:
    """Score a vote of the nearest samples of `train` on `test`; see `fit_nearest`.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.
        neighbors: Number of votes. Default: 20.
        temperature: Temperature of the votes' weights. Default: 0.07.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the samples do not fit.
    """
    return knn_of_features(*embed_labeled(encoder, train, test), neighbors, temperature)


def knn_of_features(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    neighbors: int = 20,
    temperature: float = 0.07,
) -> dict[str, float]:
    """Score a vote of the nearest features on others; see `fit_nearest`.

    Args:
        train_features: Array `(n, d)`.
        train_labels: Integer array `(n,)`.
        test_features: Array `(m, d)`.
        test_labels: Integer array `(m,)`.
        neighbors: Number of votes. Default: 20.
        temperature: Temperature of the votes' weights. Default: 0.07.

    Returns:
        Dict of `scores`.
    """
    classifier = fit_nearest(train_features, train_labels, neighbors, temperature)
    return scores(test_labels, classifier.predict(test_features))


def fit_nearest(features: np.ndarray, labels: np.ndarray, neighbors: int = 20, temperature: float = 0.07) -> Any:
    """Fit the nearest-neighbor classifier behind all kNN figures of this project.

    Args:
        features: Array `(n, d)`.
        labels: Integer array `(n,)`.
        neighbors: Number of votes, at most n. Default: 20.
        temperature: A vote has the weight `exp(cosine / temperature)`, up to a factor. Above 0. Default: 0.07.

    Returns:
        Fitted `sklearn.neighbors.KNeighborsClassifier`.

    Raises:
        UserError: If there is not one class number for each row, or a number is out of its range.

    Reference:
        Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section 3.4 (200
        neighbors among 1.3 million images).
    """
    check_labels(labels, len(features))
    check_counts(neighbors=neighbors)
    check_between("temperature", temperature, above=0)
    from sklearn.neighbors import KNeighborsClassifier

    def weights(distance):
        return np.exp((distance.min(axis=1, keepdims=True) - distance) / temperature)  # at most 1: none overflows

    nearest = KNeighborsClassifier(min(neighbors, len(features)), weights=weights, metric="cosine")
    return nearest.fit(features, labels)
