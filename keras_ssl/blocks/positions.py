"""Positions: of tokens in a row, as sines and cosines that are added, or as angles that turn; and of a grid."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_counts
from keras_ssl.typing import Shape, Tensor

__all__ = [
    "Positions",
    "document_numbers",
    "learned_positions",
    "place_vectors",
    "places",
    "rotate",
    "sequence_positions",
    "sine_cosine",
]


def sine_cosine(rows: int, columns: int, width: int) -> np.ndarray:
    """Position embeddings of a grid: the first half of the width encodes the row, the second half the column.

    Args:
        rows: Number of rows of the grid of tokens.
        columns: Number of columns.
        width: Width of the tokens, a multiple of 4.

    Returns:
        Float32 array `(rows * columns, width)`, values in -1..1; positions are in row-major order.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.5, applied to each axis.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    frequencies = 10_000.0 ** -(np.arange(width // 4) / (width // 4))
    angles = [axis[:, None] * frequencies for axis in (row, column)]
    return np.concatenate([f(a) for a in angles for f in (np.sin, np.cos)], axis=-1).astype("float32")


def document_numbers(ids: Tensor, end: int) -> Tensor:
    """Number the documents in packed rows: `end` is the last token of its document.

    Args:
        ids: Integer tensor `(n, length)`, symbolic or not; the length may be None.
        end: The id that ends a document.

    Returns:
        Int32 tensor `(n, length)`, from 0.
    """
    ends = ops.cast(ops.equal(ids, end), "int32")
    return ops.cumsum(ends, axis=1) - ends


def places(keep: Tensor, documents: Tensor | None = None) -> Tensor:
    """Number the tokens of a row from 0, without the padding among them; in each document anew if there are several.

    So a sequence has the same places wherever its padding is, and a document wherever it is packed.

    Args:
        keep: Boolean tensor `(n, length)`, symbolic or not, False = padding; the length may be None.
        documents: The number of each token's document, see `document_numbers`. Default: None, a row is one.

    Returns:
        Int32 tensor `(n, length)`; what is there for padding means nothing, and may be -1.
    """
    kept = ops.cast(keep, "int32")
    place = ops.cumsum(kept, axis=1) - 1
    if documents is None:
        return place
    earlier = ops.cast(documents[:, None, :] < documents[:, :, None], "int32")
    return place - ops.sum(earlier * kept[:, None, :], axis=-1)


def sequence_positions(place: Tensor, width: int) -> Tensor:
    """Return position embeddings of tokens in a row.

    Args:
        place: Integer tensor `(n, length)` from `places`, symbolic or not; the length may be None.
        width: Width of the tokens, a multiple of 2.

    Returns:
        Float32 tensor `(n, length, width)`, values in -1..1.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.5.

    Departures:
        All sines come first, then all cosines, instead of one after the other: a permutation of the width.
    """
    angles = _angles(place, width)
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


def learned_positions(table: keras.layers.Embedding, place: Tensor) -> Tensor:
    """Look up position vectors that are trained, times the root of their width.

    Args:
        table: The vectors by place.
        place: Integer tensor `(n, length)` from `places`, symbolic or not.

    Returns:
        Float tensor `(n, length, width)`; see `place_vectors`.
    """
    return place_vectors(table, place) * table.output_dim**0.5


def place_vectors(table: keras.layers.Embedding, place: Tensor) -> Tensor:
    """Look up the vectors of places.

    Args:
        table: The vectors by place.
        place: Integer tensor `(n, length)` from `places`, symbolic or not.

    Returns:
        Float tensor `(n, length, width)`. A place that the table lacks is an error on a CPU, and NaN under XLA.
    """
    vectors = table(ops.maximum(place, 0))
    return ops.where((place < table.input_dim)[:, :, None], vectors, float("nan"))


def rotate(x: Tensor, place: Tensor) -> Tensor:
    """Turn each pair of features by an angle in proportion to the token's place: rotary positions.

    The product of a query and a key that are turned so depends on the distance of their tokens only.

    Args:
        x: Queries or keys `(n, heads, length, d)`, symbolic or not, d a multiple of 2.
        place: Integer tensor `(n, length)` from `places`.

    Returns:
        A tensor like `x`.

    Reference:
        Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", Eqs. 15 and 34.

    Departures:
        Feature i is paired with i + d/2 instead of 2i with 2i + 1: a permutation of the width.
    """
    angles = _angles(place, x.shape[-1])[:, None]
    sine, cosine = ops.cast(ops.sin(angles), x.dtype), ops.cast(ops.cos(angles), x.dtype)
    one, other = ops.split(x, 2, axis=-1)
    return ops.concatenate([one * cosine - other * sine, one * sine + other * cosine], axis=-1)


def _angles(place, width):
    frequencies = 10_000.0 ** -(np.arange(width // 2) / (width // 2))
    return ops.cast(place, "float32")[:, :, None] * frequencies.astype("float32")


@keras.saving.register_keras_serializable("keras_ssl")
class Positions(keras.layers.Layer):
    """Add `sine_cosine` position embeddings to a grid of tokens.

    Args:
        rows: Number of rows of the grid.
        columns: Number of columns.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, rows: int, columns: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(rows=rows, columns=columns)
        self.rows = rows
        self.columns = columns

    def call(self, x: Tensor) -> Tensor:
        """Add positions to tokens `(n, rows * columns, width)`."""
        return x + ops.cast(sine_cosine(self.rows, self.columns, x.shape[-1]), x.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape

    def to_stock(self) -> keras.layers.Normalization:
        """Return a Keras layer that computes the same: `Normalization` with mean `-positions` and variance 1."""
        positions = sine_cosine(self.rows, self.columns, self.input.shape[-1])
        return keras.layers.Normalization(
            axis=(1, 2), mean=-positions, variance=np.ones_like(positions), name=self.name, dtype=self.dtype_policy
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}
