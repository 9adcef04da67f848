"""What Keras 3.15 gets wrong under MultiWorkerMirroredStrategy, and the workaround.

The TensorFlow trainer of Keras has two bugs:

1. To build a model symbolically, it averages the first batch over the replicas, which fails for dicts of per-replica
   tensors. `Objective` builds its networks itself and skips this.
2. It reduces the logs of the replicas along an axis that scalars do not have. The steps of `Objective` return logs with
   that axis, from `reducible`.

A test fails once Keras no longer needs this.
"""

from keras_ssl.typing import Tensor

__all__ = ["reducible"]


def reducible(logs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return logs that Keras can reduce over replicas: with several workers vectors of length 1, otherwise unchanged.

    Args:
        logs: Dict of scalars.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or strategy.num_replicas_in_sync == 1:
        return logs
    return {name: tf.expand_dims(value, 0) for name, value in logs.items()}
