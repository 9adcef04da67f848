"""The base of objectives that train a discriminator against other networks."""

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.optimizers import schedules

__all__ = ["Adversarial"]


class Adversarial(Objective):
    """The base of objectives with two players, each with an optimizer, that take turns in every step. TensorFlow only.

    A subclass says which networks discriminate, in `discriminators`; all others are the other player's. Its terms are
    "loss", which that one lowers, and "discriminator_loss".
    """

    terms: tuple[str, ...] = ("loss", "discriminator_loss")
    minimised: tuple[str, ...] = ("discriminator_loss", "loss")

    discriminator_optimizer = None
    """Of the discriminators, from `compile` on."""

    @property
    def discriminators(self):
        """Layers and models whose weights the discriminator's optimizer trains."""
        raise NotImplementedError(f"{type(self).__name__} must define the property discriminators.")

    @property
    def players(self):
        """The discriminator, then the other player, each an optimizer and the variables that it trains."""
        first = [v for network in self.discriminators for v in network.trainable_variables]
        mine = {id(v) for v in first}
        rest = [v for v in self.trainable_variables if id(v) not in mine]
        by_term = {"discriminator_loss": (self.discriminator_optimizer, first), "loss": (self.optimizer, rest)}
        return [by_term[term] for term in self.minimised]

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Compile with an optimizer for each player.

        Args:
            optimizer: Of the player who is judged: Keras optimizer or its name.
            discriminator_optimizer: Of the discriminator. Default None: another like `optimizer`, whose learning rate,
                where it is a schedule, is read at the steps of the objective, not at the discriminator's, which may be
                several times as many.
            **kwargs: See `Objective.compile`.

        Raises:
            UserError: If Keras does not run on TensorFlow, or one optimizer is given for both.
        """
        require_tensorflow(f"on which {type(self).__name__} trains two networks in turn")
        if optimizer is discriminator_optimizer and not isinstance(optimizer, str):
            raise UserError("an optimizer for each player", "one for both", "leave `discriminator_optimizer` out")
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
        steps = self.minimised.count("discriminator_loss")
        if isinstance(innermost["learning_rate"], dict) and steps > 1:
            schedule = keras.saving.deserialize_keras_object(innermost["learning_rate"])
            innermost["learning_rate"] = keras.saving.serialize_keras_object(schedules.Slower(schedule, steps))
        return type(optimizer).from_config(config)

    def get_compile_config(self):
        """Return what `compile` was called with, serialised."""
        second = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return {**super().get_compile_config(), "discriminator_optimizer": second}
