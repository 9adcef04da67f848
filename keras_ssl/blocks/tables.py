"""Rows of tables of vectors."""

import keras
from keras import ops

from keras_ssl.backends import on_tensorflow
from keras_ssl.typing import Tensor

__all__ = ["table_rows"]


def table_rows(table: keras.Variable, ids: Tensor) -> Tensor:
    """Return rows of a table.

    It equals `ops.take(table, ids, axis=0)`, which on TensorFlow first copies the whole table if an optimizer changes
    only some rows of it.

    Args:
        table: Variable `(vocabulary, …)`.
        ids: Integer tensor of any shape, in 0..vocabulary-1.

    Returns:
        Tensor of the shape of `ids` and then that of a row.
    """
    if not on_tensorflow():
        return ops.take(table, ids, axis=0)
    import tensorflow as tf

    return tf.gather(table.value, ids)
