"""Support vector machines on frozen representations, by which representations of series are compared."""

from typing import Any

import keras
import numpy as np

from keras_ssl import data
from keras_ssl.checks import check_labels
from keras_ssl.evaluate.embedding import embed_labeled
from keras_ssl.evaluate.metrics import scores

__all__ = ["fit_svm", "svm_probe", "svm_probe_of_features"]

_PENALTIES = (*(10.0**k for k in range(-4, 5)), np.inf)
_FOLDS, _FEWEST, _MOST = 5, 50, 10_000


def svm_probe(encoder: keras.Model | None, train: data.Source, test: data.Source) -> dict[str, float]:
    """Fit a support vector machine on the frozen representations of `train`, and score it on `test`; see `fit_svm`.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.

    Returns:
        Dict of `scores`.

    Raises:
        UserError: If a source has no labels, or the samples do not fit.
    """
    return svm_probe_of_features(*embed_labeled(encoder, train, test))


def svm_probe_of_features(
    train_features: np.ndarray, train_labels: np.ndarray, test_features: np.ndarray, test_labels: np.ndarray
) -> dict[str, float]:
    """Fit a support vector machine on features, and score it on others; see `fit_svm`.

    Args:
        train_features: Array `(n, d)`.
        train_labels: Integer array `(n,)`.
        test_features: Array `(m, d)`.
        test_labels: Integer array `(m,)`.

    Returns:
        Dict of `scores`.
    """
    return scores(test_labels, fit_svm(train_features, train_labels).predict(test_features))


def fit_svm(features: np.ndarray, labels: np.ndarray) -> Any:
    """Fit a support vector machine with an RBF kernel, as series classification by representations is measured.

    Its penalty C is the best of 10^-4 … 10^4 and infinity by 5-fold cross-validation. It is infinity with fewer than 50
    samples, with fewer than 5 for each class on average, or if a class has a single one. Of more than 10,000 samples a
    part is used, with all classes alike.

    Args:
        features: Array `(n, d)`.
        labels: Integer array `(n,)` of at least two classes.

    Returns:
        Fitted `sklearn.svm.SVC`, or the `GridSearchCV` of it.

    Raises:
        UserError: If there is not one class number for each row, or all are the same.

    Reference:
        Franceschi et al. 2019, "Unsupervised Scalable Representation Learning for Multivariate Time Series", section
        5.1 and S3.2.2, whose protocol Yue et al. 2022, "TS2Vec", use.

    Departures:
        A class with a single sample is not cross-validated: in one fold the machine would not know it.
    """
    check_labels(labels, len(features), at_least=2)
    from sklearn.model_selection import GridSearchCV, train_test_split
    from sklearn.svm import SVC

    machine = SVC(C=np.inf, max_iter=10_000_000)
    counts = np.unique(labels, return_counts=True)[1]
    if len(labels) < _FEWEST or len(labels) // len(counts) < _FOLDS or counts.min() < 2:
        return machine.fit(features, labels)
    if len(labels) > _MOST:
        features, _, labels, _ = train_test_split(features, labels, train_size=_MOST, random_state=0, stratify=labels)
    search = GridSearchCV(machine, {"C": _PENALTIES}, cv=_FOLDS)
    return search.fit(features, labels)
