"""Where a token is, told by sines and cosines."""

import keras
import numpy as np
from keras import ops

__all__ = ["Positions", "sine_cosine"]


def sine_cosine(rows, columns, width):
    """Sines and cosines of the row in the first half of the width, of the column in the second.

    Args:
        rows: Number of rows of the grid of tokens.
        columns: Number of columns.
        width: Of the tokens, a multiple of 4.

    Returns:
        Float32 array `(rows * columns, width)`, values in -1..1, row by row.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.5, for each of the two axes.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    frequencies = 10_000.0 ** -(np.arange(width // 4) / (width // 4))
    angles = [axis[:, None] * frequencies for axis in (row, column)]
    return np.concatenate([f(a) for a in angles for f in (np.sin, np.cos)], axis=-1).astype("float32")


@keras.saving.register_keras_serializable("keras_ssl")
class Positions(keras.layers.Layer):
    """Add `sine_cosine` positions to the tokens of a grid.

    Args:
        rows: Number of rows of the grid.
        columns: Number of columns.
        **kwargs: Of the layer.
    """

    def __init__(self, rows, columns, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows
        self.columns = columns

    def call(self, x):
        """Return tokens `(n, rows * columns, width)` with their positions."""
        return x + ops.cast(sine_cosine(self.rows, self.columns, x.shape[-1]), x.dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape

    def to_stock(self):
        """Return a stock layer that adds the same: a normalization by the mean `-positions` and the variance 1."""
        positions = sine_cosine(self.rows, self.columns, self.input.shape[-1])
        return keras.layers.Normalization(
            axis=(1, 2), mean=-positions, variance=np.ones_like(positions), name=self.name, dtype=self.dtype_policy
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}
