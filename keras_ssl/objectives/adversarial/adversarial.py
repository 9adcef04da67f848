"""The base class of objectives that train a discriminator against other networks."""

from typing import Any

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import optimizers
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.base.updates import Update
from keras_ssl.optimizers import StretchedSchedule, another_like, innermost

__all__ = ["Adversarial"]


class Adversarial(Objective):
    """The base class of objectives with alternating updates of a discriminator and other networks. TensorFlow only.

    Each training step first updates the discriminator, on "discriminator_loss" and with its own optimizer, then all
    other weights on "loss". A subclass lists the discriminator's networks in `discriminators`.
    """

    terms: tuple[str, ...] = ("loss", "discriminator_loss")
    discriminator_steps: int = 1
    """Updates of the discriminator for each update of the other networks."""
    discriminator_optimizer: Any = None
    """The discriminator's optimizer; set by `compile`."""

    @property
    def discriminators(self) -> list[keras.layers.Layer]:
        """The layers and models that make up the discriminator."""
        raise NotImplementedError(f"{type(self).__name__} must define the property discriminators.")

    @property
    def updates(self) -> list[Update]:
        """The updates of the discriminator, then one update of all other weights."""
        discriminating = [v for network in self.discriminators for v in network.trainable_variables]
        ids = {id(v) for v in discriminating}
        others = [v for v in self.trainable_variables if id(v) not in ids]
        first = Update("discriminator_loss", self.discriminator_optimizer, discriminating)
        return [first] * self.discriminator_steps + [Update("loss", self.optimizer, others)]

    def compile(self, optimizer: Any, discriminator_optimizer: Any = None, **kwargs: Any) -> None:
        """Compile with two optimizers.

        Args:
            optimizer: Optimizer of all networks except the discriminator: Keras optimizer or its name.
            discriminator_optimizer: Optimizer of the discriminator. Default: None, another one like `optimizer`. If its
                learning rate is a schedule, it is evaluated at the objective's steps, not at the discriminator's
                updates, of which there may be several in each step.
            **kwargs: See `Objective.compile`.

        Raises:
            UserError: If Keras does not run on TensorFlow, the same optimizer is given twice, or an optimizer averages
                weights or consists of several.
        """
        require_tensorflow(f"which the alternating updates of {type(self).__name__} need")
        if optimizer is discriminator_optimizer and not isinstance(optimizer, str):
            raise UserError("two optimizers", "the same one twice", "leave `discriminator_optimizer` out")
        super().compile(optimizer, **kwargs)
        first = self.optimizer
        _check_one_of_two(first)
        if discriminator_optimizer is None:
            second = self._another_like(first)
        else:
            second = keras.optimizers.get(discriminator_optimizer)
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(first, scaled) and not isinstance(second, scaled):  # as Keras does to the first
                second = scaled(second)
            if self.discriminator_steps > 1 and not second.built and _counts_updates(second):
                second = self._another_like(second)
        _check_one_of_two(second)
        self.discriminator_optimizer = second

    def _another_like(self, optimizer):
        """An optimizer with the same arguments, whose schedules count the objective's steps."""
        inner = innermost(optimizer)
        config, schedules = inner.get_config(), {"weight_decay"}
        if isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            schedules.add("learning_rate")
        stretched = {
            name: StretchedSchedule(keras.saving.deserialize_keras_object(config[name]), self.discriminator_steps)
            for name in schedules
            if isinstance(config.get(name), dict) and self.discriminator_steps > 1
        }
        return another_like(optimizer, **stretched)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of `compile`, serialized; None if it is not compiled."""
        arguments = super().get_compile_config()
        if arguments is None:
            return None
        second = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return {**arguments, "discriminator_optimizer": second}


def _counts_updates(optimizer):
    """Whether an optimizer has a schedule that is not stretched yet, as those of a saved one are."""
    inner = innermost(optimizer)
    schedules = (getattr(inner, name, None) for name in ("_learning_rate", "_weight_decay"))
    kind = keras.optimizers.schedules.LearningRateSchedule
    return any(isinstance(one, kind) and not isinstance(one, StretchedSchedule) for one in schedules)


def _check_one_of_two(optimizer):
    """Raise if Keras would do something to an optimizer that cannot be done to one of two."""
    optimizers.check_numbers(optimizer)
    inner = innermost(optimizer)
    if isinstance(inner, keras.optimizers.MultiOptimizer):
        raise UserError("an optimizer for each of two players", "a MultiOptimizer", "give one optimizer for each")
    if inner.use_ema:  # Keras would write one optimizer's averages into the weights of all networks at the end of `fit`
        raise UserError(
            "optimizers that do not average weights, since each trains a part of them",
            "use_ema=True",
            "leave it out",
        )
