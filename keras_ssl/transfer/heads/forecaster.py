"""A head that predicts the next steps of series."""

from typing import Any

import keras

from keras_ssl.checks import as_array, check_axes
from keras_ssl.specs import check_kind
from keras_ssl.transfer.heads.regressor import regressor

__all__ = ["forecaster"]


def forecaster(encoder: keras.Model, futures: Any, name: str = "forecaster") -> keras.Model:
    """Build a network that forecasts series: an encoder, nested as one layer under its own name, and a linear layer.

    All steps are predicted at once, standardized, and given back in their own units, as `regressor` does.

    Args:
        encoder: Encoder of series `(n, time, channels)`, which is shared, not copied. One with the pool "last"
            (`encoders.with_pool`) knows best where a series ends.
        futures: Float array `(n, horizon, channels)`: those to train on, at least two. NaN is left out. Only their
            means and standard deviations are used.
        name: Name of the model. Default: "forecaster".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `(n, horizon, channels)`, float32, not compiled.

    Raises:
        UserError: If the encoder is not of series, or a step of the futures does not vary.

    Example:
        `past, future = evaluate.split_horizon(train, horizon=24)`, then `transfer.forecaster(encoder, future)`
    """
    check_kind(encoder, "series", "a forecast")
    futures = as_array(futures, "series to forecast")
    check_axes(futures.shape, ("horizon", "channels"), "series to forecast")
    values = regressor(encoder, futures.reshape(len(futures), -1), name)
    forecast = keras.layers.Reshape(futures.shape[1:], name="forecast")(values.output)
    return keras.Model(values.input, forecast, name=name)
