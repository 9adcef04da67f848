"""What Keras does to "the" optimizer of a model: its numbers, its averages, and the callbacks that change them."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.optimizers import innermost
from keras_ssl.typing import Tensor

__all__ = ["check_callbacks", "check_numbers", "learning_rates", "of", "under_xla"]


def of(objective: Any) -> list[Any]:
    """Return the optimizers of a compiled `Objective`, each once."""
    return list({id(update.optimizer): update.optimizer for update in objective.updates}.values())


def learning_rates(optimizer: Any) -> list[Tensor]:
    """Return the learning rates at the current step: of a `MultiOptimizer` several, otherwise one."""
    inner = innermost(optimizer)
    return [one.learning_rate for one in getattr(inner, "optimizers", [inner])]


def check_numbers(optimizer: Any) -> None:
    """Raise `UserError` if a number of an optimizer is NaN, which its first update would make the weights.

    Args:
        optimizer: Keras optimizer.
    """
    for name, value in innermost(optimizer).get_config().items():
        if isinstance(value, float) and np.isnan(value):
            raise UserError(f"an optimizer whose {name} is a number", "NaN", f"give another `{name}`")


def under_xla(optimizer: Any, asked: bool | str) -> bool:
    """Return whether XLA can compile the steps of an optimizer on TensorFlow: those of tables it cannot.

    Args:
        optimizer: Keras optimizer, or its name.
        asked: The argument `jit_compile`.

    Raises:
        UserError: If it cannot, and was asked for.
    """
    can = getattr(getattr(optimizer, "inner_optimizer", optimizer), "under_xla", True)
    if not can and asked is True:
        name = type(innermost(optimizer)).__name__
        raise UserError(f"`jit_compile=False` for {name}, which XLA cannot compile", "True", "leave `jit_compile` out")
    return can


def check_callbacks(objective: Any, callbacks: Any) -> None:
    """Raise `UserError` if one of Keras's callbacks would not do what it is for.

    Args:
        objective: A compiled `Objective`.
        callbacks: The argument of `fit`: None, a callback, several, or a `CallbackList`.
    """
    found = getattr(callbacks, "callbacks", callbacks)
    optimizers = of(objective)
    for callback in found if isinstance(found, Iterable) else [found]:
        name = type(callback).__name__
        rates = isinstance(callback, keras.callbacks.LearningRateScheduler | keras.callbacks.ReduceLROnPlateau)
        if rates and len(optimizers) > 1:
            raise UserError(
                f"callbacks that change the learning rates of both optimizers of {type(objective).__name__}",
                f"{name}, which changes only that of `optimizer`",
                "give each optimizer a schedule of `keras.optimizers.schedules`",
            )
        averages = [getattr(innermost(optimizer), "use_ema", True) for optimizer in optimizers]
        if isinstance(callback, keras.callbacks.SwapEMAWeights) and not any(averages):
            raise UserError(f"an optimizer with `use_ema=True` for {name}", "use_ema=False", "leave the callback out")
