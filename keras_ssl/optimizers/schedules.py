"""Learning rate schedules that Keras lacks."""

import keras

__all__ = ["StretchedSchedule"]


@keras.saving.register_keras_serializable("keras_ssl")
class StretchedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule stretched over `factor` times as many steps, for an optimizer that takes several steps at a time.

    Args:
        schedule: `LearningRateSchedule`.
        factor: How many steps stand for one step of `schedule`, at least 1.
    """

    def __init__(self, schedule, factor):
        super().__init__()
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        """Evaluate the schedule at `step // factor`."""
        return self.schedule(step // self.factor)

    def get_config(self):
        """Return the constructor's arguments, serialized."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        """Make a schedule from what `get_config` returned."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])
