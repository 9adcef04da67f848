"""Classifiers on frozen representations."""

import numpy as np

from keras_ssl import data
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.metrics import scores
from keras_ssl.transfer import fit_linear

__all__ = ["knn", "linear_probe"]


def linear_probe(encoder, train, test):
    """Scores on `test` of a linear classifier fitted on the frozen representations of `train`.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        train: Labelled `data.Source`.
        test: Labelled `data.Source`.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the images do not fit.
    """
    data.check_labelled(train, test)
    classifier = fit_linear(embed(encoder, train), train.labels)
    return scores(test.labels, classifier.predict(embed(encoder, test)))


def knn(encoder, train, test, neighbours=20, temperature=0.07):
    """Scores on `test` of a vote among the nearest samples of `train` by cosine.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        train: Labelled `data.Source`.
        test: Labelled `data.Source`.
        neighbours: Number of votes; all of `train` if that has fewer. Default 20.
        temperature: A vote weighs `exp(cosine / temperature)`. Default 0.07.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the images do not fit.

    Reference:
        Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section 3.4 (there
        with 200 neighbours of 1.3 million images).
    """
    from sklearn.neighbors import KNeighborsClassifier

    data.check_labelled(train, test)

    def weights(distance):
        return np.exp((1.0 - distance) / temperature)

    classifier = KNeighborsClassifier(min(neighbours, len(train)), weights=weights, metric="cosine")
    classifier.fit(embed(encoder, train), train.labels)
    return scores(test.labels, classifier.predict(embed(encoder, test)))
