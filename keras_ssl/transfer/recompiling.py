"""A new optimizer for other trainable variables, with the old one's state."""

import keras
from keras.optimizers import Optimizer

from keras_ssl.typing import Schedule

__all__ = ["compile_again"]


def compile_again(model: keras.Model, learning_rate: Schedule | None = None) -> None:
    """Compile a model again, with the same loss and metrics, for the variables that train now.

    Args:
        model: Compiled `keras.Model`. Its new optimizer takes over the step count, and the state of the variables that
            train now as before.
        learning_rate: New learning rate, a number or a schedule; None keeps the old one. Default: None.
    """
    old = model.optimizer
    config = old.get_config()
    if learning_rate is not None:
        innermost = config["inner_optimizer"]["config"] if "inner_optimizer" in config else config
        innermost["learning_rate"] = keras.saving.serialize_keras_object(learning_rate)
    new = type(old).from_config(config)
    before, after = (getattr(optimizer, "inner_optimizer", optimizer) for optimizer in (old, new))
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):  # no part of the configuration
        if hasattr(before, name):
            setattr(after, name, getattr(before, name))
    new.build(model.trainable_variables)
    _copy_state(old, new)
    if isinstance(learning_rate, (int, float)):
        getattr(new, "inner_optimizer", new).learning_rate = learning_rate
    model.compile(**{**model._compile_config.config, "optimizer": new})


def _copy_state(old, new):
    """Copy step count, scalars and the slots of the variables that both optimizers train."""
    if not old.built:
        return
    place = {id(v): k for k, v in enumerate(old._trainable_variables)}
    for name, value in vars(new).items():
        source = vars(old).get(name)
        if isinstance(value, Optimizer):
            _copy_state(source, value)
        elif isinstance(value, keras.Variable) and isinstance(source, keras.Variable):
            value.assign(source)
        elif isinstance(value, list) and name != "_trainable_variables" and len(value) == len(new._trainable_variables):
            for variable, slot in zip(new._trainable_variables, value):
                if isinstance(slot, keras.Variable) and id(variable) in place:
                    slot.assign(source[place[id(variable)]])
