"""The training and test step on TensorFlow."""

from typing import Any

from keras_ssl.distribute import reducible, replicas
from keras_ssl.typing import Tensor

__all__ = ["build_optimizers", "test_step", "train_step", "xla_pays"]


def build_optimizers(objective: Any) -> None:
    """Create the optimizers' variables; creating them in the first step would make TensorFlow trace it twice."""
    with objective.distribute_strategy.scope():
        for update in objective.updates:
            if not update.optimizer.built:
                update.optimizer.build(update.variables)


def xla_pays() -> bool:
    """Return whether XLA is worth using: TensorFlow sees a GPU or TPU, and there is one replica."""
    import tensorflow as tf

    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return bool(accelerated) and tf.distribute.get_strategy().num_replicas_in_sync == 1


def train_step(objective: Any, data: Any) -> dict[str, Tensor]:
    """Take the gradient steps in the objective's `updates`, call `after_step`, count the step and update the trackers.

    Under a `tf.distribute` strategy the optimizer sums the gradients over the replicas, so each replica's loss is
    divided by their number.

    Args:
        objective: A compiled `Objective`.
        data: A batch as Keras passes it.

    Returns:
        The trackers' results by term. A term that an update minimizes is logged with its value in that update.
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


def test_step(objective: Any, data: Any) -> dict[str, Tensor]:
    """Compute the terms without training and update the trackers.

    Args:
        objective: A compiled `Objective`.
        data: A batch as Keras passes it.

    Returns:
        The trackers' results by term.
    """
    _, terms = objective.run(data, training=False)
    return reducible(objective.track(terms))
