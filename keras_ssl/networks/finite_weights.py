"""Whether all weights of a network are finite."""

from typing import Any

import numpy as np
from keras import ops

from keras_ssl.errors import UserError

__all__ = ["check_finite_weights"]


def check_finite_weights(model: Any, when: str = "") -> None:
    """Raise unless all weights are finite.

    Args:
        model: `keras.Model`. Anything without weights passes.
        when: When this is, for the error, such as "after epoch 3". Default: "".

    Raises:
        UserError: If one is not; the error names the first.
    """
    for weight in getattr(model, "weights", ()):
        values = ops.convert_to_numpy(weight)
        if "float" in values.dtype.name and not np.isfinite(values.astype("float32", copy=False)).all():
            raise UserError(
                f"finite weights of '{model.name}'",
                f"NaN or Inf in '{weight.path}'" + (f" {when}" if when else ""),
                "load the weights from before the training that broke them; check its samples for NaN and Inf, or "
                "train with a smaller learning rate",
            )
