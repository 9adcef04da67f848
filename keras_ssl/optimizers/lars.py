"""LARS, an optimizer for batches of thousands."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.optimizers.scheduled_decay import ScheduledDecay
from keras_ssl.typing import Schedule, Tensor

__all__ = ["LARS"]


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(ScheduledDecay):
    """SGD with momentum and a learning rate that adapts to each layer, for batches of thousands.

    For a weight w with gradient g, `g' = g + β w`, `λ = η |w| / |g'|`, `v <- m v + γ λ g'`, `w <- w - v`. Vectors
    (biases, scales and offsets of normalization layers) get no adapted rate and no weight decay: λ = 1 and β = 0.

    Args:
        learning_rate: γ, a number or a schedule. Default: 0.3; the papers scale it by batch / 256.
        momentum: m, 0..1. Default: 0.9.
        weight_decay: β, at least 0, added to the gradient; a number or a schedule. Default: 1e-6, as in SimCLR; BYOL
            and Barlow Twins use 1.5e-6.
        trust: η, above 0. Default: 1e-3.
        name: Name of the optimizer.
        **kwargs: Arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Raises:
        UserError: If `momentum`, `weight_decay` or `trust` is out of range.

    Reference:
        You et al. 2017, "Large Batch Training of Convolutional Networks", Algorithm 1; vectors are excluded as in Chen
        et al. 2020 and Grill et al. 2020.

    Departures:
        λ divides by |g + β w|, as SimCLR's code does; the paper by |g| + β |w|.
    """

    def __init__(
        self,
        learning_rate: Schedule = 0.3,
        momentum: float = 0.9,
        weight_decay: Schedule = 1e-6,
        trust: float = 1e-3,
        name: str = "lars",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        check_between("momentum", momentum, 0, 1)
        check_between("trust", trust, above=0)
        self.momentum = momentum
        self.trust = trust

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create a velocity for each variable."""
        if self.built:
            return
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(variable, name="velocity") for variable in variables]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update one variable."""
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]
        if len(variable.shape) > 1:
            weight = ops.convert_to_tensor(variable)
            if self._use_weight_decay(variable):
                gradient = gradient + ops.cast(self.weight_decay, variable.dtype) * weight
            gradient = _layer_rate(weight, gradient, self.trust) * gradient
        self.assign(velocity, self.momentum * velocity + rate * gradient)
        self.assign_sub(variable, velocity)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum, "trust": self.trust}

    def _apply_weight_decay(self, variables):
        """Do nothing: the decay is already part of the gradient."""


def _layer_rate(weight, gradient, trust):
    """Return λ, or 1 if the weight or the gradient is zero and λ is undefined."""
    w, g = (ops.sqrt(ops.sum(ops.square(x))) for x in (weight, gradient))
    return ops.where(ops.logical_and(w > 0, g > 0), trust * w / ops.where(g > 0, g, 1.0), 1.0)
