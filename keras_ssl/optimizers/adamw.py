"""AdamW with scheduled weight decay, and learning rates that differ between variables."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

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
        rate_factors: What γ is multiplied by, by the paths of variables, such as `transfer.layer_rates(model)`; 1 for
            all others. Default: None.
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
        rate_factors: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        for path, factor in (rate_factors or {}).items():
            check_between(f"the factor of '{path}'", factor, least=0)
        super().__init__(learning_rate, weight_decay, **kwargs)
        self.rate_factors = rate_factors and dict(rate_factors)
        self._factors: dict[Any, float] = {}

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
        super().update_step(gradient, variable, self._factor(variable) * learning_rate)

    def _apply_weight_decay(self, variables):
        for factor in sorted({self._factor(variable) for variable in variables}):
            self._decay_factor = factor
            super()._apply_weight_decay([variable for variable in variables if self._factor(variable) == factor])
        self._decay_factor = 1.0

    def _factor(self, variable):
        return self._factors.get(self._var_key(variable), 1.0) if self._factors else 1.0

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate_factors": self.rate_factors}

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)
