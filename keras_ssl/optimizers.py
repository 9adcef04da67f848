"""Optimizers that Keras lacks.

The schedules are Keras's own, in steps; learning rate, weight decay, target momentum and temperatures take them. Of
`keras.optimizers.schedules`, with numbers that papers use:

- learning rate, linear warm-up and cosine to 0: `CosineDecay(0.0, steps - 500, warmup_target=0.3, warmup_steps=500)`,
  where `0.0` must not be written `0`, which Keras 3.15 takes for the dtype of all rates;
- weight decay, cosine upwards: `CosineDecay(0.04, steps, alpha=10)` ends at 0.4;
- target momentum, cosine to 1: `CosineDecay(0.996, steps, alpha=1 / 0.996)`;
- temperature, linear: `PolynomialDecay(0.04, steps, end_learning_rate=0.07)`.
"""

import keras
from keras import ops
from keras.optimizers import schedules

from keras_ssl.checks import check_between

__all__ = ["AdamW", "LARS"]


class _ScheduledDecay(keras.optimizers.Optimizer):
    """Lets an optimizer's `weight_decay` be a schedule, read and saved as its learning rate is."""

    @property
    def weight_decay(self):
        """The weight decay at the current step."""
        value = self._weight_decay
        return value(self._iterations) if isinstance(value, schedules.LearningRateSchedule) else value

    @weight_decay.setter
    def weight_decay(self, value):
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


@keras.saving.register_keras_serializable("keras_ssl")
class AdamW(_ScheduledDecay, keras.optimizers.AdamW):
    """Keras's AdamW, with a weight decay that may follow a schedule and leaves vectors alone.

    Vectors are biases, and scales and offsets of normalisation. As in Keras the decay of a step is multiplied by the
    learning rate: `w <- w - γ β w`.

    Args:
        learning_rate: γ, a number or a schedule. Default 1e-3.
        weight_decay: β, at least 0; a number, or a schedule in steps. Default 0.05, MAE's. DINO's cosine from 0.04 to
            0.4 is `keras.optimizers.schedules.CosineDecay(0.04, steps, alpha=10)`.
        **kwargs: Of `keras.optimizers.AdamW`, such as `beta_2`; `exclude_from_weight_decay` excludes more.

    Reference:
        Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2; He et al. 2022, "Masked
        Autoencoders Are Scalable Vision Learners", Table 8; Caron et al. 2021, "Emerging Properties in Self-Supervised
        Vision Transformers", section 3.2.

    Departures:
        Algorithm 2 multiplies the decay by the schedule of the learning rate, not by the learning rate itself.
    """

    def __init__(self, learning_rate=1e-3, weight_decay=0.05, **kwargs):
        super().__init__(learning_rate, weight_decay, **kwargs)

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(_ScheduledDecay):
    """Momentum with a learning rate for each layer, so that batches of thousands train.

    For a weight w with gradient g, `g' = g + β w`, `λ = η |w| / |g'|`, `v <- m v + γ λ g'`, `w <- w - v`. Vectors
    (biases, scales and offsets of normalisation) have neither the layer's rate nor weight decay: λ = 1 and β = 0.

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
