"""Which tokens of a text are hidden, and what stands in their places. Pure functions of their arguments and a seed."""

import keras
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["hidden_tokens", "masked_tokens", "most_hidden", "word_numbers"]

MASKED, RANDOM = 0.8, 0.1  # of the hidden tokens; the others stay


def most_hidden(length: int, ratio: float) -> int:
    """Return how many tokens of a row without padding are hidden: `ratio * length`, rounded, and at least 1.

    Args:
        length: Number of places in a row.
        ratio: Share of the tokens to hide, above 0 and below 1.
    """
    return max(1, round(ratio * length))


def hidden_tokens(candidates: Tensor, ratio: float, seed: Tensor, words: Tensor | None = None) -> Tensor:
    """Choose at random which tokens of each row are hidden.

    Of m candidates, `ratio * m` are hidden, rounded, at least 1 if there are any, and every subset is equally likely.
    With words, whole words are hidden in a random order, until the next would exceed this number. Words that exceed it
    alone are passed over; where all do, the first token of one of them is hidden.

    Args:
        candidates: Boolean tensor `(n, length)`, True where a token may be hidden. The length must be known.
        ratio: Share of the candidates to hide, above 0 and below 1.
        seed: Integer tensor of shape `(2,)`.
        words: Integer tensor `(n, length)`: number of the word of each token, 0..length-1. Default: None, each token is
            hidden or not for itself.

    Returns:
        Boolean tensor `(n, length)`; True = hidden; each row has at most `most_hidden(length, ratio)` of them.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", section 3.1; for whole words, the
        authors' code and Cui et al. 2021, "Pre-Training with Whole Word Masking for Chinese BERT", section 3.1.

    Departures:
        The authors' code passes over a word that does not fit and goes on with the next; here the first one that does
        not fit ends the row.
    """
    length = candidates.shape[1]
    count = ops.sum(ops.cast(candidates, "float32"), axis=1, keepdims=True)
    budget = ops.cast(ops.clip(ops.round(ratio * count), 1, most_hidden(length, ratio)), "int32")
    draws = keras.random.uniform(ops.shape(candidates), seed=SeedStream(seed))
    if words is None:
        return ops.logical_and(_ranks(ops.where(candidates, draws, 2.0)) < budget, candidates)
    same = ops.logical_and(words[:, :, None] == words[:, None, :], candidates[:, None, :])
    size = ops.sum(ops.cast(same, "int32"), axis=2)
    fits = ops.logical_and(candidates, size <= budget)
    rank = ops.take_along_axis(_ranks(draws), words, axis=1)  # one of each word, and no two alike
    before = ops.logical_and(rank[:, None, :] <= rank[:, :, None], fits[:, None, :])
    hidden = ops.logical_and(ops.sum(ops.cast(before, "int32"), axis=2) <= budget, fits)
    first = ops.argmin(ops.where(candidates, rank, length), axis=1)[:, None]  # the first token of the first word
    alone = ops.logical_and(candidates, ops.equal(ops.arange(length, dtype=first.dtype), first))
    return ops.where(ops.any(fits, axis=1, keepdims=True), hidden, alone)


def word_numbers(first: Tensor, candidates: Tensor) -> Tensor:
    """Number the words of each row, where tokens that are no candidates are words of their own.

    Args:
        first: Boolean tensor `(n, length)`, True where a token begins a word.
        candidates: Boolean tensor `(n, length)`, False for padding and other tokens that are in no word.

    Returns:
        int32 tensor `(n, length)`: number of the word of each token, from 0.
    """
    after = ops.pad(candidates, ((0, 0), (1, 0)), constant_values=False)[:, :-1]  # is one before this token?
    continues = ops.logical_and(ops.logical_and(candidates, after), ops.logical_not(first))
    return ops.cumsum(1 - ops.cast(continues, "int32"), axis=1) - 1


def masked_tokens(ids: Tensor, hidden: Tensor, mask: int, ordinary: Tensor, seed: Tensor) -> Tensor:
    """Put the mask in the place of 80 % of the hidden tokens, a random token in that of 10 %, and keep 10 %.

    Args:
        ids: Integer tensor `(n, length)`.
        hidden: Boolean tensor `(n, length)`.
        mask: Id of the mask.
        ordinary: Integer tensor `(k,)` of the ids that random tokens are drawn from.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Tensor like `ids`, equal to it where nothing is hidden.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", section 3.1 and appendix A.1.
    """
    stream = SeedStream(seed)
    share = keras.random.uniform(ops.shape(ids), seed=stream)
    drawn = keras.random.randint(ops.shape(ids), 0, ops.shape(ordinary)[0], seed=stream)
    others = ops.cast(ops.take(ordinary, drawn, axis=0), ids.dtype)
    new = ops.where(share < MASKED, ops.cast(mask, ids.dtype), ops.where(share < MASKED + RANDOM, others, ids))
    return ops.where(hidden, new, ids)


def _ranks(x):
    """The rank of each number in its row, from 0."""
    return ops.cast(ops.argsort(ops.argsort(x, axis=-1), axis=-1), "int32")
