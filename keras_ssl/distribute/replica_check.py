"""A check that N replicas train an objective exactly as one device does."""

import copy
from typing import Any

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.typing import Batch

__all__ = ["check_replicas"]


def check_replicas(objective: Any, batch: Batch, strategy: Any, tolerance: float = 1e-5) -> dict[str, float]:
    """Compare a step on one device with a step under a strategy, from the same weights and on the same global batch.

    The step is gradient descent with a learning rate of 1, so differences of weights are differences of gradients.
    Copies are trained; the objective itself does not change. Random draws in a step (noise, masks, dropout) differ
    between replicas: pass them in the batch if the objective accepts them, and set dropout to 0.

    Args:
        objective: `objectives.Objective`, whose class Keras can save: registered or importable.
        batch: The global batch, a dict of arrays; the number of samples must be a multiple of the number of replicas.
        strategy: `tf.distribute.Strategy`, such as `distribute.strategy("mirrored")`.
        tolerance: Largest difference allowed, relative to the largest absolute value of each tensor, or to 1 if that
            is larger. Default: 1e-5.

    Returns:
        Dict of the largest relative differences: "loss", "gradients" and "state" (batch statistics, target networks,
        queues, centers).

    Raises:
        UserError: If a difference is above the tolerance, with the name of the tensor; or if the batch cannot be split
            evenly.
    """
    import tensorflow as tf

    samples, replicas = len(next(iter(batch.values()))), strategy.num_replicas_in_sync
    if samples % replicas:
        raise UserError(
            f"a batch that {replicas} replicas can share",
            f"{samples} samples",
            f"give a multiple of {replicas} samples",
        )
    before = objective.get_weights()
    expected = _step(objective, batch, before, tf.distribute.get_strategy())
    found = _step(objective, batch, before, strategy)
    differences = _compare(expected, found)
    worst = {kind: max(by_name, key=by_name.get) for kind, by_name in differences.items()}
    report = {kind: differences[kind][name] for kind, name in worst.items()}
    if wrong := [kind for kind in report if not report[kind] <= tolerance]:
        raise UserError(
            f"{replicas} replicas to train as one device, to a tolerance of {tolerance:g}",
            ", ".join(f"{report[kind]:.2g} in {kind} ({worst[kind]})" for kind in wrong),
            "gather what loss_terms compares and after_step stores, and synchronize batch normalization",
        )
    return report


def _step(objective, batch, weights, strategy):
    """Return the loss and the changes of trainable and other variables in one step of gradient descent."""
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
    """Return the largest relative differences by name; a NaN on either side counts as an infinite difference."""
    return {
        kind: {
            name: float(np.nan_to_num(np.abs(value - other).max() / max(1.0, np.abs(value).max()), nan=np.inf))
            for (name, value), other in zip(expected[kind].items(), found[kind].values(), strict=True)
        }
        for kind in expected
    }
