"""Heads for downstream tasks."""

import keras

from keras_ssl.errors import UserError

__all__ = ["classifier"]


def classifier(encoder, classes, name="classifier"):
    """An encoder, nested as one layer under its own name, and a softmax layer on top.

    The encoder is shared, not copied: training the classifier trains it, unless `transfer.freeze` holds it still. A
    bare `fit` on arrays is not checked; `callbacks.Guard()` stops it on input, labels or losses that are not finite
    or in range.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        classes: Number of classes, at least 2.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from input `image` to `probabilities` `(n, classes)` in float32, not compiled. Its
        loss is "sparse_categorical_crossentropy".

    Raises:
        UserError: If there are fewer than 2 classes.
    """
    if classes < 2:
        raise UserError("at least 2 classes", f"classes={classes}", "give the number of classes of the labeled data")
    inputs = keras.Input(encoder.input_shape[1:], name="image")
    head = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")
    return keras.Model(inputs, head(encoder(inputs)), name=name)
