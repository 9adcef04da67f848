"""Collectives across the replicas of a `tf.distribute` strategy."""

from keras_ssl.backends import on_tensorflow

__all__ = ["assign", "gather", "replica_index", "replicas"]


def _replica_context():
    if not on_tensorflow():
        return None
    import tensorflow as tf

    return tf.distribute.get_replica_context()


def replicas():
    """Return the number of replicas that step in sync; 1 on one device and on JAX."""
    context = _replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_index():
    """Return the number of the replica that runs this, from 0; an integer, or an integer tensor."""
    context = _replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def gather(x):
    """Return the global batch: the `x` of all replicas, concatenated along the first axis.

    Its gradient sums over replicas. So when every replica computes the same global loss, divides it by `replicas()`,
    and the optimizer sums over replicas, the update is that of one device on the global batch.

    Args:
        x: Tensor `(n, …)` of one replica.

    Returns:
        Tensor `(n * replicas(), …)`; `x` itself where there is one replica.
    """
    if replicas() == 1:
        return x
    import tensorflow as tf

    return tf.ensure_shape(_replica_context().all_gather(x, axis=0), (None, *x.shape[1:]))  # it forgets every dimension


def assign(variables, values):
    """Assign values that every replica has computed alike to variables that are no weights of an optimizer.

    In the step of a replica TensorFlow refuses to assign to a mirrored variable that does not say how to aggregate; so
    each copy is given the value of its own replica.

    Args:
        variables: Keras variables.
        values: Tensor for each of them.
    """
    if replicas() == 1:
        for variable, value in zip(variables, values):
            variable.assign(value)
        return

    def update(strategy, variables, values):
        for variable, value in zip(variables, values):
            strategy.extended.update(variable, lambda copy, new: copy.assign(new), args=(value,))

    _replica_context().merge_call(update, args=([variable.value for variable in variables], values))
