"""The training and test step on TensorFlow."""

from keras_ssl.distribute import reducible, replicas

__all__ = ["build_optimizers", "test_step", "train_step", "xla_pays"]


def build_optimizers(objective):
    """Make the optimizers' variables. Made in the first step, they would have TensorFlow trace that twice."""
    with objective.distribute_strategy.scope():
        for update in objective.updates:
            if not update.optimizer.built:
                update.optimizer.build(update.variables)


def xla_pays():
    """Return whether TensorFlow sees a GPU or TPU, and trains on one replica."""
    import tensorflow as tf

    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return bool(accelerated) and tf.distribute.get_strategy().num_replicas_in_sync == 1


def train_step(objective, data):
    """Take the objective's updates in turn, then call `after_step`, count the step and update the trackers.

    Under a `tf.distribute` strategy each replica's loss is divided by the number of replicas, over which the optimizer
    sums the gradients.

    Args:
        objective: A compiled `Objective`.
        data: A batch.

    Returns:
        Dict of the trackers' results. A minimized term is logged as its own update computed it.
    """
    import tensorflow as tf

    minimized = {}
    for term, optimizer, variables in objective.updates:
        with tf.GradientTape() as tape:
            outputs, terms = objective.run(data, training=True)
            loss = optimizer.scale_loss(terms[term] / replicas())
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        minimized[term] = terms[term]
    objective.after_step(outputs)
    objective.step.assign_add(1)
    return reducible(objective.track(terms | minimized))


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
