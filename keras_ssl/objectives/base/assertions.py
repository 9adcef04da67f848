"""Checks of values inside a TensorFlow graph. Under XLA and on other backends they do nothing."""

from keras import ops

from keras_ssl.backends import on_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["assert_all", "assert_in_range", "assert_several"]


def assert_several(x: Tensor, message: str) -> None:
    """Make the graph raise `InvalidArgumentError` for a batch of one.

    Args:
        x: Tensor `(n, …)`, n unknown.
        message: Of the error.
    """
    import tensorflow as tf

    tf.debugging.assert_greater(tf.shape(x)[0], 1, message)


def assert_all(x: Tensor, right: Tensor, expected: str, received: str, do: str) -> Tensor:
    """Return `x`; on TensorFlow, make the graph raise `InvalidArgumentError` unless all of `right` is true.

    Args:
        x: Tensor.
        right: Boolean tensor of any shape.
        expected: See `UserError`, which makes the message.
        received: See `UserError`.
        do: See `UserError`.
    """
    if not on_tensorflow():
        return x
    import tensorflow as tf

    check = tf.debugging.Assert(tf.reduce_all(right), [str(UserError(expected, received, do))])
    with tf.control_dependencies([] if check is None else [check]):  # in eager mode `check` is None
        return tf.identity(x)


def assert_in_range(x: Tensor, value_range: tuple[float, float] | None, what: str, do: str) -> Tensor:
    """Return `x`; on TensorFlow, make the graph raise if it has NaN or values outside the range.

    This is for data sets of the user's own: arrays and the batches of `data.batches` are checked before training.

    Args:
        x: Tensor.
        value_range: Lowest and highest value, or None for any.
        what: What needs values in this range, such as "the likelihood of VariationalAutoencoder".
        do: What to do about it.
    """
    if value_range is None:
        return x
    low, high = value_range
    slack = 1e-3 * (high - low)
    inside = ops.logical_and(x >= low - slack, x <= high + slack)
    return assert_all(x, inside, f"values in {low:g}..{high:g} for {what}", "values outside", do)
