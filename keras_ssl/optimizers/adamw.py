"""AdamW with scheduled weight decay."""

from typing import Any

import keras

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
        **kwargs: Arguments of `keras.optimizers.AdamW`, such as `beta_2`. Its method `exclude_from_weight_decay`
            excludes more variables.

    Reference:
        Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2; He et al. 2022, "Masked
        Autoencoders Are Scalable Vision Learners", Table 8; Caron et al. 2021, "Emerging Properties in Self-Supervised
        Vision Transformers", section 3.2.

    Departures:
        Algorithm 2 multiplies the decay by the schedule multiplier η only, not by the full learning rate.
    """

    def __init__(self, learning_rate: Schedule = 1e-3, weight_decay: Schedule = 0.05, **kwargs: Any) -> None:
        super().__init__(learning_rate, weight_decay, **kwargs)

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)
