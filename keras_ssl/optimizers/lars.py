"""LARS, for batches of thousands."""

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.optimizers.scheduled_decay import ScheduledDecay

__all__ = ["LARS"]


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(ScheduledDecay):
    """Momentum with a learning rate for each layer, so that batches of thousands train.

    For a weight w with gradient g, `g' = g + β w`, `λ = η |w| / |g'|`, `v <- m v + γ λ g'`, `w <- w - v`. Vectors
    (biases, scales and offsets of normalization) have neither the layer's rate nor weight decay: λ = 1 and β = 0.

    Args:
        learning_rate: γ, a number or a schedule. Default 0.3; the papers scale it with batch / 256.
        momentum: m, 0..1. Default 0.9.
        weight_decay: β, at least 0, part of the gradient; a number, or a schedule in steps. Default 1e-6, SimCLR's;
            BYOL and Barlow Twins 1.5e-6.
        trust: η, above 0. Default 1e-3.
        name: Of the optimizer.
        **kwargs: Of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Reference:
        You et al. 2017, "Large Batch Training of Convolutional Networks", Algorithm 1; the exclusion of vectors is that
        of Chen et al. 2020 and Grill et al. 2020.
    """

    def __init__(self, learning_rate=0.3, momentum=0.9, weight_decay=1e-6, trust=1e-3, name="lars", **kwargs):
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        check_between("momentum", momentum, 0, 1)
        check_between("trust", trust, above=0)
        self.momentum = momentum
        self.trust = trust

    def build(self, variables):
        """Make a velocity for each variable."""
        if self.built:
            return
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(variable, name="velocity") for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
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

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum, "trust": self.trust}

    def _apply_weight_decay(self, variables):
        """Nothing: the decay is part of the gradient."""


def _layer_rate(weight, gradient, trust):
    """λ, and 1 where it has no value: at a weight or a gradient of zero."""
    w, g = (ops.sqrt(ops.sum(ops.square(x))) for x in (weight, gradient))
    return ops.where(ops.logical_and(w > 0, g > 0), trust * w / ops.where(g > 0, g, 1.0), 1.0)
