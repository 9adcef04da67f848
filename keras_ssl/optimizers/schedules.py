"""Learning rate schedules that Keras lacks."""

import keras

__all__ = ["Slower"]


@keras.saving.register_keras_serializable("keras_ssl")
class Slower(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that is read at a part of the step, for an optimizer that takes several steps where others take one.

    Args:
        schedule: `LearningRateSchedule`.
        times: Steps of the optimizer to one of the schedule, at least 1.
    """

    def __init__(self, schedule, times):
        super().__init__()
        self.schedule, self.times = schedule, times

    def __call__(self, step):
        """Return the rate of the schedule at `step // times`."""
        return self.schedule(step // self.times)

    def get_config(self):
        """Return the constructor's arguments, serialised."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "times": self.times}

    @classmethod
    def from_config(cls, config):
        """Make one of what `get_config` returned."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["times"])
