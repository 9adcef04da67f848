"""A head for samples that may belong to several classes at once."""

import keras
import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.missing import check_some_count, ignores_missing, loss_of
from keras_ssl.trees import count

__all__ = ["multi_label"]


def multi_label(encoder: keras.Model, classes: int, name: str = "multi_label") -> keras.Model:
    """Build a classifier of several labels: an encoder, nested as one layer under its own name, and a sigmoid layer.

    Labels are 0 or 1 for each class, in any combination. Where some are missing, mark them with NaN (or -1 among
    integers) and train with `losses.WhereKnown(losses.each_binary_crossentropy)`, which averages over the others.
    `fit` checks samples and labels, as `transfer.classifier` does.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`, which is shared, not copied.
        classes: Number of classes, at least 1.
        name: Name of the model. Default: "multi_label".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `probabilities` `(n, classes)` in float32, one for
        each class by itself, not compiled. Compile it with the loss "binary_crossentropy".

    Raises:
        UserError: If there is no class, the encoder does not return one vector for each sample, or its weights are not
            finite; from `fit`, if samples or labels cannot be trained on.
    """
    check_between("classes", classes, least=1, whole=True)
    check_encoder(encoder)
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    head = keras.layers.Dense(classes, activation="sigmoid", dtype="float32", name="probabilities")
    return with_checked_fit(keras.Model(inputs, head(encoder(inputs)), name=name), _check_labels(classes))


def _check_labels(classes) -> CheckTargets:
    def check(model, x, y, whole):
        labels = as_array(y, "labels", strings=True)
        if labels.shape != (count(x), classes) or labels.dtype.kind not in "biuf":
            raise UserError(
                f"labels of shape ({count(x)}, {classes}), 0 or 1 for each class",
                f"dtype {labels.dtype}, shape {labels.shape}",
                "give a row for each sample; scikit-learn's `MultiLabelBinarizer` makes them of lists of classes",
            )
        missing = np.isnan(labels) if labels.dtype.kind == "f" else labels == -1
        if missing.any() and not ignores_missing(model):
            raise UserError(
                "labels of 0 or 1",
                f"{missing.sum()} that are missing, the first at index {np.argmax(missing.any(axis=1))}",
                "train with the loss `losses.WhereKnown(losses.each_binary_crossentropy)`, or leave these samples out",
            )
        if whole and missing.all():
            raise UserError("at least one label that is known", "none", "give labels of 0 and 1")
        if (wrong := ~missing & (labels != 0) & (labels != 1)).any():
            row, column = np.argwhere(wrong)[0]
            received = f"{labels[row, column]} at index {row}, class {column} ({wrong.sum()} such in all)"
            raise UserError("labels of 0 or 1", received, "give 1 for each class that a sample belongs to, else 0")
        if whole and missing.any():
            check_some_count(loss_of(model), labels)

    return check
