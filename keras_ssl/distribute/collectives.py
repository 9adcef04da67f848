"""Collectives across the replicas of a `tf.distribute` strategy."""

import keras

from keras_ssl.backends import on_tensorflow
from keras_ssl.typing import Tensor

__all__ = ["assign", "gather", "replica_index", "replicas"]


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


def assign(variables: list[keras.Variable], values: list[Tensor]) -> None:
    """Assign values to non-trainable variables; every replica must have computed the same values.

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
