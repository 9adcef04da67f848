"""Heads for downstream tasks."""

import keras

from keras_ssl.checks import check_between
from keras_ssl.networks import check_finite_weights
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.checking import check_classes, with_checked_fit

__all__ = ["classifier"]


def classifier(encoder: keras.Model, classes: int, name: str = "classifier") -> keras.Model:
    """Build a classifier: an encoder, nested as one layer under its own name, and a softmax layer on top.

    The encoder is shared, not copied: training the classifier trains it, unless `transfer.freeze` freezes it. `fit`
    checks samples, and the labels of the loss "sparse_categorical_crossentropy": arrays whole, data sets at their first
    batch. It is an ordinary model in everything else; one that is loaded from its file does not check.
    `callbacks.Guard()` also stops it on losses that are not finite.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`. Encoders of text average the tokens;
            `encoders.with_pool` gives them another pooling.
        classes: Number of classes, at least 2.
        name: Name of the model. Default: "classifier".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `probabilities` `(n, classes)` in float32, not
        compiled. Compile it with the loss "sparse_categorical_crossentropy".

    Raises:
        UserError: If there are fewer than 2 classes, the encoder does not return one vector for each sample, or its
            weights are not finite; from `fit`, if samples or labels cannot be trained on.
    """
    check_between("classes", classes, least=2, whole=True)
    check_encoder(encoder)
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    head = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")
    return with_checked_fit(keras.Model(inputs, head(encoder(inputs)), name=name), check_classes(classes))
