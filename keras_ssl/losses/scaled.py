"""A loss for values that have units."""

from collections.abc import Callable
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.losses.missing_labels import inner_loss, of_one_rank
from keras_ssl.typing import Tensor

__all__ = ["Scaled"]


@keras.saving.register_keras_serializable("keras_ssl")
class Scaled(keras.losses.Loss):
    """A Keras loss of values divided by their scale, so that it does not depend on the units: for `model.compile`.

    With the standard deviation of the values as scale, `Scaled("mse", …)` is 1 if the prediction is always the mean,
    and `Scaled("huber", …)` is squared up to one standard deviation and linear beyond.

    Args:
        loss: The inner loss, with one value for each sample: a `keras.losses.Loss`, a function of `(y_true, y_pred)`,
            or a name, such as "mse" or "huber".
        scale: Number above 0, or one for each of k values of a sample.
        name: Name of the loss. Default: "scaled".

    Raises:
        UserError: If `loss` is none of these, or a scale is not a finite number above 0.

    Reference:
        Huber 1964, "Robust Estimation of a Location Parameter", sections 3 and 7: the scale of ρ.

    Example:
        `model.compile("adam", losses.Scaled("huber", ratings.std()))`; where values may be NaN,
        `losses.WhereKnown(losses.Scaled("huber", np.nanstd(ratings)))`
    """

    def __init__(
        self, loss: str | Callable[[Tensor, Tensor], Tensor] | keras.losses.Loss, scale: Any, name: str = "scaled"
    ):
        super().__init__(name=name)
        self.loss = inner_loss(loss)
        self.scale = np.asarray(scale, "float64").tolist()
        if not (np.isfinite(self.scale).all() and np.greater(self.scale, 0).all() and np.ndim(self.scale) <= 1):
            raise UserError(
                "a scale above 0, or one for each value of a sample",
                f"{self.scale}",
                "give the standard deviation of values that differ",
            )

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the inner loss of both arguments divided by the scale, one value for each sample."""
        scale = ops.convert_to_tensor(self.scale, "float32")
        y_true, y_pred = of_one_rank(ops.cast(y_true, "float32"), ops.cast(y_pred, "float32"))
        y_true, y_pred = y_true / scale, y_pred / scale
        return (self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss)(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"loss": keras.saving.serialize_keras_object(self.loss), "scale": self.scale, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a loss from the result of `get_config`."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})
