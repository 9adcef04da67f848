"""Scheduled weight decay."""

from typing import Any

import keras
from keras.optimizers import schedules

from keras_ssl.checks import check_between
from keras_ssl.typing import Schedule

__all__ = ["ScheduledDecay"]


class ScheduledDecay(keras.optimizers.Optimizer):
    """Base class of optimizers whose `weight_decay` can be a schedule, evaluated and saved like the learning rate.

    Args:
        learning_rate: Number of at least 0, schedule, or function without arguments.
        *args: Of the next class.
        **kwargs: Of the next class.

    Raises:
        UserError: If a number is out of its range.
    """

    def __init__(self, learning_rate: Schedule, *args: Any, **kwargs: Any) -> None:
        if isinstance(learning_rate, schedules.LearningRateSchedule) or not callable(learning_rate):
            check_between("learning_rate", learning_rate, least=0, schedule=True)
        super().__init__(learning_rate, *args, **kwargs)

    @property
    def weight_decay(self) -> Any:
        """The weight decay at the current step."""
        value = self._weight_decay
        return value(self._iterations) if isinstance(value, schedules.LearningRateSchedule) else value

    @weight_decay.setter
    def weight_decay(self, value: Schedule) -> None:
        """Set the weight decay: a number, at least 0, or a schedule."""
        check_between("weight_decay", value, least=0, schedule=True)
        self._weight_decay = value

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        value = self._weight_decay
        if isinstance(value, schedules.LearningRateSchedule):
            value = schedules.serialize(value)
        return {**super().get_config(), "weight_decay": value}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "ScheduledDecay":
        """Create an optimizer from the result of `get_config`."""
        value = config["weight_decay"]
        if isinstance(value, dict):
            value = schedules.deserialize(value, custom_objects)
        return super().from_config({**config, "weight_decay": value}, custom_objects)
