"""Models from one text to another: denoising pretraining, and translation."""

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import keras
import numpy as np
from keras import ops

from keras_ssl import decoders, distribute, losses, transforms
from keras_ssl.checks import check_between, check_counts, check_known_length, check_not_empty
from keras_ssl.errors import UserError
from keras_ssl.networks import checked_ids, id_table, parts, pick, score_ids
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.sequence_to_sequence.beam_search import beam_search
from keras_ssl.specs import Spec, Specs, check_kind, longest_of, specs_of
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["SequenceToSequence"]

_STRIDE = 16  # places by which the decoder's input grows: few shapes, and little padding


@keras.saving.register_keras_serializable("keras_ssl")
class SequenceToSequence(Objective):
    """Predict a text from another one, token by token.

    Without targets it pretrains as BART does: spans of a text become one mask each, its sentences are perhaps put into
    another order, and the text itself is to be predicted. A batch with "target" `(n, t)` has another text to predict,
    such as a translation; nothing is corrupted then. So the pretrained objective itself is fine-tuned, with both
    networks and the scores, by another `compile` and `fit`.

    The decoder sees the true tokens before each place. It predicts each token and then `end`; texts in batches have no
    `begin` and no `end` of their own. The encoder's vectors of ids also embed the decoder's tokens and score the next
    ones, so both texts share one vocabulary. Besides the loss it logs `accuracy`, the share of the tokens that are the
    most probable ones. Padding counts for nothing.

    A batch may also contain "corrupted" `(n, length)`, the ids that the encoder shall see without targets.

    Args:
        encoder: Encoder of text, such as `encoders.transformer`, pretrained or not.
        decoder: `keras.Model` with the inputs and output of `decoders.text`. Default: `decoders.text(encoder)`.
        mask_ratio: Share of a text's tokens in the spans that are replaced. Default: 0.3.
        span_length: Mean length of the spans. Default: 3.
        sentence_ends: Ids that end a sentence; with some, the sentences of a text are permuted. Default: (), none are.
        mask: Id of the mask. Default: 2, as in `tokenizers`.
        begin: Id before the first token. Default: 3, as in `tokenizers`.
        end: Id after the last token. Default: 4, as in `tokenizers`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder has no table of ids, the decoder does not fit it, an id is outside its vocabulary, or
            an argument is out of its range.

    Reference:
        Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training", sections 2 and 5.1. One table for
        encoder, decoder and scores: Vaswani et al. 2017, "Attention Is All You Need", section 3.4.

    Departures:
        See `transforms.infill_spans`. Sentences are permuted only if `sentence_ends` are given. There is no label
        smoothing. For translation BART puts a new encoder in front; here both languages have one vocabulary.

    Example:
        `SequenceToSequence(encoder).fit(texts)`, then `.fit({"input": english, "target": german})`
    """

    optional_keys = ("corrupted", "target")
    terms = ("loss", "accuracy")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        mask_ratio: float = 0.3,
        span_length: float = 3.0,
        sentence_ends: Sequence[int] = (),
        mask: int = Tokenizer.mask,
        begin: int = Tokenizer.begin,
        end: int = Tokenizer.end,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "ids", type(self).__name__)
        self._spec = cast(Spec, specs_of(encoder))
        check_between("mask_ratio", mask_ratio, above=0, below=1)
        check_between("span_length", span_length, above=0)
        self.mask_ratio = mask_ratio
        self.span_length = span_length
        self.sentence_ends = tuple(sentence_ends)
        self.mask = mask
        self.begin = begin
        self.end = end
        checked_ids(encoder, sentence_ends=self.sentence_ends)
        if len(checked_ids(encoder, mask=mask, begin=begin, end=end)) < 3:
            raise UserError(
                "different ids as mask, begin and end", f"{[mask, begin, end]}", "give those of the tokenizer"
            )
        self.decoder = decoders.text(encoder) if decoder is None else decoder
        self.longest = _longest(self.decoder, encoder)
        self.bias = self.add_weight(shape=(id_table(encoder).input_dim,), initializer="zeros", name="bias")

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """Ids of the encoder's vocabulary under every key. How long a target may be depends on the decoder only."""
        return {"input": self._spec, "corrupted": self._spec, "target": dataclasses.replace(self._spec, longest=None)}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Score all ids at each place of the text to predict."""
        source = batch["input"]
        target: Tensor = batch.get("target", source)
        check_known_length(source, "'input'", type(self).__name__)
        check_known_length(target, "'target'", type(self).__name__)
        _check_longest("a text to predict", target.shape[1], self.longest)
        if "target" not in batch:
            source = batch["corrupted"] if "corrupted" in batch else self._corrupted(source, self.draws(training))
        given, wanted = self._shifted(target)
        frames = parts(self.encoder).frames(source, training=training)
        h = self._decoded(given, frames, ops.not_equal(source, 0), training)
        return {"logits": score_ids(self.encoder, h, self.bias), "targets": wanted, "weights": ops.not_equal(wanted, 0)}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the scores with the tokens, over all of the global batch."""
        logits, targets, weights = (outputs[key] for key in ("logits", "targets", "weights"))
        right = ops.equal(ops.cast(ops.argmax(logits, axis=-1), targets.dtype), targets)
        loss = distribute.mean(losses.token_cross_entropy(logits, targets), weights)
        return {"loss": loss, "accuracy": distribute.mean(right, weights)}

    def translate(
        self, ids: Samples, length: int, beams: int = 1, length_penalty: float = 0.6, batch_size: int = 64
    ) -> np.ndarray:
        """Return a probable target for each text; an objective that was only pretrained restores corrupted texts.

        The decoder runs over all tokens so far for each new one; keys and values are not kept.

        Args:
            ids: Integer array `(n, length of the texts)`.
            length: Largest number of tokens in a target.
            beams: Number of hypotheses that are kept. Default: 1, the most probable token is taken each time.
            length_penalty: Power of the length by which log-probabilities are divided; see
                `beam_search.length_penalty`. It only matters with several beams. Default: 0.6, as in Vaswani et al.
                2017, "Attention Is All You Need", section 6.1, with 4 beams.
            batch_size: Number of texts that are decoded together. Default: 64.

        Returns:
            Int32 array `(n, length)`, without `begin` and `end`, padded with 0: `tokenizer.text(row)` reads a row.

        Raises:
            UserError: If a text is empty, ids are outside the vocabulary, or `length` is more than the decoder takes.
        """
        check_counts(length=length, beams=beams, batch_size=batch_size)
        check_between("length_penalty", length_penalty, least=0)
        _check_longest("length", length, self.longest)
        ids = ops.convert_to_numpy(self.as_input(ids))
        check_not_empty(ids)
        found = [
            self._search(ids[k : k + batch_size], length, beams, length_penalty) for k in range(0, len(ids), batch_size)
        ]
        return np.concatenate(found) if found else np.zeros((0, length), "int32")

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed"; "encode", from ids to `frames`, which are 0 at padding; and "next".

        "next" takes frames and the ids so far, `begin` first and padding last, and returns the `logits`
        `(n, vocabulary)` of the next id. A client calls it until `end` is the most probable one.
        """
        so_far = dataclasses.replace(self._spec, longest=None if self.longest is None else self.longest + 1)
        frames = Spec((None, None, parts(self.encoder).trunk.output.shape[-1]), kind="series")
        steps: dict[str, tuple[Any, Specs]] = {
            "encode": (lambda ids: {"frames": self._frames(ids)}, self._spec),
            "next": (lambda given: {"logits": self._next(**given)}, {"frames": frames, "ids": so_far}),
        }
        return {**super().signatures(), **steps}

    def check_array(self, key: str, array: Samples) -> None:
        """Check as `Objective.check_array` does, and check that no text is empty and no target too long.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.
        """
        super().check_array(key, array)
        check_not_empty(array, f"texts as '{key}'", "leave these out, with what belongs to them")
        if key == "target":
            _check_longest("'target'", array.shape[1], self.longest)

    def _corrupted(self, ids, seeds):
        if self.sentence_ends:
            ids = transforms.permute_sentences(ids, self.sentence_ends, seeds.next())
        return transforms.infill_spans(ids, self.mask, self.mask_ratio, self.span_length, seeds.next())

    def _shifted(self, target):
        """The tokens that the decoder is given, with `begin`, and those that it is to predict, with `end`."""
        target = transforms.pack(target)
        edge = ops.zeros_like(target[:, :1])
        wanted = ops.concatenate([target, edge], axis=1)
        size = ops.sum(ops.cast(ops.not_equal(target, 0), "int32"), axis=1, keepdims=True)
        at_end = ops.equal(ops.arange(wanted.shape[1], dtype="int32"), size)
        return ops.concatenate([edge + self.begin, target], axis=1), ops.where(at_end, self.end, wanted)

    def _decoded(self, ids, frames, keep, training=False):
        return self.decoder([id_table(self.encoder)(ids), frames, keep], training=training)

    def _frames(self, ids):
        frames = parts(self.encoder).frames(ids)
        return frames * ops.cast(ops.not_equal(ids, 0), frames.dtype)[..., None]

    def _next(self, frames, ids):
        """Logits of the id after the last one of each row."""
        frames, ids = ops.convert_to_tensor(frames), ops.convert_to_tensor(ids)
        h = self._decoded(ids, frames, ops.any(ops.not_equal(frames, 0), axis=-1))
        last = ops.maximum(ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1) - 1, 0)
        return score_ids(self.encoder, pick(h, last[:, None])[:, 0], self.bias)

    def _search(self, ids, length, beams, power):
        frames = ops.repeat(self._frames(ops.convert_to_tensor(ids)), beams, axis=0)

        def log_probabilities(tokens, place):
            width = min(length + 1, _STRIDE * (place // _STRIDE + 1))
            logits = self._next(frames, tokens[:, :width])
            return ops.convert_to_numpy(ops.log_softmax(ops.cast(logits, "float32")))

        barred = (0, self.mask, self.begin)
        return beam_search(log_probabilities, len(ids), length, self.begin, self.end, beams, power, barred)


def _longest(decoder, encoder):
    """The largest number of tokens in a target, or None for any; the decoder must fit."""
    width, d = id_table(encoder).output_dim, parts(encoder).trunk.output.shape[-1]
    shapes = [tuple(x.shape) for x in getattr(decoder, "inputs", ())]
    fits = len(shapes) == 3 and [len(shape) for shape in shapes] == [3, 3, 2]
    if not fits or [shape[-1] for shape in (*shapes[:2], decoder.output_shape)] != [width, d, width]:
        raise UserError(
            f"a decoder from vectors (n, t, {width}), frames (n, length, {d}) and keep (n, length) to (n, t, {width})",
            f"'{getattr(decoder, 'name', decoder)}' from {', '.join(map(str, shapes)) or 'unknown inputs'}",
            "leave `decoder` out, or make one with `decoders.text(encoder)`",
        )
    places = longest_of(decoder)
    return None if places is None else places - 1


def _check_longest(name, length, longest):
    if longest is not None and length > longest:
        raise UserError(
            f"{name} of at most {longest} tokens, for which the decoder has places",
            f"{length}",
            "cut the texts, or make the decoder with a larger `max_length`",
        )
