"""Masked language models."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import distribute, losses, transforms
from keras_ssl.checks import check_between, check_known_length
from keras_ssl.errors import UserError
from keras_ssl.networks import id_table, parts, pick, score_ids, scoring_layer
from keras_ssl.objectives.base import assertions
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.masked.filling import ids_with_masks, most_probable
from keras_ssl.objectives.masked.special_ids import are_ordinary, special_ids
from keras_ssl.specs import Specs, check_kind, inputs_like, specs_of
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["MaskedLanguageModel"]


@keras.saving.register_keras_serializable("keras_ssl")
class MaskedLanguageModel(Objective):
    """Predict hidden tokens of a text from all others, as BERT does.

    Which tokens are hidden is drawn anew in every step. Of these, 80 % become the mask, 10 % random tokens, and 10 %
    stay. Padding and the other special ids are neither hidden nor drawn. The vectors that look up the ids also score
    them.

    Besides the loss it logs `accuracy`, the share of the hidden tokens that are the most probable ones.

    A batch may contain "mask" `(n, length)`, True = hidden, and "replacement" `(n, length)`, the ids to put there. All
    rows of a batch have the same length, with padding where texts are shorter.

    Args:
        encoder: Encoder of text, such as `encoders.transformer`.
        mask: Id of the mask. Default: 2, as in `tokenizers`.
        mask_ratio: Share of the tokens of each text to hide, rounded to a whole number, at least 1. Default: 0.15.
        first_of_word: Boolean sequence `(vocabulary,)`, True for tokens that begin a word: then whole words are hidden.
            `tokenizer.first_of_word` is one. Default: None, each token is hidden or not for itself.
        special: Ids that stand for no text. The mask and 0, which is padding, always are among them. Default: 0..4, as
            in `tokenizers`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder has no table of ids, an id is outside its vocabulary, or an argument is out of range.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", section 3.1, task 1; drawn anew in
        every step as in Liu et al. 2019, "RoBERTa", section 4.1.

    Departures:
        There is no next-sentence task, and no dense layer between the frames and the scores of the ids.

    Example:
        `MaskedLanguageModel(encoders.transformer(t.vocabulary), first_of_word=t.first_of_word)`
    """

    terms = ("loss", "accuracy")
    optional_keys = ("mask", "replacement")

    def __init__(
        self,
        encoder: keras.Model,
        mask: int = Tokenizer.mask,
        mask_ratio: float = 0.15,
        first_of_word: Sequence[bool] | None = None,
        special: Sequence[int] = Tokenizer.special,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "ids", type(self).__name__)
        check_between("mask_ratio", mask_ratio, above=0, below=1)
        self.vocabulary = id_table(encoder).input_dim
        self.mask = mask
        self.mask_ratio = mask_ratio
        self.first_of_word = None if first_of_word is None else tuple(map(bool, first_of_word))
        self.special = special_ids(encoder, mask, special)
        self.ordinary = sorted(set(range(self.vocabulary)) - set(self.special))
        _check_first(self.first_of_word, self.vocabulary)
        self.bias = self.add_weight(shape=(self.vocabulary,), initializer="zeros", name="bias")

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, and so what replaces it."""
        return dict.fromkeys(("input", "replacement"), specs_of(self.encoder))

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Hide tokens, and score all ids at the hidden places."""
        ids = batch["input"]
        check_known_length(ids, "texts", type(self).__name__)
        candidates = are_ordinary(ids, self.special)
        most = transforms.most_hidden(ids.shape[1], self.mask_ratio)
        seeds = self.draws(training)
        if "mask" in batch:
            hidden = _at_most(most, ops.logical_and(ops.cast(batch["mask"], "bool"), candidates))
        else:
            hidden = transforms.hidden_tokens(candidates, self.mask_ratio, seeds.next(), self._words(ids, candidates))
        if "replacement" in batch:
            changed = ops.where(hidden, ops.cast(batch["replacement"], ids.dtype), ids)
        else:
            changed = transforms.masked_tokens(ids, hidden, self.mask, np.array(self.ordinary, "int32"), seeds.next())
        # a fixed number of places: where fewer are hidden, the others have a weight of 0
        places = ops.argsort(ops.cast(ops.logical_not(hidden), "int32"), axis=1)[:, :most]
        frames = pick(parts(self.encoder).frames(changed, training=training), places)
        return {
            "logits": score_ids(self.encoder, frames, self.bias),
            "targets": ops.take_along_axis(ids, places, axis=1),
            "weights": ops.take_along_axis(hidden, places, axis=1),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the scores with the hidden tokens, over all of the global batch."""
        logits, targets, weights = (outputs[key] for key in ("logits", "targets", "weights"))
        right = ops.equal(ops.cast(ops.argmax(logits, axis=-1), targets.dtype), targets)
        loss = distribute.mean(losses.token_cross_entropy(logits, targets), weights)
        return {"loss": loss, "accuracy": distribute.mean(right, weights)}

    def logits(self, ids: Tensor) -> Tensor:
        """Return the scores of all ids at each place.

        Args:
            ids: Integer array `(n, length)`.

        Returns:
            Float32 tensor `(n, length, vocabulary)`.
        """
        frames = parts(self.encoder).frames(self.as_input(ids))
        return ops.cast(score_ids(self.encoder, frames, self.bias), "float32")

    def fill(
        self, samples: Sequence[str] | np.ndarray, tokenizer: Any = None, top: int = 5
    ) -> list[list[list[tuple[Any, float]]]]:
        """Return the most probable tokens at each mask, with their probabilities.

        Args:
            samples: Texts that contain the tokenizer's mask, "[MASK]", or ids `(n, length)`.
            tokenizer: The tokenizer that the model was trained with, for texts. Default: None, for ids.
            top: Number of tokens for each mask. Default: 5.

        Returns:
            For each sample and each of its masks in order, a list of `top` pairs of a token and its probability among
            all that are not special. Tokens are strings if there is a tokenizer, and else ids.

        Raises:
            UserError: If a sample has no mask, or the tokenizer is not the model's.

        Example:
            `model.fill(["paris is the capital of [MASK]"], tokenizer)`
        """
        check_between("top", top, 1, len(self.ordinary), whole=True)
        if tokenizer is not None:
            samples = ids_with_masks(samples, tokenizer, self.vocabulary, self.mask)
        ids = self.as_input(samples)
        masked = ops.convert_to_numpy(ids) == self.mask
        counts = masked.sum(axis=1)
        if not counts.all():
            raise UserError(
                "a mask in each text",
                f"none in text {counts.argmin()}",
                f"put {self.mask if tokenizer is None else tokenizer.tokens[self.mask]} where a token is missing",
            )
        frames = ops.convert_to_numpy(parts(self.encoder).frames(ids))[masked]
        logits = score_ids(self.encoder, frames, self.bias)
        found = most_probable(ops.convert_to_numpy(logits), self.special, top)
        if tokenizer is not None:
            found = [[(tokenizer.tokens[one], probability) for one, probability in pairs] for pairs in found]
        return [found[end - count : end] for end, count in zip(np.cumsum(counts), counts)]

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "logits", the scores of all ids at each place, by which a client fills masks.

        In "logits" the vectors of the ids are stored twice, as those that look up and those that score.
        """
        ids = inputs_like(self.encoder)
        layer = scoring_layer(self.encoder, self.bias)
        fill = keras.Model(ids, {"logits": layer(parts(self.encoder).frames(ids))}, name="logits")
        return {**super().signatures(), "logits": (fill, specs_of(self.encoder))}

    def check_array(self, key: str, array: Samples) -> None:
        """Check as `Objective.check_array` does, and check that ids and masks can be hidden.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.

        Raises:
            UserError: Also if all ids of an array are special, or a mask hides more tokens than `mask_ratio` asks for.
        """
        super().check_array(key, array)
        if key == "input" and np.isin(array, self.special).all():
            raise UserError("texts with tokens to hide", "special ids only, such as padding", "check the tokenizer")
        if key == "mask":
            most = transforms.most_hidden(array.shape[1], self.mask_ratio)
            if (hidden := array.astype(bool).sum(axis=1)).max() > most:
                raise _too_many(most, f"{hidden.max()} at index {hidden.argmax()}")

    def _words(self, ids, candidates):
        if self.first_of_word is None:
            return None
        first = ops.take(ops.convert_to_tensor(self.first_of_word, "bool"), ids, axis=0)
        return transforms.word_numbers(first, candidates)


def _at_most(most, hidden):
    """Make TensorFlow raise if a mask hides more tokens, which would not be predicted."""
    right = ops.sum(ops.cast(hidden, "int32"), axis=1) <= most
    error = _too_many(most, "masks that hide more")
    return assertions.assert_all(hidden, right, error.expected, error.received, error.do)


def _too_many(most, received):
    return UserError(
        f"masks that hide at most {most} tokens of each text", received, "hide fewer, or give a higher `mask_ratio`"
    )


def _check_first(first_of_word, vocabulary):
    if first_of_word is not None and len(first_of_word) != vocabulary:
        raise UserError(
            f"one value of first_of_word for each of {vocabulary} ids",
            f"{len(first_of_word)}",
            "give that of the tokenizer that made the ids",
        )
