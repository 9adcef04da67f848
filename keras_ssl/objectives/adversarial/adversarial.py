"""The base of objectives that train a discriminator against other networks."""

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.base.updates import Update
from keras_ssl.optimizers import schedules

__all__ = ["Adversarial"]


class Adversarial(Objective):
    """The base of objectives that train a discriminator and the networks that it judges in turn. TensorFlow only.

    Each step first updates the discriminator, on "discriminator_loss" and with an optimizer of its own, then all other
    weights on "loss". A subclass says which networks discriminate, in `discriminators`.
    """

    terms: tuple[str, ...] = ("loss", "discriminator_loss")
    discriminator_steps = 1
    """Updates of the discriminator to one of the other networks."""
    discriminator_optimizer = None
    """Of the discriminators; set by `compile`."""

    @property
    def discriminators(self):
        """Layers and models whose weights the discriminator's optimizer trains."""
        raise NotImplementedError(f"{type(self).__name__} must define the property discriminators.")

    @property
    def updates(self):
        """The updates of the discriminator, then the one of all other weights."""
        discriminating = [v for network in self.discriminators for v in network.trainable_variables]
        theirs = {id(v) for v in discriminating}
        others = [v for v in self.trainable_variables if id(v) not in theirs]
        first = Update("discriminator_loss", self.discriminator_optimizer, discriminating)
        return [first] * self.discriminator_steps + [Update("loss", self.optimizer, others)]

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Compile with two optimizers.

        Args:
            optimizer: Of all networks but the discriminator: Keras optimizer or its name.
            discriminator_optimizer: Of the discriminator. Default None: another one like `optimizer`. Where its
                learning rate is a schedule, that is evaluated at the steps of the objective, not at those of the
                discriminator, which may take several at a time.
            **kwargs: See `Objective.compile`.

        Raises:
            UserError: If Keras does not run on TensorFlow, or both are one optimizer.
        """
        require_tensorflow(f"on which {type(self).__name__} trains two networks in turn")
        if optimizer is discriminator_optimizer and not isinstance(optimizer, str):
            raise UserError("two optimizers", "one for both networks", "leave `discriminator_optimizer` out")
        super().compile(optimizer, **kwargs)
        if discriminator_optimizer is None:
            second = self._another_like(self.optimizer)
        else:
            second = keras.optimizers.get(discriminator_optimizer)
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, scaled) and not isinstance(second, scaled):  # as Keras does to the first
                second = scaled(second)
        self.discriminator_optimizer = second

    def _another_like(self, optimizer):
        config = optimizer.get_config()
        innermost = config["inner_optimizer"]["config"] if "inner_optimizer" in config else config
        steps = self.discriminator_steps
        if isinstance(innermost["learning_rate"], dict) and steps > 1:
            schedule = keras.saving.deserialize_keras_object(innermost["learning_rate"])
            innermost["learning_rate"] = keras.saving.serialize_keras_object(
                schedules.StretchedSchedule(schedule, steps)
            )
        return type(optimizer).from_config(config)

    def get_compile_config(self):
        """Return what `compile` was called with, serialized."""
        second = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return {**super().get_compile_config(), "discriminator_optimizer": second}
