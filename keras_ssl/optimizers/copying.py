"""An optimizer like another one, and what is inside a `LossScaleOptimizer`."""

from typing import Any

import keras

__all__ = ["another_like", "innermost"]


def innermost(optimizer: Any) -> Any:
    """Return the optimizer that a `LossScaleOptimizer` holds; any other one is returned unchanged.

    Args:
        optimizer: Keras optimizer.
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


def another_like(optimizer: Any, **changed: Any) -> Any:
    """Return a new optimizer with the same arguments, and the same variables excluded from weight decay.

    It has no variables yet.

    Args:
        optimizer: Keras optimizer.
        **changed: Arguments with other values: numbers or schedules.
    """
    inner, config = innermost(optimizer), optimizer.get_config()
    own = config["inner_optimizer"]["config"] if inner is not optimizer else config
    rate = getattr(inner, "_learning_rate", None)
    if callable(rate) and not isinstance(rate, (keras.optimizers.schedules.LearningRateSchedule, keras.Variable)):
        own["learning_rate"] = rate  # Keras would refuse to load a lambda
    own |= {name: keras.saving.serialize_keras_object(value) for name, value in changed.items()}
    other = type(optimizer).from_config(config)
    excluded = {name: value for name, value in vars(inner).items() if name.startswith("_exclude_from_weight")}
    vars(innermost(other)).update(excluded)
    return other
