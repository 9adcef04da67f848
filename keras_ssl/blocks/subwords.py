"""Vectors of words that are made of the vectors of their parts."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_counts, check_range
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape, Tensor

__all__ = ["SubwordEmbedding", "subword_buckets"]

_OFFSET, _PRIME, _BITS = 2166136261, 16777619, 0xFFFFFFFF  # of the hash FNV-1a


def subword_buckets(
    words: Iterable[str], lengths: tuple[int, int] = (3, 6), buckets: int = 200_000, special: Sequence[int] = ()
) -> np.ndarray:
    """Return the buckets of the n-grams of characters of each word, written as `<word>`.

    Args:
        words: Words in the order of their ids, such as `tokenizer.tokens`.
        lengths: Smallest and largest n, at least 1. Default: (3, 6).
        buckets: Number of buckets that n-grams are hashed into, at least 1. Default: 200,000; the paper uses 2 million.
        special: Ids without n-grams, such as those of padding. Default: none.

    Returns:
        Int32 array `(number of words, most)`: buckets from 1, and 0 behind the last of a word.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", section 3.2. The hash is FNV-1a.
    """
    low, high = (int(n) for n in check_range("lengths", lengths, 1, 100))
    check_counts(buckets=buckets)
    without = set(special)
    rows = [[] if k in without else _buckets(word, low, high, buckets) for k, word in enumerate(words)]
    table = np.zeros((len(rows), max(1, *map(len, rows))) if rows else (0, 1), "int32")
    for row, found in zip(table, rows):
        row[: len(found)] = found
    return table


def _buckets(word, low, high, buckets):
    marked = f"<{word}>"
    grams = [marked[k : k + n] for n in range(low, high + 1) for k in range(len(marked) - n + 1) if n < len(marked)]
    return [1 + _hash(gram) % buckets for gram in grams]


def _hash(text):
    found = _OFFSET
    for byte in text.encode():
        signed = byte if byte < 128 else byte | 0xFFFFFF00  # fastText's characters are signed
        found = ((found ^ signed) * _PRIME) & _BITS
    return found


@keras.saving.register_keras_serializable("keras_ssl")
class SubwordEmbedding(keras.layers.Layer):
    """The mean of the vectors of a word and of its n-grams of characters.

    Args:
        input_dim: Number of ids.
        output_dim: Width of the vectors.
        buckets: Number of vectors of n-grams.
        most: Most n-grams of a word.
        **kwargs: `name` and `dtype` of the Keras layer.

    Raises:
        UserError: If an argument is below 1.

    Reference:
        Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", section 3.2.
    """

    def __init__(self, input_dim: int, output_dim: int, buckets: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(input_dim=input_dim, output_dim=output_dim, buckets=buckets, most=most)
        self.input_dim, self.output_dim, self.buckets, self.most = input_dim, output_dim, buckets, most

    def build(self, input_shape: Shape) -> None:
        """Create the vectors, and the buckets of each word."""
        del input_shape
        limit = 0.5 / self.output_dim
        initializer = keras.initializers.RandomUniform(-limit, limit)
        width = self.output_dim
        self.embeddings = self.add_weight(shape=(self.input_dim, width), initializer=initializer, name="embeddings")
        initializer = keras.initializers.RandomUniform(-limit, limit)
        self.parts = self.add_weight(shape=(self.buckets + 1, width), initializer=initializer, name="parts")
        self.table = self.add_weight(
            shape=(self.input_dim, self.most), dtype="int32", initializer="zeros", trainable=False, name="table"
        )
        self.built = True

    def set_table(self, table: np.ndarray) -> None:
        """Set the buckets of each word, the result of `subword_buckets`.

        Args:
            table: Integer array `(input_dim, most)`.

        Raises:
            UserError: If its shape or its values do not fit.
        """
        table = np.asarray(table)
        if table.shape != (self.input_dim, self.most) or table.min() < 0 or table.max() > self.buckets:
            raise UserError(
                f"buckets ({self.input_dim}, {self.most}) in 0..{self.buckets}",
                f"shape {table.shape}, values in {table.min()}..{table.max()}",
                "make them with `blocks.subword_buckets` of the words, and give the same `buckets`",
            )
        self.table.assign(table)

    def call(self, ids: Tensor) -> Tensor:
        """Return the vectors `(…, output_dim)` of ids `(…)`."""
        buckets = ops.take(self.table, ids, axis=0)
        there = ops.cast(buckets > 0, self.compute_dtype)[..., None]
        parts = ops.sum(ops.take(self.parts, buckets, axis=0) * there, axis=-2)
        return (ops.take(self.embeddings, ids, axis=0) + parts) / (1 + ops.sum(there, axis=-2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the vectors."""
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        sizes = {name: getattr(self, name) for name in ("input_dim", "output_dim", "buckets", "most")}
        return {**super().get_config(), **sizes}
