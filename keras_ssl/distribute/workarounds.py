"""What Keras 3.15 gets wrong under MultiWorkerMirroredStrategy, and how this package goes around it.

Its TensorFlow trainer (1) averages the first batch over replicas to build the model symbolically, which fails for dicts
of per-replica tensors, and (2) reduces the logs of the replicas over an axis that scalars do not have. `Objective`
builds its networks itself and skips (1); for (2) its steps return logs that have that axis. A test fails when Keras no
longer needs this.
"""

__all__ = ["reducible"]


def reducible(logs):
    """Return the logs of one replica as Keras's reduction needs them: scalars, but vectors of one across workers.

    Args:
        logs: Dict of scalars.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or strategy.num_replicas_in_sync == 1:
        return logs
    return {name: tf.expand_dims(value, 0) for name, value in logs.items()}
