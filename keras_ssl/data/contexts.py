"""Rows of a text for word vectors, and how often words stand together."""

import copy
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["Contexts", "check_stream", "check_words", "count_words", "spread"]


@dataclasses.dataclass(frozen=True, eq=False)
class Contexts:
    """Rows of words that stand near each other in a text, from which frequent words are left out at random.

    A word that is left out takes no place, so windows reach further. A word of frequency f stays with the probability
    `min(1, sqrt(sample / f) + sample / f)`. What a row holds is a pure function of its index and of a seed, which
    `data.batches` gives for each step: so every epoch leaves out other words and cuts the text at other places. It
    reads each part of the text once, on average.

    Args:
        stream: Ids of the words of all texts, one after another, an integer array `(words,)`; 0 is no word.
            `tokenizer.stream(texts)` is one.
        window: Largest distance of a context, that of the objective. Default: 5.
        length: Number of words in a row. Default: 32. Contexts do not reach over the ends of a row; with a window of 5
            this leaves out 7 % of them.
        end: Id that ends a text, such as `tokenizer.end`. It becomes `window` zeros, so that no window reaches from a
            text into the next. Default: None.
        unknown: Id of the words that the vocabulary lacks, such as `tokenizer.unknown`, which are left out. Default:
            None.
        sample: Frequency above which words are left out, above 0; or None for none. Default: 1e-3.
        which: Numbers of the rows, an integer array. Default: all.

    Raises:
        UserError: If the stream is no vector of ids, or has fewer than two different words.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", section 2.3.

    Departures:
        The probability is that of their code, not of Eq. 5, which is `sqrt(sample / f)`.

    Example:
        `data.Source(data.Contexts(t.stream(texts), end=t.end, unknown=t.unknown))`, where t is a tokenizer of words
    """

    stream: np.ndarray
    window: int = 5
    length: int = 32
    end: int | None = None
    unknown: int | None = None
    sample: float | None = 1e-3
    which: Any = None
    _spread: np.ndarray = dataclasses.field(init=False, repr=False)
    _chance: np.ndarray = dataclasses.field(init=False, repr=False)
    _expected: np.ndarray = dataclasses.field(init=False, repr=False)

    draws = True
    """Whether `rows` takes a seed."""

    def __post_init__(self) -> None:
        for name in ("window", "length"):
            check_between(name, getattr(self, name), least=1, whole=True)
        if self.sample is not None:
            check_between("sample", self.sample, above=0)
        stream = spread(check_stream(self.stream), self.window, self.end, self.unknown)
        check_words([stream])
        chance = _chance(count_words(stream), self.sample)
        object.__setattr__(self, "_spread", stream)
        object.__setattr__(self, "_chance", chance)
        object.__setattr__(self, "_expected", np.cumsum(chance[stream], dtype="float64"))
        if self.which is None:
            object.__setattr__(self, "which", np.arange(max(1, int(self._expected[-1] / self.length))))

    def __len__(self) -> int:
        return len(self.which)

    def counts(self, vocabulary: int) -> np.ndarray:
        """Return how often each id stands in the text, int64 `(vocabulary,)`; 0 for padding.

        Args:
            vocabulary: Number of ids.

        Raises:
            UserError: If the text has ids outside the vocabulary.
        """
        return count_words(self._spread, vocabulary)

    def __getitem__(self, which: Any) -> "Contexts":
        """Return the rows of a slice, an array of indices or a boolean mask."""
        chosen = copy.copy(self)  # shares what was computed from the stream
        object.__setattr__(chosen, "which", self.which[which])
        return chosen

    def rows(self, indices: Any, seed: Any = (0, 0)) -> np.ndarray:
        """Return rows of the text.

        Args:
            indices: Integer array `(k,)`.
            seed: Two integers of at least 0. Default: `(0, 0)`.

        Returns:
            Int32 array `(k, length)`; rows may end with zeros.
        """
        rng, stream, last = np.random.default_rng(np.asarray(seed)), self._spread, len(self._spread) - 1
        begin = self.which[indices] * self.length + rng.uniform(0, min(2 * self.window, self.length), len(indices))
        first = np.searchsorted(self._expected, begin, side="right")
        reach = self.length + 4 * self.length**0.5  # nearly always enough for a whole row
        width = int(np.max(np.searchsorted(self._expected, begin + reach) - first, initial=1))
        places = first[:, None] + np.arange(width)
        ids = stream[np.minimum(places, last)]
        stays = (rng.random(ids.shape, dtype="float32") < self._chance[ids]) & (places <= last)
        place = np.cumsum(stays, axis=1) - 1
        stays &= place < self.length
        rows = np.zeros((len(ids), self.length), "int32")
        rows[np.nonzero(stays)[0], place[stays]] = ids[stays]
        return rows


def check_stream(stream: Any) -> np.ndarray:
    """Return a stream of ids as an array, of which nothing is read, or raise if it is no integer vector.

    Args:
        stream: Integer array `(words,)`.

    Raises:
        UserError: If it is none.
    """
    stream = np.asarray(stream)
    if stream.ndim != 1 or not (np.issubdtype(stream.dtype, np.integer) or not len(stream)):
        raise UserError(
            "a stream of ids, an integer vector",
            f"{stream.dtype} of shape {stream.shape}",
            "make one with `tokenizer.stream(texts)`",
        )
    return stream


def check_words(parts: Iterable[np.ndarray]) -> int:
    """Return the highest id of a text, or raise if the text cannot give pairs of words.

    Args:
        parts: Parts of the text, as `spread` returns them.

    Raises:
        UserError: If ids are negative, or there are fewer than two different words.
    """
    low, high, count = np.iinfo("int32").max, 0, 0
    for part in parts:
        count += len(part)
        low = int(np.min(part, where=part != 0, initial=low))
        high = int(np.max(part, initial=high))
    if low < 0:
        raise UserError("ids of at least 0", f"{low}", "number words from 1; 0 is padding")
    if low >= high:
        raise UserError(
            "a text of at least two different words",
            f"{count} ids of {int(high > 0)} words",
            "check the path of the text, and the `min_count` of its tokenizer",
        )
    return high


def count_words(stream: np.ndarray, vocabulary: int | None = None) -> np.ndarray:
    """Return how often each id stands in a stream; 0 for padding.

    Args:
        stream: Integer array `(words,)`.
        vocabulary: Number of ids. Default: the highest plus one.

    Raises:
        UserError: If ids are outside the vocabulary.
    """
    counts = np.bincount(stream, minlength=vocabulary or 0)
    if vocabulary is not None and len(counts) > vocabulary:
        raise UserError(
            f"ids in 0..{vocabulary - 1}", f"{len(counts) - 1}", "give the tokenizer's `vocabulary`, or its own stream"
        )
    counts[0] = 0
    return counts


def spread(stream: np.ndarray, window: int, end: int | None = None, unknown: int | None = None) -> np.ndarray:
    """Return a part of a stream without unknown words, and with `window` zeros in place of each end of a text.

    Args:
        stream: Integer array `(words,)`.
        window: Largest distance of a context.
        end: Id that ends a text. Default: None.
        unknown: Id to leave out. Default: None.

    Returns:
        int32 array.
    """
    if unknown is not None:
        stream = stream[stream != unknown]
    ends = np.zeros(len(stream), bool) if end is None else stream == end
    return np.repeat(np.where(ends, 0, stream).astype("int32"), np.where(ends, window, 1))


def _chance(counts, sample):
    """Return the probability that a word stays."""
    if sample is None:
        return np.ones(len(counts), "float32")
    ratio = sample * counts.sum() / np.maximum(counts, 1)
    return np.where(counts > 0, np.minimum(1.0, np.sqrt(ratio) + ratio), 1.0).astype("float32")
