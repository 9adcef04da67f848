"""Objectives that predict what can be computed of a sample without a person."""

import keras
import numpy as np
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_labels, check_values
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective

__all__ = ["AttributePrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class AttributePrediction(Objective):
    """Predict several attributes of a sample, each by a linear head of its own, so that one encoder knows them all.

    Batches hold, beside "input", "attributes": floats `(n, number of attributes)` in the order of `attributes`; class
    numbers of categorical ones, and standardized values of continuous ones. `data.batches(source, targets=…)` makes
    them.

    Logs, beside the loss, `<name>_accuracy` of each categorical attribute, and of each continuous one `<name>_error`,
    its mean squared error: 1 is that of answering with the mean.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        attributes: Dict of the attributes' names and, for a categorical one, its number of classes, at least 2; None
            for a continuous one. `data.targets(…).attributes` is one.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `attributes` is empty or not such a dict.

    Reference:
        Caruana 1997, "Multitask Learning".
    """

    batch_keys = ("input", "attributes")
    batches_call = "data.batches(source, targets=data.targets(source, …))"

    def __init__(self, encoder, attributes, seed=0, **kwargs):
        _check_attributes(attributes)
        super().__init__(encoder, seed=seed, **kwargs)
        self.attributes = attributes
        self.terms = ("loss", *(_term(name, classes) for name, classes in attributes.items()))
        self.heads = [
            heads.linear(encoder, classes or 1, name=f"head_{k}") for k, classes in enumerate(attributes.values(), 1)
        ]

    @property
    def batch_shapes(self):
        """Shapes of the encoder's input, and of the attributes."""
        return {"input": self.encoder.input_shape, "attributes": (None, len(self.attributes))}

    def check_array(self, key, array):
        """Raise `UserError` unless an array can be trained on: attributes that are finite, and classes that exist."""
        if key != "attributes":
            super().check_array(key, array)
            return
        check_values(array.astype("float32"), (-np.inf, np.inf), name="'attributes'")
        columns = array.T if array.ndim == 2 else ()  # of another shape the first batch says so
        for values, (name, classes) in zip(columns, self.attributes.items()):
            numbers = values.astype("int64")
            if classes is not None and (numbers != values).any():
                raise UserError(
                    f"class numbers of '{name}'", "fractions", "give None in place of its number of classes"
                )
            if classes is not None:
                check_labels(numbers, classes=classes, name=f"class numbers of '{name}'")

    def forward_pass(self, batch, training):
        """Encode, and predict every attribute."""
        h = self.encoder(batch["input"], training=training)
        predicted = {f"head_{k}": head(h, training=training) for k, head in enumerate(self.heads)}
        return {"attributes": batch["attributes"], **predicted}

    def answers(self, images):
        """Return a dict of what is predicted of `images`, `(n,)` each: class numbers, or standardized values."""
        h = self.encoder(self.as_images(images), training=False)
        scores = {name: head(h, training=False) for name, head in zip(self.attributes, self.heads)}
        categorical = {name: classes is not None for name, classes in self.attributes.items()}
        return {name: ops.argmax(x, axis=-1) if categorical[name] else x[:, 0] for name, x in scores.items()}

    def loss_terms(self, outputs):
        """Compare the predictions with the attributes: cross-entropies and squared errors, which count alike."""
        terms, parts = {}, []
        for k, (name, classes) in enumerate(self.attributes.items()):
            right, predicted = outputs["attributes"][:, k], outputs[f"head_{k}"]
            if classes is None:
                parts.append(losses.squared_error(predicted[:, 0], right))
                terms[_term(name, classes)] = parts[-1]
            else:
                parts.append(losses.cross_entropy(predicted, right))
                terms[_term(name, classes)] = measures.accuracy(predicted, right)
        return {"loss": sum(parts) / len(parts), **terms}


def _term(name, classes):
    return f"{name}_error" if classes is None else f"{name}_accuracy"


def _check_attributes(attributes):
    fits = isinstance(attributes, dict) and attributes and all(isinstance(name, str) for name in attributes)
    if not fits or not all(c is None or (isinstance(c, int | np.integer) and c >= 2) for c in attributes.values()):
        raise UserError(
            "attributes as a dict of names and numbers of classes (at least 2; None for a continuous attribute)",
            repr(attributes),
            "give `data.targets(source, …).attributes`, for instance",
        )
