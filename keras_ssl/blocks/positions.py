"""Fixed position embeddings: sines and cosines."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_counts
from keras_ssl.typing import Shape, Tensor

__all__ = ["Positions", "sequence_positions", "sine_cosine"]


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


def sequence_positions(keep: Tensor, width: int) -> Tensor:
    """Return position embeddings of tokens in a row, which are numbered from 0 without the padding among them.

    So a sequence has the same embeddings wherever its padding is.

    Args:
        keep: Boolean tensor `(n, length)`, symbolic or not, False = padding; the length may be None.
        width: Width of the tokens, a multiple of 2.

    Returns:
        Float32 tensor `(n, length, width)`, values in -1..1; those of padding mean nothing.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.5.

    Departures:
        All sines come first, then all cosines, instead of one after the other: a permutation of the width.
    """
    place = ops.cast(ops.cumsum(ops.cast(keep, "int32"), axis=1) - 1, "float32")
    frequencies = 10_000.0 ** -(np.arange(width // 2) / (width // 2))
    angles = place[:, :, None] * frequencies.astype("float32")
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


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
