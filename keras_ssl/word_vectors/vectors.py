"""Words and their vectors."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError

__all__ = ["WordVectors", "of"]


@dataclasses.dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and a vector for each.

    Args:
        words: The words, each once.
        vectors: Float array `(words, d)`, one row for each.

    Raises:
        UserError: If there is not one finite vector for each word, or a word stands twice.

    Example:
        `vectors.analogy("man", "king", "woman")`
    """

    words: Sequence[str]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, "float32")
        if vectors.ndim != 2 or len(vectors) != len(self.words):
            raise UserError(
                f"one vector for each of {len(self.words)} words", f"shape {vectors.shape}", "give as many rows"
            )
        if not np.isfinite(vectors).all():
            word = self.words[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
            raise UserError("finite vectors", f"NaN or Inf in that of '{word}'", "train with a smaller learning rate")
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "vectors", vectors)
        if len(self.index) != len(self.words):
            twice = next(word for k, word in enumerate(self.words) if self.index[word] != k)
            raise UserError("each word once", f"'{twice}' twice", "leave one of its vectors out")

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: k for k, word in enumerate(self.words)}

    @functools.cached_property
    def directions(self) -> np.ndarray:
        """The vectors divided by their lengths, float32; 0 where a vector is 0."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return self.vectors / np.where(lengths > 0, lengths, 1)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> np.ndarray:
        """Return the vector `(d,)` of a word."""
        return self.vectors[self._number(word)]

    def similarity(self, word: str, other: str) -> float:
        """Return the cosine of the vectors of two words."""
        return float(self.directions[self._number(word)] @ self.directions[self._number(other)])

    def most_similar(self, word: str | np.ndarray, count: int = 10) -> list[tuple[str, float]]:
        """Return the words whose vectors have the largest cosines, largest first, with these.

        Args:
            word: A word, which is left out of the result; or a vector `(d,)`.
            count: How many words, at least 1. Default: 10.

        Raises:
            UserError: If the word has no vector.
        """
        if isinstance(word, str):
            return self._nearest(self.directions[self._number(word)], count, [word])
        return self._nearest(np.asarray(word, "float32"), count, [])

    def analogy(self, a: str, b: str, c: str, count: int = 1) -> list[tuple[str, float]]:
        """Return the words that are to `c` as `b` is to `a`: those nearest to b - a + c, of directions.

        Args:
            a: A word, such as "man".
            b: A word, such as "king".
            c: A word, such as "woman".
            count: How many words, at least 1. Default: 1.

        Returns:
            Words with their cosines, largest first; the three given words are left out.

        Raises:
            UserError: If a word has no vector.

        Reference:
            Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations", section 4.
        """
        first, second, third = (self.directions[self._number(word)] for word in (a, b, c))
        return self._nearest(second - first + third, count, [a, b, c])

    def _nearest(self, vector, count, without):
        check_counts(count=count)
        length = np.linalg.norm(vector)
        cosines = self.directions @ (vector / (length if length > 0 else 1))
        cosines[[self.index[word] for word in without]] = -np.inf
        count = min(count, len(self) - len(set(without)))
        best = np.argpartition(-cosines, np.arange(count))[:count]
        return [(self.words[k], float(cosines[k])) for k in best]

    def _number(self, word):
        if word not in self.index:
            raise UserError(f"one of the {len(self)} words that have vectors", f"'{word}'", "ask for another word")
        return self.index[word]


def of(objective: Any, words: Any) -> WordVectors:
    """Return the vectors that an objective has learned.

    Args:
        objective: `objectives.SkipGram`, `CBOW` or `GloVe`; of the last the sums of both vectors of each word.
        words: The tokenizer of the text, or the words by id, as many as the encoder has ids.

    Returns:
        `WordVectors` of the words that are no special tokens, in the order of their ids.

    Raises:
        UserError: If there are more or fewer words than ids.

    Example:
        `word_vectors.save(word_vectors.of(skip_gram, tokenizer), "vectors.bin")`
    """
    special = len(getattr(words, "special", (0,)))  # of a list of words, padding only
    tokens: Iterable[str] = getattr(words, "tokens", words)
    tokens, vectors = tuple(tokens), objective.vectors()
    if len(tokens) != len(vectors):
        raise UserError(
            f"a word for each of the {len(vectors)} ids of the encoder, the first of which is padding",
            f"{len(tokens)} words",
            "give the tokenizer of the text that it was trained on",
        )
    return WordVectors(tokens[special:], vectors[special:])
