"""Heads that give each token of a text, or each frame of another sequence, a class."""

import keras
import numpy as np

from keras_ssl.checks import as_array, check_between, check_labels
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, parts, predict_in_batches
from keras_ssl.specs import Spec, check_kind, inputs_like, specs_of
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.missing import ignored_class

__all__ = ["tagger"]


def tagger(encoder: keras.Model, classes: int, name: str = "tagger") -> keras.Model:
    """Build a tagger: the encoder's `tokens` and `trunk`, nested as one layer under its name, and a softmax layer.

    Labels are class numbers `(n, length)`, one for each token, and -1 where there is none: at padding, and at all
    tokens of a word but its first (`transfer.token_labels`). Of recordings and series each frame has one. Compile with
    `losses.WhereKnown("sparse_categorical_crossentropy")`, which averages over the labels that there are, also on
    replicas that have different numbers of them. `fit` checks ids and labels, as `transfer.classifier` does.

    Args:
        encoder: Encoder of sequences of the layers `tokens` and `trunk` (`networks.parts`), such as
            `encoders.transformer`. It is shared, not copied; its pool, if it has one, is not used.
        classes: Number of classes, at least 2.
        name: Name of the model. Default: "tagger".

    Returns:
        Functional `keras.Model` from inputs like the encoder's, such as `ids` `(n, length)`, to `probabilities`
        `(n, length, classes)` in float32, not compiled.

    Raises:
        UserError: If there are fewer than 2 classes, the encoder does not have these parts, or its weights are not
            finite; from `fit`, if samples or labels cannot be trained on.

    Example:
        `model = transfer.tagger(encoder, classes=17)`, then
        `model.compile("adam", losses.WhereKnown("sparse_categorical_crossentropy"))`
    """
    check_between("classes", classes, least=2, whole=True)
    found = parts(encoder, pooled=False)
    spec = specs_of(encoder)
    kind = spec.kind if isinstance(spec, Spec) and spec.kind else "ids"
    check_kind(encoder, kind, "a tagger")
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    given = found.tokens(inputs)
    frames = keras.Model(inputs, found.trunk(given), name=encoder.name)
    keep = keras.Model(inputs, given[1]) if kind == "ids" and found.padded else None
    inputs = inputs_like(encoder)
    head = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")
    return with_checked_fit(keras.Model(inputs, head(frames(inputs)), name=name), _check_tags(classes, keep))


def _check_tags(classes, keep) -> CheckTargets:
    def check(model, x, y, whole):
        labels, wanted = as_array(y, "labels", strings=True), model.compute_output_shape(np.shape(x))[:2]
        if labels.shape != wanted:
            raise UserError(
                f"labels of shape {wanted}, one for each token",
                f"shape {labels.shape}",
                "`transfer.token_labels` makes them of one label for each word",
            )
        missing = ignored_class(model)
        check_labels(labels[labels != missing], classes=classes, at_least=2 if whole else 0)  # all, if that is None
        padding = labels[:0] if keep is None else labels[predict_in_batches(keep, x) == 0]
        if missing is not None and (padding != missing).any():
            raise UserError(
                f"{missing} as the label of padding",
                f"labels of {(padding != missing).sum()} of its places",
                f"set them to {missing}",
            )

    return check
