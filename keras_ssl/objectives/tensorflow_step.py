"""The training and test step on TensorFlow."""

from keras_ssl.distribute import replicas

__all__ = ["accelerated", "test_step", "train_step"]


def accelerated():
    """Return whether TensorFlow sees a GPU or TPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


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
    return objective.track(terms)


def test_step(objective, data):
    """Compute the terms without training and update the trackers.

    Args:
        objective: A compiled `Objective`.
        data: A batch.

    Returns:
        Dict of the trackers' results.
    """
    _, terms = objective.run(data, training=False)
    return objective.track(terms)
