"""A head that predicts the next steps of series."""

import math
from typing import Any

import keras

from keras_ssl.checks import as_array, check_axes
from keras_ssl.errors import UserError
from keras_ssl.specs import check_kind
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.heads.regressor import check_values, regressor
from keras_ssl.trees import count

__all__ = ["forecaster"]


def forecaster(encoder: keras.Model, futures: Any, name: str = "forecaster") -> keras.Model:
    """Build a network that forecasts series: an encoder, nested as one layer under its own name, and a linear layer.

    All steps are predicted at once, standardized, and given back in their own units, as `regressor` does.
    `fit` checks series and futures, as `transfer.classifier` does.

    Args:
        encoder: Encoder of series `(n, time, channels)`, which is shared, not copied. One with the pool "last"
            (`encoders.with_pool`) knows best where a series ends.
        futures: Float array `(n, horizon, channels)`: those to train on, at least two. NaN is left out. Only their
            means and standard deviations are used.
        name: Name of the model. Default: "forecaster".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `(n, horizon, channels)`, float32, not compiled.

    Raises:
        UserError: If the encoder is not of series, or a step of the futures does not vary; from `fit`, if series or
            futures cannot be trained on.

    Example:
        `past, future = evaluate.split_horizon(train, horizon=24)`, then `transfer.forecaster(encoder, future)`
    """
    check_kind(encoder, "series", "a forecast")
    futures = as_array(futures, "series to forecast")
    check_axes(futures.shape, ("horizon", "channels"), "series to forecast")
    shape = futures.shape[1:]
    values = regressor(encoder, futures.reshape(len(futures), math.prod(shape)), name)
    forecast = keras.layers.Reshape(shape, name="forecast")(values.output)
    return with_checked_fit(keras.Model(values.input, forecast, name=name), _check_futures(shape))


def _check_futures(shape) -> CheckTargets:
    check_flat = check_values(math.prod(shape))

    def check(model, x, y, whole):
        futures, wanted = as_array(y, "series to forecast"), (count(x), *shape)
        if futures.shape != wanted:
            raise UserError(
                f"series to forecast of shape {wanted}",
                f"shape {futures.shape}",
                "give one for each series, with the horizon and the channels that the forecaster was built for",
            )
        check_flat(model, x, futures.reshape(len(futures), math.prod(shape)), whole)

    return check
