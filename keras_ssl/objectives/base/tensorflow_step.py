"""The training and test step on TensorFlow."""

from typing import Any

import keras

from keras_ssl.distribute import reducible, replicas
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import batches
from keras_ssl.typing import Tensor

__all__ = ["build_optimizers", "test_step", "train_step", "with_checked_ids", "xla_pays"]


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


def with_checked_ids(objective: Any, x: Any) -> Any:
    """Return a data set that raises at ids out of range, for which a step under XLA would use other vectors.

    Args:
        objective: An `Objective`.
        x: The argument of `fit`. Anything but a `tf.data.Dataset` for an objective with bounded ids is returned as it
            is.
    """
    import tensorflow as tf

    if not isinstance(x, tf.data.Dataset):
        return x
    if not any(spec.is_bounded for spec in keras.tree.flatten(objective.batch_specs)):
        return x

    def checked(*element):
        data = element if len(element) > 1 else element[0]
        samples = batches.by_key(objective, keras.utils.unpack_x_y_sample_weight(data)[0])
        for key, spec in objective.batch_specs.items():
            found = samples.get(key) if isinstance(samples, dict) else None
            for name, one in spec.items() if isinstance(spec, dict) else [(None, spec)]:
                x = found.get(name) if isinstance(found, dict) else found if name is None else None
                if isinstance(x, tf.Tensor):  # otherwise the check in the step says what is wrong
                    _assert_ids(key, one, x)
        return data

    mapped = x.map(checked, num_parallel_calls=tf.data.AUTOTUNE)
    if "cardinality" in vars(x):  # `data.batches` says the length of whole epochs, also where the first is shorter
        mapped.cardinality = x.cardinality
    return mapped


def _assert_ids(key, spec, x):
    import tensorflow as tf

    if spec.is_bounded and x.dtype.is_integer:
        error = UserError(f"'{key}' as {spec.values}", "ids outside", "number them within the model's embedding")
        x = tf.cast(x, tf.int64)  # a small dtype may not hold the bounds
        tf.debugging.assert_less_equal(x, tf.constant(int(spec.high), tf.int64), str(error))
        tf.debugging.assert_greater_equal(x, tf.constant(int(spec.low or 0), tf.int64), str(error))


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
