"""The training and test step on TensorFlow."""

from keras_ssl.distribute import reducible, replicas

__all__ = ["check_several", "test_step", "train_step", "xla_pays"]


def check_several(x, message):
    """Have the graph raise `InvalidArgumentError` with `message` when it is given a batch of one. XLA leaves it out."""
    import tensorflow as tf

    tf.debugging.assert_greater(tf.shape(x)[0], 1, message)


def xla_pays():
    """Return whether TensorFlow sees a GPU or TPU, and trains on one replica."""
    import tensorflow as tf

    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return bool(accelerated) and tf.distribute.get_strategy().num_replicas_in_sync == 1


def train_step(objective, data):
    """Take one gradient step on "loss", then call `after_step`, count the step and update the trackers.

    Under a `tf.distribute` strategy each replica's loss is divided by the number of replicas, over which the optimizer
    sums the gradients.

    Args:
        objective: A compiled `Objective`.
        data: A batch.

    Returns:
        Dict of the trackers' results.
    """
    import tensorflow as tf

    optimizer = objective.optimizer
    with tf.GradientTape() as tape:
        outputs, terms = objective.run(data, training=True)
        loss = optimizer.scale_loss(terms["loss"] / replicas())
    gradients = tape.gradient(loss, objective.trainable_weights)
    optimizer.apply_gradients(zip(gradients, objective.trainable_weights))
    objective.after_step(outputs)
    objective.step.assign_add(1)
    return reducible(objective.track(terms))


def test_step(objective, data):
    """Compute the terms without training and update the trackers.

    Args:
        objective: A compiled `Objective`.
        data: A batch.

    Returns:
        Dict of the trackers' results.
    """
    _, terms = objective.run(data, training=False)
    return reducible(objective.track(terms))
