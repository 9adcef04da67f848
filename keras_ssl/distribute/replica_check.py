"""N replicas train as one device does: the statement, checked for an objective and a batch."""

import copy

import keras
import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_replicas"]


def check_replicas(objective, batch, strategy, tolerance=1e-5):
    """Take one step on one device and one under a strategy, from the same weights and on the same global batch.

    The step is one of gradient descent with a rate of 1, so differences of weights are differences of gradients. Copies
    are trained; the objective itself is not touched. What is drawn inside a step (noise, masks, dropout) differs
    between replicas: give it in the batch where the objective takes it, and set dropout to 0.

    Args:
        objective: `objectives.Objective`; its class must be registered or importable as Keras's saving needs it.
        batch: Dict of arrays, the global batch, with as many samples as a multiple of the number of replicas.
        strategy: `tf.distribute.Strategy`, such as `distribute.strategy("mirrored")`.
        tolerance: Largest difference allowed, relative to the largest value of each tensor, at least 1. Default 1e-5.

    Returns:
        Dict of the largest such differences: "loss", "gradients" and "state" (statistics, targets, queues, centers).

    Raises:
        UserError: If one is above the tolerance, with the name of the tensor; or if the batch cannot be split.
    """
    import tensorflow as tf

    samples, replicas = len(next(iter(batch.values()))), strategy.num_replicas_in_sync
    if samples % replicas:
        raise UserError(f"a batch that {replicas} replicas can share", f"{samples} samples", "give a multiple")
    before = objective.get_weights()
    expected = _step(objective, batch, before, tf.distribute.get_strategy())
    found = _step(objective, batch, before, strategy)
    differences = _compare(expected, found)
    worst = {kind: max(by_name, key=by_name.get) for kind, by_name in differences.items()}
    report = {kind: differences[kind][name] for kind, name in worst.items()}
    if wrong := [kind for kind in report if not report[kind] <= tolerance]:
        raise UserError(
            f"{replicas} replicas to train as one device, to {tolerance:g}",
            ", ".join(f"{report[kind]:.2g} in {kind} ({worst[kind]})" for kind in wrong),
            "gather what loss_terms compares and after_step stores, and synchronize batch normalization",
        )
    return report


def _step(objective, batch, weights, strategy):
    """Loss, and the changes of trained and other variables, of one step of gradient descent."""
    import tensorflow as tf

    with strategy.scope():
        model = type(objective).from_config(copy.deepcopy(objective.get_config()))
        model.set_weights(weights)
        model.compile(keras.optimizers.SGD(1.0))
    trained = {id(variable) for variable in model.trainable_variables}
    data = tf.data.Dataset.from_tensor_slices(batch).batch(len(next(iter(batch.values()))), drop_remainder=True)
    loss = model.fit(data, verbose=0).history["loss"][0]
    changes: dict = {"gradients": {}, "state": {}}
    for variable, old in zip(model.weights, weights, strict=True):
        kind = "gradients" if id(variable) in trained else "state"
        changes[kind][f"{len(changes[kind])} {variable.path}"] = np.array(variable, "float64") - old
    return {"loss": {"loss": np.array(loss)}, **changes}


def _compare(expected, found):
    """Largest differences by name; what is not a number on one side or both differs without bound."""
    return {
        kind: {
            name: float(np.nan_to_num(np.abs(value - other).max() / max(1.0, np.abs(value).max()), nan=np.inf))
            for (name, value), other in zip(expected[kind].items(), found[kind].values(), strict=True)
        }
        for kind in expected
    }
