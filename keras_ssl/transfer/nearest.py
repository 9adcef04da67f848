"""A classifier for one to five labels a class, without training: the nearest neighbors."""

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_labels
from keras_ssl.networks import check_finite_weights, predict_in_batches
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.checking import check_samples
from keras_ssl.trees import count
from keras_ssl.typing import Samples

__all__ = ["knn_classifier"]


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
