"""Checks of values inside a TensorFlow graph. XLA leaves them out, and other backends have none."""

from keras import ops

from keras_ssl.backends import on_tensorflow
from keras_ssl.errors import UserError

__all__ = ["assert_all", "assert_in_range", "assert_several"]


def assert_several(x, message):
    """Have the graph raise `InvalidArgumentError` with `message` when it is given a batch of one.

    Args:
        x: Tensor `(n, …)`, n unknown.
        message: Of the error.
    """
    import tensorflow as tf

    tf.debugging.assert_greater(tf.shape(x)[0], 1, message)


def assert_all(x, right, expected, received, do):
    """Return a tensor; on TensorFlow the graph raises, with what a `UserError` says, unless all of `right` is true.

    Args:
        x: Tensor.
        right: Boolean tensor of any shape.
        expected: See `UserError`.
        received: See `UserError`.
        do: See `UserError`.
    """
    if not on_tensorflow():
        return x
    import tensorflow as tf

    check = tf.debugging.Assert(tf.reduce_all(right), [str(UserError(expected, received, do))])
    with tf.control_dependencies([] if check is None else [check]):  # eagerly there is none
        return tf.identity(x)


def assert_in_range(x, value_range, what, do):
    """Return a tensor; on TensorFlow the graph raises where it has NaN or values outside the range.

    Arrays, and what `data.batches` gives, are checked before training; other data sets are not.

    Args:
        x: Tensor.
        value_range: Lowest and highest value, or None for any.
        what: What needs them, such as "the likelihood of VariationalAutoencoder".
        do: What to do about it.
    """
    if value_range is None:
        return x
    low, high = value_range
    slack = 1e-3 * (high - low)
    inside = ops.logical_and(x >= low - slack, x <= high + slack)
    return assert_all(x, inside, f"values in {low:g}..{high:g} for {what}", "values outside", do)
