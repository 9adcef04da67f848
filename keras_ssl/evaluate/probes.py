"""Classifiers on frozen representations."""

import numpy as np

from keras_ssl import data
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.metrics import scores
from keras_ssl.transfer import fit_linear

__all__ = ["fit_nearest", "knn", "linear_probe"]


def linear_probe(encoder, train, test):
    """Scores on `test` of a linear classifier fitted on the frozen representations of `train`.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the images do not fit.
    """
    data.check_labeled(train, test)
    classifier = fit_linear(embed(encoder, train), train.labels)
    return scores(test.labels, classifier.predict(embed(encoder, test)))


def knn(encoder, train, test, neighbors=20, temperature=0.07):
    """Scores on `test` of a vote among the nearest samples of `train`; see `fit_nearest`.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.
        neighbors: Number of votes. Default 20.
        temperature: Of the votes' weights. Default 0.07.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the images do not fit.
    """
    data.check_labeled(train, test)
    classifier = fit_nearest(embed(encoder, train), train.labels, neighbors, temperature)
    return scores(test.labels, classifier.predict(embed(encoder, test)))


def fit_nearest(features, labels, neighbors=20, temperature=0.07):
    """Fit the nearest-neighbor classifier that all kNN figures of this project use.

    Args:
        features: Array `(n, d)`.
        labels: Integer array `(n,)`.
        neighbors: Number of votes; n if that is smaller. Default 20.
        temperature: A vote weighs `exp(cosine / temperature)`. Default 0.07.

    Returns:
        Fitted `sklearn.neighbors.KNeighborsClassifier`.

    Reference:
        Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section 3.4 (there
        with 200 neighbors of 1.3 million images).
    """
    from sklearn.neighbors import KNeighborsClassifier

    def weights(distance):
        return np.exp((1.0 - distance) / temperature)

    nearest = KNeighborsClassifier(min(neighbors, len(features)), weights=weights, metric="cosine")
    return nearest.fit(features, labels)
