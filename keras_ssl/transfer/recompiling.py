"""A new optimizer for other trainable variables, with the old one's state."""

import keras
from keras.optimizers import Optimizer

from keras_ssl.distribute import scope_of
from keras_ssl.errors import UserError
from keras_ssl.optimizers import another_like, innermost
from keras_ssl.typing import Schedule

__all__ = ["check_one_optimizer", "compile_again"]


def check_one_optimizer(model: keras.Model, advice: str) -> None:
    """Raise `UserError` if a model is compiled with several optimizers, as adversarial objectives are.

    Args:
        model: `keras.Model`.
        advice: What to do then.
    """
    updates = getattr(model, "updates", ()) if getattr(model, "compiled", False) else ()
    if len({id(update.optimizer) for update in updates}) > 1:
        raise UserError("a model with one optimizer", f"'{model.name}' with two", advice)


def compile_again(model: keras.Model, learning_rate: Schedule | None = None) -> None:
    """Compile a model again, with the same loss and metrics, for the variables that train now.

    Args:
        model: Compiled `keras.Model` with one optimizer. Its new optimizer takes over the step count, and the state of
            the variables that train now as before.
        learning_rate: New learning rate, a number or a schedule; None keeps the old one. Default: None.
    """
    old = model.optimizer
    with scope_of(model):  # else replicas would not sum their gradients any more
        new = another_like(old, **({} if learning_rate is None else {"learning_rate": learning_rate}))
        new.build(model.trainable_variables)
        _copy_state(old, new)
        if isinstance(learning_rate, (int, float)):
            innermost(new).learning_rate = learning_rate
        model.compile(**{**model._compile_config.config, "optimizer": new})


_NO_SLOTS = ("_variables", "_trainable_variables")


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
        elif isinstance(value, list) and name not in _NO_SLOTS and len(value) == len(new._trainable_variables):
            for variable, slot in zip(new._trainable_variables, value):
                if isinstance(slot, keras.Variable) and id(variable) in place:
                    slot.assign(source[place[id(variable)]])
                elif name == "_model_variables_moving_average":  # the mean of a weight begins where the weight is
                    slot.assign(variable)
