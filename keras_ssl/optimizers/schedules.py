"""Learning rate schedules that Keras lacks."""

from typing import Any

import keras

from keras_ssl.checks import check_counts
from keras_ssl.typing import Tensor

__all__ = ["StretchedSchedule"]


@keras.saving.register_keras_serializable("keras_ssl")
class StretchedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule stretched over `factor` times as many steps, for an optimizer that takes several steps per train step.

    Args:
        schedule: `keras.optimizers.schedules.LearningRateSchedule`.
        factor: Number of optimizer steps per step of `schedule`, at least 1.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, factor: int) -> None:
        super().__init__()
        check_counts(factor=factor)
        self.schedule, self.factor = schedule, factor

    def __call__(self, step: Tensor) -> Tensor:
        """Evaluate the schedule at `step // factor`."""
        return self.schedule(step // self.factor)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, serialized."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "StretchedSchedule":
        """Create a schedule from the result of `get_config`."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])
