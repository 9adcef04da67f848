"""Collectives across the replicas of a `tf.distribute` strategy."""

import keras
from keras import ops

from keras_ssl.backends import on_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["assign", "gather", "mean", "replica_index", "replicas", "share", "total"]


def _replica_context():
    if not on_tensorflow():
        return None
    import tensorflow as tf

    return tf.distribute.get_replica_context()


def replicas() -> int:
    """Return the number of replicas in sync; 1 on one device and on JAX."""
    context = _replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_index() -> Tensor:
    """Return the index of the current replica, from 0: an integer, or an integer tensor."""
    context = _replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def gather(x: Tensor) -> Tensor:
    """Return the global batch: `x` of all replicas, concatenated along the first axis.

    The gradient is summed over replicas. So if every replica computes the same global loss and divides it by
    `replicas()`, and the optimizer sums over replicas, the update equals that of one device on the global batch.

    Args:
        x: Tensor `(n, …)` of one replica.

    Returns:
        Tensor `(n * replicas(), …)`; `x` itself if there is one replica.
    """
    if replicas() == 1:
        return x
    import tensorflow as tf

    gathered = _replica_context().all_gather(x, axis=0)  # loses the static shape
    return tf.ensure_shape(gathered, (None, *x.shape[1:]))


def total(x: Tensor) -> Tensor:
    """Return the sum of `x` over replicas, element by element.

    The gradient is summed over replicas, too, as that of `gather` is; see there how an exact update comes of it.

    Args:
        x: Float tensor of any shape, the same on all replicas.

    Returns:
        Tensor like `x`; `x` itself if there is one replica.
    """
    if replicas() == 1:
        return x
    import tensorflow as tf

    return _replica_context().all_reduce(tf.distribute.ReduceOp.SUM, x)


def share(count: Tensor) -> Tensor:
    """Return which part of the global batch a replica has: `1 / replicas()`, except of an incomplete last batch.

    If each replica multiplies its loss by its share, and the optimizer sums over replicas, the update equals that of
    one device on the global batch. This holds for means over the replica's own samples, and for values that are the
    same on all replicas, since the shares add up to 1.

    Args:
        count: Number of samples that the replica has, an integer tensor.

    Returns:
        Float32 scalar; 1 on one device.
    """
    if replicas() == 1:
        return ops.ones((), "float32")
    count = ops.cast(count, "float32")
    return count / ops.maximum(total(count), 1.0)


def mean(values: Tensor, weights: Tensor | None = None, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Return `sum w v / sum w` over the global batch, whatever part of the weight each replica has.

    This is the loss of a batch whose samples count differently: tokens and padding, hidden places, known and missing
    labels. A mean of the replicas' own means would be wrong, because their weights differ.

    Every replica returns the same value. Its gradient is summed over replicas, as that of `gather` is: if every replica
    divides the mean by `replicas()`, and the optimizer sums over replicas, the update equals that of one device on the
    global batch. `Objective` does both.

    Args:
        values: Tensor of any shape.
        weights: Tensor of numbers that are at least 0, or booleans, of as many axes as `values` and broadcast to its
            shape. They get no gradient. A value with weight 0 does not count, even if it is NaN; but where a NaN was
            computed from a parameter, the parameter's gradient is NaN. Default: None, all 1.
        axis: Axes to average over, that of the samples among them. Default: None, all.

    Returns:
        Float32 tensor of the other axes, a scalar if there is none. It is 0, with a gradient of 0, where all weights
        are 0.

    Raises:
        UserError: If `weights` does not have as many axes as `values`.
    """
    values = ops.cast(values, "float32")
    weights = ops.ones_like(values) if weights is None else ops.cast(weights, "float32")
    if len(weights.shape) != len(values.shape):
        raise UserError(
            f"weights with as many axes as the values of shape {tuple(values.shape)}",
            f"shape {tuple(weights.shape)}",
            "add axes of size 1, such as `weights[:, None]`",
        )
    weights = ops.stop_gradient(ops.broadcast_to(weights, ops.shape(values)))
    weighted = ops.where(weights > 0, weights * values, 0.0)
    sums = ops.stack([ops.sum(weighted, axis), ops.sum(weights, axis)])
    above, below = ops.unstack(total(sums), 2)
    return above / ops.where(below > 0, below, 1.0)


def assign(variables: list[keras.Variable], values: list[Tensor]) -> None:
    """Assign values to variables; every replica must have computed the same values.

    In a replica's step TensorFlow does not allow assignments to a mirrored variable without an aggregation method, so
    each replica's copy is assigned separately.

    Args:
        variables: Keras variables.
        values: A tensor for each variable.
    """
    if replicas() == 1:
        for variable, value in zip(variables, values):
            variable.assign(value)
        return

    def update(strategy, variables, values):
        for variable, value in zip(variables, values):
            strategy.extended.update(variable, lambda copy, new: copy.assign(new), args=(value,))

    _replica_context().merge_call(update, args=([variable.value for variable in variables], values))
