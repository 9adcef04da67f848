"""Objectives that predict attributes that can be computed from a sample, without human labels."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_labels
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Spec, Specs, specs_of
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["AttributePrediction", "check_attributes", "check_classes", "term_of"]


@keras.saving.register_keras_serializable("keras_ssl")
class AttributePrediction(Objective):
    """Predict several attributes of a sample from one encoder, each with its own linear head.

    Besides "input", batches contain "attributes": floats `(n, number of attributes)`, with columns in the order of
    `attributes`. They are class numbers of categorical attributes, and standardized values of continuous ones.
    `data.batches(source, targets=…)` makes them.

    Besides the loss it logs `<name>_accuracy` for each categorical attribute, and for each continuous one
    `<name>_error`, the mean squared error, which is 1 if the prediction is always the mean.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        attributes: Dict from the name of each attribute to its number of classes, at least 2, or None for a continuous
            attribute. `data.targets(…).attributes` is such a dict.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `attributes` is empty or not such a dict.

    Reference:
        Caruana 1997, "Multitask Learning".
    """

    batch_keys = ("input", "attributes")
    batches_call = "data.batches(source, targets=data.targets(source, …))"

    def __init__(self, encoder: keras.Model, attributes: dict[str, int | None], seed: int = 0, **kwargs: Any):
        check_attributes(attributes)
        super().__init__(encoder, seed=seed, **kwargs)
        self.attributes = attributes
        self.terms = ("loss", *(term_of(name, classes) for name, classes in attributes.items()))
        self.heads = [
            heads.linear(encoder, classes or 1, name=f"head_{k}") for k, classes in enumerate(attributes.values(), 1)
        ]

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, and one float for each attribute."""
        return {"input": specs_of(self.encoder), "attributes": Spec((None, len(self.attributes)))}

    def check_array(self, key: str, array: Samples) -> None:
        """Raise `UserError` unless an array can be trained on: attributes must be finite, and class numbers must exist.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.
        """
        super().check_array(key, array)
        if key == "attributes":
            check_classes(self.attributes, array)

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Encode the input and predict every attribute."""
        h = self.encoder(batch["input"], training=training)
        predicted = {f"head_{k}": head(h, training=training) for k, head in enumerate(self.heads)}
        return {"attributes": batch["attributes"], **predicted}

    def answers(self, images: Tensor) -> dict[str, Tensor]:
        """Return predictions `(n,)` for `images` by attribute name: class numbers, or standardized values."""
        h = self.encoder(self.as_input(images), training=False)
        scores = {name: head(h, training=False) for name, head in zip(self.attributes, self.heads)}
        categorical = {name: classes is not None for name, classes in self.attributes.items()}
        return {name: ops.argmax(x, axis=-1) if categorical[name] else x[:, 0] for name, x in scores.items()}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the predictions with the attributes: the loss is the mean of cross-entropies and squared errors."""
        terms, parts = {}, []
        for k, (name, classes) in enumerate(self.attributes.items()):
            right, predicted = outputs["attributes"][:, k], outputs[f"head_{k}"]
            if classes is None:
                parts.append(losses.squared_error(predicted[:, 0], right))
                terms[term_of(name, classes)] = parts[-1]
            else:
                parts.append(losses.cross_entropy(predicted, right))
                terms[term_of(name, classes)] = measures.accuracy(predicted, right)
        return {"loss": sum(parts) / len(parts), **terms}


def term_of(name: str, classes: int | None) -> str:
    """Return the name of the logged figure of an attribute: `<name>_error` if it is continuous, else `<name>_accuracy`.

    Args:
        name: Name of the attribute.
        classes: Its number of classes, or None.
    """
    return f"{name}_error" if classes is None else f"{name}_accuracy"


def check_attributes(attributes: dict[str, int | None]) -> None:
    """Raise `UserError` unless `attributes` is a dict from names to numbers of classes.

    Args:
        attributes: Dict; numbers are at least 2, or None for a continuous attribute.
    """
    fits = isinstance(attributes, dict) and attributes and all(isinstance(name, str) for name in attributes)
    if not fits or not all(c is None or (isinstance(c, int | np.integer) and c >= 2) for c in attributes.values()):
        raise UserError(
            "attributes as a dict from names to numbers of classes (at least 2, or None for a continuous attribute)",
            repr(attributes),
            "give `data.targets(source, …).attributes`, for instance",
        )


def check_classes(attributes: dict[str, int | None], array: np.ndarray) -> None:
    """Raise `UserError` unless the values of categorical attributes are class numbers that exist.

    Args:
        attributes: See `check_attributes`.
        array: Floats `(…, number of attributes)`, NaN where one is missing.
    """
    for values, (name, classes) in zip(np.moveaxis(array, -1, 0), attributes.items()):
        if classes is None:
            continue
        known = values[~np.isnan(values)]
        numbers = known.astype("int64")
        if (numbers != known).any():
            raise UserError(
                f"class numbers of '{name}'",
                "fractions",
                "for a continuous attribute, give None as its number of classes",
            )
        check_labels(numbers, classes=classes, name=f"class numbers of '{name}'")
