"""Predicting attributes of the tokens of a text."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl import distribute, losses, transforms
from keras_ssl.checks import check_between, check_known_length
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.masked.special_ids import are_ordinary, special_ids
from keras_ssl.objectives.pretext.attributes import check_attributes, check_classes, term_of
from keras_ssl.specs import Spec, Specs, check_kind, specs_of
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["TokenAttributes"]


@keras.saving.register_keras_serializable("keras_ssl")
class TokenAttributes(Objective):
    """Predict several attributes of each token from its text, where some tokens are hidden.

    A hidden token is replaced by the mask, so that its attributes must be told from its context. Besides "input",
    batches contain "attributes": floats `(n, length, number of attributes)`, in the order of `attributes`. They are
    class numbers of categorical attributes, and standardized values of continuous ones; NaN is a missing one, which is
    left out, as all those of padding are. `data.token_targets` makes them without human labels.

    Besides the loss it logs `<name>_accuracy` for each categorical attribute, and for each continuous one
    `<name>_error`, the mean squared error, which is 1 if the prediction is always the mean. Each is a mean over the
    tokens whose attribute is known, hidden or not. The loss is the mean of the attributes' cross-entropies and squared
    errors.

    A batch may contain "mask" `(n, length)`, True = hidden.

    Args:
        encoder: Encoder of text, such as `encoders.transformer`.
        attributes: Dict from the name of each attribute to its number of classes, at least 2, or None for a continuous
            attribute. `data.token_targets(…).attributes` is such a dict.
        mask: Id of the mask. Default: 2, as in `tokenizers`.
        mask_ratio: Share of the tokens to hide, rounded to a whole number, at least 1, above 0 and below 1. Default:
            0.5, a choice without measurement.
        special: Ids that stand for no text and are not hidden. The mask and 0, which is padding, always are among them.
            Default: 0..4, as in `tokenizers`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `attributes` is empty or not such a dict, or an id is outside the encoder's vocabulary.

    Reference:
        Caruana 1997, "Multitask Learning"; the hidden tokens as in Devlin et al. 2019, "BERT: Pre-training of Deep
        Bidirectional Transformers", section 3.1.

    Example:
        `TokenAttributes(encoder, {"part_of_speech": 12, "capitalized": 2, "sentiment": None})`
    """

    batch_keys = ("input", "attributes")
    optional_keys = ("mask",)
    missing_keys = ("attributes",)
    batches_call = "data.batches(source, targets=data.token_targets(source, …))"

    def __init__(
        self,
        encoder: keras.Model,
        attributes: dict[str, int | None],
        mask: int = Tokenizer.mask,
        mask_ratio: float = 0.5,
        special: Sequence[int] = Tokenizer.special,
        seed: int = 0,
        **kwargs: Any,
    ):
        check_attributes(attributes)
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "ids", type(self).__name__)
        check_between("mask_ratio", mask_ratio, above=0, below=1)
        self.attributes = attributes
        self.mask = mask
        self.mask_ratio = mask_ratio
        self.special = special_ids(encoder, mask, special)
        self.terms = ("loss", *(term_of(name, classes) for name, classes in attributes.items()))
        width = keras.tree.flatten(parts(encoder).trunk.output)[0].shape[-1]
        self.heads = [layers.Dense(classes or 1, name=f"head_{k}") for k, classes in enumerate(attributes.values(), 1)]
        for head in self.heads:
            head.build((None, None, width))

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, and one float for each attribute of each token."""
        return {"input": specs_of(self.encoder), "attributes": Spec((None, None, len(self.attributes)))}

    def check_array(self, key: str, array: Samples) -> None:
        """Raise `UserError` unless an array can be trained on: attributes are NaN or finite, and their classes exist.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.
        """
        super().check_array(key, array)
        if key == "attributes":
            if np.isnan(array).all():
                raise UserError("attributes of which some are known", "NaN everywhere", "check where they come from")
            check_classes(self.attributes, array)

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Hide tokens, and predict all attributes of each token."""
        ids, attributes = batch["input"], batch["attributes"]
        check_known_length(ids, "texts", type(self).__name__)
        _check_lengths(ids, attributes)
        candidates = are_ordinary(ids, self.special)
        if "mask" in batch:
            hidden = ops.logical_and(ops.cast(batch["mask"], "bool"), candidates)
        else:
            hidden = transforms.hidden_tokens(candidates, self.mask_ratio, self.draws(training).next())
        changed = ops.where(hidden, ops.cast(self.mask, ids.dtype), ids)
        known = ops.logical_and(ops.not_equal(ids, 0)[:, :, None], ops.logical_not(ops.isnan(attributes)))
        return {
            "attributes": ops.where(known, attributes, ops.zeros_like(attributes)),
            "known": known,
            **self._predictions(changed, training),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the predictions with the attributes that are known, over all of the global batch."""
        terms, errors = {}, []
        for k, (name, classes) in enumerate(self.attributes.items()):
            right, known, predicted = outputs["attributes"][..., k], outputs["known"][..., k], outputs[f"head_{k + 1}"]
            if classes is None:
                errors.append(distribute.mean(ops.square(predicted[..., 0] - right), known))
                terms[term_of(name, classes)] = errors[-1]
            else:
                right = ops.cast(right, "int32")
                errors.append(distribute.mean(losses.token_cross_entropy(predicted, right), known))
                equal = ops.equal(ops.cast(ops.argmax(predicted, axis=-1), "int32"), right)
                terms[term_of(name, classes)] = distribute.mean(equal, known)
        return {"loss": sum(errors) / len(errors), **terms}

    def answers(self, ids: Tensor) -> dict[str, Tensor]:
        """Return predictions `(n, length)` by attribute name: class numbers, or standardized values.

        Args:
            ids: Ids `(n, length)`, of which none is hidden.
        """
        scores = self._predictions(self.as_input(ids), training=False)
        found = zip(self.attributes.items(), scores.values())
        return {name: s[..., 0] if classes is None else ops.argmax(s, axis=-1) for (name, classes), s in found}

    def _predictions(self, ids, training):
        frames = parts(self.encoder).frames(ids, training=training)
        return {f"head_{k}": head(frames) for k, head in enumerate(self.heads, 1)}


def _check_lengths(ids, attributes):
    if len({ids.shape[1], attributes.shape[1]} - {None}) > 1:
        raise UserError(
            "attributes of each token for TokenAttributes",
            f"texts of {ids.shape[1]} tokens and attributes of {attributes.shape[1]}",
            "make both of the same ids: `data.token_targets(source, …)`",
        )
