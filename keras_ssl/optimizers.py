"""Optimizers that Keras lacks."""

import keras
from keras import ops

__all__ = ["LARS"]


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(keras.optimizers.Optimizer):
    """Momentum with a learning rate for each layer, so that batches of thousands train.

    For a weight w with gradient g, `g' = g + β w`, `λ = η |w| / |g'|`, `v <- m v + γ λ g'`, `w <- w - v`. Vectors
    (biases, scales and offsets of normalisation) have neither the layer's rate nor weight decay: λ = 1 and β = 0.

    Args:
        learning_rate: γ, a number or a schedule. Default 0.3; the papers scale it with batch / 256.
        momentum: m, 0..1. Default 0.9.
        weight_decay: β, at least 0, part of the gradient. Default 1e-6, SimCLR's; BYOL and Barlow Twins 1.5e-6.
        trust: η, above 0. Default 1e-3.
        name: Of the optimizer.
        **kwargs: Of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Reference:
        You et al. 2017, "Large Batch Training of Convolutional Networks", Algorithm 1; the exclusion of vectors is that
        of Chen et al. 2020 and Grill et al. 2020.
    """

    def __init__(self, learning_rate=0.3, momentum=0.9, weight_decay=1e-6, trust=1e-3, name="lars", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)  # Keras's own weight decay is not part of the gradient
        self.momentum = momentum
        self.decay = weight_decay
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
            gradient = gradient + self.decay * weight
            gradient = _layer_rate(weight, gradient, self.trust) * gradient
        self.assign(velocity, self.momentum * velocity + rate * gradient)
        self.assign_sub(variable, velocity)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"momentum": self.momentum, "weight_decay": self.decay, "trust": self.trust}
        return {**super().get_config(), **own}


def _layer_rate(weight, gradient, trust):
    """λ, and 1 where it has no value: at a weight or a gradient of zero."""
    w, g = (ops.sqrt(ops.sum(ops.square(x))) for x in (weight, gradient))
    return ops.where(ops.logical_and(w > 0, g > 0), trust * w / ops.where(g > 0, g, 1.0), 1.0)
