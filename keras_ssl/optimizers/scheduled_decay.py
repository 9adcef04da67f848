"""A weight decay that may follow a schedule."""

import keras
from keras.optimizers import schedules

from keras_ssl.checks import check_between

__all__ = ["ScheduledDecay"]


class ScheduledDecay(keras.optimizers.Optimizer):
    """Lets an optimizer's `weight_decay` be a schedule, read and saved as its learning rate is."""

    @property
    def weight_decay(self):
        """The weight decay at the current step."""
        value = self._weight_decay
        return value(self._iterations) if isinstance(value, schedules.LearningRateSchedule) else value

    @weight_decay.setter
    def weight_decay(self, value):
        """Set a number, at least 0, or a schedule."""
        check_between("weight_decay", value, least=0)
        self._weight_decay = value

    def get_config(self):
        """Return the constructor's arguments."""
        value = self._weight_decay
        if isinstance(value, schedules.LearningRateSchedule):
            value = schedules.serialize(value)
        return {**super().get_config(), "weight_decay": value}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make an optimizer of what `get_config` returned."""
        value = config["weight_decay"]
        if isinstance(value, dict):
            value = schedules.deserialize(value, custom_objects)
        return super().from_config({**config, "weight_decay": value}, custom_objects)
