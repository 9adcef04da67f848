"""Heads for downstream tasks."""

import keras

from keras_ssl.checks import check_between
from keras_ssl.networks import check_finite_weights
from keras_ssl.specs import inputs_like

__all__ = ["classifier"]


def classifier(encoder: keras.Model, classes: int, name: str = "classifier") -> keras.Model:
    """Build a classifier: an encoder, nested as one layer under its own name, and a softmax layer on top.

    The encoder is shared, not copied: training the classifier trains it, unless `transfer.freeze` freezes it. `fit`
    itself does not check arrays; `callbacks.Guard()` stops it on losses that are not finite, and on images and labels
    that it is given and that are not finite or out of range.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        classes: Number of classes, at least 2.
        name: Name of the model. Default: "classifier".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `probabilities` `(n, classes)` in float32, not
        compiled. Compile it with the loss "sparse_categorical_crossentropy".

    Raises:
        UserError: If there are fewer than 2 classes, or weights of the encoder are not finite.
    """
    check_between("classes", classes, least=2, whole=True)
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    head = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")
    return keras.Model(inputs, head(encoder(inputs)), name=name)
