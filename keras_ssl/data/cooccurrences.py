"""How often words stand together."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_ssl.checks import check_counts
from keras_ssl.data.contexts import check_stream, check_words, spread
from keras_ssl.data.source import Source, from_arrays

__all__ = ["cooccurrences"]


def cooccurrences(
    stream: Any,
    window: int = 15,
    end: int | None = None,
    unknown: int | None = None,
    symmetric: bool = True,
    block: int = 500_000,
) -> Source:
    """Count how often words stand together, a pair at distance δ as 1 / δ.

    Args:
        stream: Ids of the words of all texts, an integer array `(words,)`; 0 is no word. `tokenizer.stream(texts)` is
            one. It is read twice, block by block, so it may be a memory map that is larger than the memory.
        window: Largest distance. Default: 15, as in the demo of the paper's code.
        end: Id that ends a text, such as `tokenizer.end`: no window reaches over it. Default: None.
        unknown: Id of the words that the vocabulary lacks, such as `tokenizer.unknown`, which are left out. Default:
            None.
        symmetric: Whether the words after a word are its contexts, too, not only those before it. Default: True.
        block: Number of words that are read at a time, which bounds the memory. Default: 500,000.

    Returns:
        `Source` of the pairs that occur, int32 `(pairs, 2)`: word and context, sorted; with the column "count".

    Raises:
        UserError: If the stream is no vector of ids, has fewer than two different words, or no pair occurs.

    Reference:
        Pennington et al. 2014, "GloVe: Global Vectors for Word Representation", section 4.2.
    """
    check_counts(window=window, block=block)
    stream = check_stream(stream)
    size = check_words(_parts(stream, window, end, unknown, block)) + 1
    keys, counts, known = np.zeros(0, "int64"), np.zeros(0), np.zeros(0, "int32")
    for more in _parts(stream, window, end, unknown, block):
        part = np.concatenate([known, more])
        keys, counts = _merged(keys, counts, *_pairs(part, window, len(known), size))
        known = part[-window:]
    if symmetric:
        word, context = np.divmod(keys, size)
        keys, counts = _merged(keys, counts, context * size + word, counts)
    pairs = np.stack(np.divmod(keys, size), axis=1).astype("int32")
    return from_arrays(pairs, name="co-occurrences", columns={"count": counts.astype("float32")}, kind="ids")


def _parts(stream, window, end, unknown, block) -> Iterator[np.ndarray]:
    for first in range(0, len(stream), block):
        yield spread(stream[first : first + block], window, end, unknown)


def _pairs(part, window, known, size):
    """Return keys and counts of the pairs of a word with those before it; the first `known` words are contexts only."""
    keys, counts = [], []
    for distance in range(1, min(window, len(part) - 1) + 1):
        begin = max(known, distance)
        word, context = part[begin:].astype("int64"), part[begin - distance : len(part) - distance]
        both = (word > 0) & (context > 0)
        keys.append(word[both] * size + context[both])
        counts.append(np.full(both.sum(), 1 / distance))
    return (np.concatenate(keys), np.concatenate(counts)) if keys else (np.zeros(0, "int64"), np.zeros(0))


def _merged(keys, counts, more_keys, more_counts):
    """Add counts of equal keys, which come out sorted."""
    keys, place = np.unique(np.concatenate([keys, more_keys]), return_inverse=True)
    return keys, np.bincount(place, np.concatenate([counts, more_counts]), minlength=len(keys))
