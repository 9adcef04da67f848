"""Classifiers for one to five labels a class, without training: the nearest mean, the nearest neighbors."""

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_labels
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, predict_in_batches
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.checking import check_samples
from keras_ssl.trees import count
from keras_ssl.typing import Samples

__all__ = ["knn_classifier", "start_from_prototypes"]


def start_from_prototypes(classifier: keras.Model, images: Samples, labels: np.ndarray) -> None:
    """Set the head of a classifier so that it chooses the class whose mean representation is nearest.

    The squared distance to a class's mean μ is, up to what all classes share, the linear function `2 μ·h - ‖μ‖²` of the
    representation h. It is divided by the mean squared distance of the samples from their class's mean, so that
    probabilities are neither all equal nor all 0 and 1. Training may go on from there.

    Args:
        classifier: Model from `transfer.classifier`.
        images: Array `(n, …)`, or a dict of arrays: what the classifier takes.
        labels: Integer array `(n,)`, with at least one sample of each class.

    Raises:
        UserError: If the images do not fit, or a class has no sample.

    Reference:
        Snell, Swersky & Zemel 2017, "Prototypical Networks for Few-shot Learning", Eqs. 1 and 8.

    Departures:
        The temperature; with one sample in each class it is the mean squared distance between the means.
    """
    images = check_samples(classifier, images)
    head = classifier.layers[-1]
    check_labels(labels, count(images), head.units, at_least=2)
    labels = np.asarray(labels)
    if missing := sorted(set(range(head.units)) - set(labels.tolist())):
        raise UserError(
            "a sample of each class", f"none of class {missing[0]}", "label one, or build it for fewer classes"
        )
    h = predict_in_batches(classifier.layers[-2], images).astype("float64")
    means = np.stack([h[labels == k].mean(axis=0) for k in range(head.units)])
    spread = np.square(h - means[labels]).sum(axis=1).mean() or np.square(means - means.mean(axis=0)).sum(axis=1).mean()
    head.kernel.assign(2 * means.T / max(spread, 1e-12))
    head.bias.assign(-np.square(means).sum(axis=1) / max(spread, 1e-12))


def knn_classifier(
    encoder: keras.Model, images: Samples, labels: np.ndarray, classes: int, k: int = 1, name: str = "classifier"
) -> keras.Model:
    """Build a classifier by the k nearest of labeled samples in the representation. Nothing trains.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`. It is shared, not copied.
        images: Array `(m, …)` of the labeled samples, or a dict of arrays: what the encoder takes.
        labels: Integer array `(m,)`.
        classes: Number of classes.
        k: Number of neighbors, 1 to m. Default: 1.
        name: Name of the model. Default: "classifier".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `probabilities` `(n, classes)`: the share of each
        class among the k nearest by cosine similarity. It holds the representations of the labeled samples.

    Raises:
        UserError: If the images and labels do not fit, or there are fewer than k.
    """
    check_encoder(encoder)
    check_finite_weights(encoder)
    images = check_samples(encoder, images)
    check_labels(labels, count(images), classes)
    check_between("k", k, least=1, most=count(images), whole=True)
    h = predict_in_batches(encoder, images)
    h = h / np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12)
    samples = len(h)
    frozen = {"trainable": False, "dtype": "float32"}
    vectors = keras.layers.Dense(samples, use_bias=False, name="vectors", **frozen)
    classes_of = keras.layers.Embedding(samples, classes, name="classes", **frozen)
    inputs = inputs_like(encoder)
    unit = keras.layers.UnitNormalization(dtype="float32", name="unit")(encoder(inputs))
    _, nearest = ops.top_k(vectors(unit), k)
    outputs = keras.layers.GlobalAveragePooling1D(dtype="float32", name="probabilities")(classes_of(nearest))
    vectors.set_weights([h.T])
    classes_of.set_weights([np.eye(classes)[labels]])
    return keras.Model(inputs, outputs, name=name)
