"""AdamW with scheduled weight decay, and learning rates that differ between variables."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops
from keras.optimizers import schedules

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.optimizers.scheduled_decay import ScheduledDecay
from keras_ssl.typing import Schedule

__all__ = ["AdamW"]


@keras.saving.register_keras_serializable("keras_ssl")
class AdamW(ScheduledDecay, keras.optimizers.AdamW):
    """Keras's AdamW, with a weight decay that can follow a schedule and does not apply to vectors.

    Vectors are biases, and scales and offsets of normalization layers. As in Keras, the decay is multiplied by the
    learning rate: `w <- w - γ β w`.

    Args:
        learning_rate: γ, a number or a schedule. Default: 1e-3.
        weight_decay: β, at least 0; a number or a schedule. Default: 0.05, as in MAE. DINO's cosine from 0.04 to 0.4 is
            `keras.optimizers.schedules.CosineDecay(0.04, steps, alpha=10)`.
        rate_factors: What γ is multiplied by, by the paths of variables, such as `transfer.layer_rates(model)`: numbers
            of at least 0, or schedules; 1 for all others. A variable stays while its factor is 0. Default: None.
        **kwargs: Arguments of `keras.optimizers.AdamW`, such as `beta_2`. Its method `exclude_from_weight_decay`
            excludes more variables.

    Raises:
        UserError: If a number is out of its range; from `build`, if the factors fit no variable.

    Reference:
        Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2; He et al. 2022, "Masked
        Autoencoders Are Scalable Vision Learners", Table 8; Caron et al. 2021, "Emerging Properties in Self-Supervised
        Vision Transformers", section 3.2.

    Departures:
        Algorithm 2 multiplies the decay by the schedule multiplier η only, not by the full learning rate.
    """

    def __init__(
        self,
        learning_rate: Schedule = 1e-3,
        weight_decay: Schedule = 0.05,
        rate_factors: Mapping[str, Schedule] | None = None,
        **kwargs: Any,
    ) -> None:
        for path, factor in (rate_factors or {}).items():
            check_between(f"the factor of '{path}'", factor, least=0, schedule=True)
        super().__init__(learning_rate, weight_decay, **kwargs)
        self.rate_factors = rate_factors and dict(rate_factors)
        self._factors: dict[Any, Schedule] = {}

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the state of these variables.

        Args:
            variables: Those that will train.
        """
        super().build(variables)
        known = self.rate_factors or {}
        self._factors = {
            self._var_key(variable): known[variable.path] for variable in variables if variable.path in known
        }
        if known and not self._factors:
            raise UserError(
                "factors of learning rates by the paths of variables",
                f"paths such as '{next(iter(known))}', none of them that of a variable",
                "compute them from the model that is trained: `transfer.layer_rates(model)`",
            )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable.

        Args:
            gradient: Its gradient.
            variable: The variable.
            learning_rate: Scalar.
        """
        rate = self._factor(variable) * learning_rate
        if self._weight_decay != 0 and self._use_weight_decay(variable):
            self.assign_sub(variable, ops.cast(rate * self.weight_decay, variable.dtype) * variable)
        super().update_step(gradient, variable, rate)

    def rate_of(self, variable: keras.Variable) -> float:
        """Return the learning rate of a variable at the current step.

        Args:
            variable: `keras.Variable` that the optimizer trains, or will train once it is built.
        """
        factor = self._now((self.rate_factors or {}).get(variable.path, 1.0))
        return float(ops.convert_to_numpy(factor * self.learning_rate))

    def _factor(self, variable):
        return self._now(self._factors.get(self._var_key(variable), 1.0)) if self._factors else 1.0

    def _now(self, factor):
        return factor(self._iterations) if isinstance(factor, schedules.LearningRateSchedule) else factor

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        factors = self.rate_factors and {
            path: schedules.serialize(factor) if isinstance(factor, schedules.LearningRateSchedule) else factor
            for path, factor in self.rate_factors.items()
        }
        return {**super().get_config(), "rate_factors": factors}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "AdamW":
        """Create an optimizer from the result of `get_config`."""
        factors = config.get("rate_factors")
        factors = factors and {
            path: schedules.deserialize(factor, custom_objects) if isinstance(factor, dict) else factor
            for path, factor in factors.items()
        }
        return super().from_config({**config, "rate_factors": factors}, custom_objects)

    def _apply_weight_decay(self, variables):
        """Do nothing: `update_step` does it, at each variable's own rate."""

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)
