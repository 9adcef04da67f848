"""The training and test step on TensorFlow."""

from keras_ssl.distribute import reducible, replicas

__all__ = ["build_optimizers", "check_all", "check_several", "test_step", "train_step", "xla_pays"]


def build_optimizers(objective):
    """Make the optimizers' variables. Made in the first step, they would have TensorFlow trace that twice."""
    with objective.distribute_strategy.scope():
        for optimizer, variables in objective.players:
            if not optimizer.built:
                optimizer.build(variables)


def check_several(x, message):
    """Have the graph raise `InvalidArgumentError` with `message` when it is given a batch of one. XLA leaves it out."""
    import tensorflow as tf

    tf.debugging.assert_greater(tf.shape(x)[0], 1, message)


def check_all(x, right, message):
    """Return x; the graph raises `InvalidArgumentError` with `message` unless all of `right` is true. Not under XLA."""
    import tensorflow as tf

    check = tf.debugging.Assert(tf.reduce_all(right), [message])
    with tf.control_dependencies([] if check is None else [check]):  # eagerly there is none
        return tf.identity(x)


def xla_pays():
    """Return whether TensorFlow sees a GPU or TPU, and trains on one replica."""
    import tensorflow as tf

    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return bool(accelerated) and tf.distribute.get_strategy().num_replicas_in_sync == 1


def train_step(objective, data):
    """Let each player take one gradient step on its term, then call `after_step`, count the step, update the trackers.

    Under a `tf.distribute` strategy each replica's loss is divided by the number of replicas, over which the optimizer
    sums the gradients.

    Args:
        objective: A compiled `Objective`.
        data: A batch.

    Returns:
        Dict of the trackers' results. Each minimised term is that which its player saw.
    """
    import tensorflow as tf

    seen = {}
    for (optimizer, variables), term in zip(objective.players, objective.minimised, strict=True):
        with tf.GradientTape() as tape:
            outputs, terms = objective.run(data, training=True)
            loss = optimizer.scale_loss(terms[term] / replicas())
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        seen[term] = terms[term]
    objective.after_step(outputs)
    objective.step.assign_add(1)
    return reducible(objective.track(terms | seen))


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
