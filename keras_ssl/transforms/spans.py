"""Corruption of text by spans: pure functions of rows of ids and a seed."""

import math

import keras
import numpy as np
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["infill_spans", "pack", "permute_sentences"]


def pack(ids: Tensor) -> Tensor:
    """Move the padding of each row behind its other ids, which keep their order.

    Args:
        ids: Integer tensor `(n, length)`; 0 is padding. The length is known.

    Returns:
        Tensor like `ids`.
    """
    length = ids.shape[1]
    place = ops.arange(length, dtype="int32")
    return _reordered(ids, ops.where(ops.equal(ids, 0), length + place, place))


def infill_spans(ids: Tensor, mask_id: int, ratio: float, span_length: float, seed: Tensor) -> Tensor:
    """Replace random spans of each row by one mask id each; a span of length 0 inserts a mask id.

    Lengths of spans are drawn from a Poisson distribution until a row has lost `round(ratio * tokens)` tokens, and the
    last span is cut to fit. Every arrangement of the spans among the tokens that stay is equally likely; spans may
    touch, but not overlap.

    Args:
        ids: Integer tensor `(n, length)`; 0 is padding, wherever it is. The length is known.
        mask_id: The id that stands for a span.
        ratio: Share of a row's tokens to remove, in 0..1.
        span_length: Mean length of the spans, above 0.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Tensor like `ids`, with all padding at the end.

    Reference:
        Lewis et al. 2020, "BART", section 2.2, "Text Infilling".

    Departures:
        A row has at most as many spans as tokens to remove. So short rows sometimes lose less: if one token is to be
        removed, with probability `exp(-span_length)` a mask id is inserted instead. Where a row gets longer than
        `length`, its end is cut off.
    """
    seeds = SeedStream(seed)
    ids = pack(ids)
    count, length = ops.shape(ids)[0], ids.shape[1]
    tokens = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1, keepdims=True)
    budget = ops.cast(ops.round(ratio * ops.cast(tokens, "float32")), "int32")  # (n, 1)
    spans = max(round(ratio * length), 1)
    drawn = _poisson((count, spans), span_length, seeds)
    before = ops.cumsum(drawn, axis=1) - drawn  # tokens in the spans before each
    used = ops.logical_and(before < budget, ops.arange(spans, dtype="int32") < budget)
    removed = ops.where(used, ops.minimum(drawn, budget - before), 0)

    number = ops.sum(ops.cast(used, "int32"), axis=1, keepdims=True)
    kept = ops.minimum(tokens - ops.sum(removed, axis=1, keepdims=True) + number, length)  # ids of the result, (n, 1)
    place = ops.arange(length, dtype="int32")
    chance = keras.random.uniform((count, length), seed=seeds) + ops.cast(place >= kept, "float32")
    is_mask = ops.cast(ops.argsort(ops.argsort(chance, axis=1), axis=1), "int32") < number
    passed = ops.cumsum(ops.cast(is_mask, "int32"), axis=1)  # spans up to each place
    ends = ops.pad(ops.cumsum(removed, axis=1), [[0, 0], [1, 0]])  # tokens removed by the first 0, 1, … spans
    source = place - passed + ops.take_along_axis(ends, passed, axis=1)
    taken = ops.take_along_axis(ids, ops.clip(source, 0, length - 1), axis=1)
    result = ops.where(is_mask, ops.cast(mask_id, ids.dtype), taken)
    return ops.where(place < kept, result, ops.zeros_like(result))


def permute_sentences(ids: Tensor, sentence_ends: tuple[int, ...], seed: Tensor) -> Tensor:
    """Put the sentences of each row into a random order; every order is equally likely.

    Args:
        ids: Integer tensor `(n, length)`; 0 is padding, wherever it is. The length is known.
        sentence_ends: Ids that end a sentence, such as that of the full stop. What comes after the last one in a row is
            a sentence, too.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Tensor like `ids`, with all padding at the end.

    Reference:
        Lewis et al. 2020, "BART", section 2.2, "Sentence Permutation".
    """
    count, length = ops.shape(ids)[0], ids.shape[1]
    ends = ops.any(ops.equal(ids[..., None], ops.convert_to_tensor(sentence_ends, dtype=ids.dtype)), axis=-1)
    ends = ops.cast(ends, "int32")
    sentence = ops.cumsum(ends, axis=1) - ends  # of each token, from 0
    new = ops.argsort(keras.random.uniform((count, length), seed=SeedStream(seed)), axis=1)  # place of each sentence
    key = length * ops.take_along_axis(ops.cast(new, "int32"), sentence, axis=1) + ops.arange(length, dtype="int32")
    return _reordered(ids, ops.where(ops.equal(ids, 0), length * length + key, key))


def _reordered(ids, key):
    """Sort each row by a key."""
    return ops.take_along_axis(ids, ops.cast(ops.argsort(key, axis=1), "int32"), axis=1)


def _poisson(shape, mean, seeds):
    """Draw from a Poisson distribution by its inverse, cut where less than 1e-7 remains above."""
    largest = int(mean + 8 * math.sqrt(mean) + 8)
    k = np.arange(largest + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(k[1:], 1)))])
    below = np.cumsum(np.exp(k * math.log(mean) - mean - log_factorial)).astype("float32")
    uniform = keras.random.uniform(shape, seed=seeds)
    return ops.sum(ops.cast(uniform[..., None] >= below[:-1], "int32"), axis=-1)
