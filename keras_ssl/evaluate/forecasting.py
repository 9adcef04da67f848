"""Forecasts of series: errors, what one gets without a network, and a linear forecast from representations."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.data import Source, Windows, from_arrays
from keras_ssl.errors import UserError
from keras_ssl.evaluate.embedding import embed
from keras_ssl.typing import Samples

__all__ = ["forecast_errors", "forecast_probe", "last_value", "seasonal_naive", "split_horizon"]

_PENALTIES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_KEPT_FOR_CHOICE = 0.2


def forecast_errors(truth: Any, forecast: Any) -> dict[str, float]:
    """Return the errors of a forecast.

    Args:
        truth: Float array of any shape, such as `(n, horizon, channels)`. NaN, a missing value, is left out.
        forecast: Float array of the same shape.

    Returns:
        Dict of "mse", the mean squared error, and "mae", the mean absolute error, over all known values.

    Raises:
        UserError: If the shapes differ, no value is known, or the forecast is not finite where one is.
    """
    truth, forecast = as_array(truth, "series").astype("float64"), as_array(forecast, "forecasts").astype("float64")
    known = np.isfinite(truth)
    if truth.shape != forecast.shape or not known.any() or not np.isfinite(forecast[known]).all():
        raise UserError(
            "a finite forecast of each known value",
            f"shapes {truth.shape} and {forecast.shape}, {known.sum()} known values",
            "give both as (n, horizon, channels)",
        )
    error = (forecast - truth)[known]
    return {"mse": float(np.square(error).mean()), "mae": float(np.abs(error).mean())}


def last_value(past: np.ndarray, horizon: int) -> np.ndarray:
    """Forecast that nothing changes after the last known value.

    Args:
        past: Float array `(n, time, channels)`; a channel without a known value is 0.
        horizon: Number of steps to forecast.

    Returns:
        Array `(n, horizon, channels)`.
    """
    return np.repeat(_filled(past)[:, -1:], horizon, axis=1)


def seasonal_naive(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Forecast that the last season repeats.

    Args:
        past: Float array `(n, time, channels)`; a missing value is taken from the time before it.
        horizon: Number of steps to forecast.
        season: Number of steps in a season, at most the time of `past`.

    Returns:
        Array `(n, horizon, channels)`.

    Raises:
        UserError: If `past` is shorter than a season.
    """
    check_between("season", season, 1, past.shape[1], whole=True)
    return _filled(past)[:, past.shape[1] - season + np.arange(horizon) % season]


def split_horizon(samples: Source | Samples, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Split series into what is known and the last steps, which are to be forecast.

    Args:
        samples: `data.Source` of series, or an array `(n, time, channels)`.
        horizon: Number of steps to forecast, less than the time.

    Returns:
        `(past, future)`, arrays `(n, time - horizon, channels)` and `(n, horizon, channels)`.

    Raises:
        UserError: If the samples are no series, or not longer than the horizon.
    """
    source = samples if isinstance(samples, Source) else from_arrays(samples, kind="series")
    if source.kind != "series":
        raise UserError("series to forecast", f"{source.plural} in {source.name}", "give a source of series")
    values = source.inputs()
    check_between("horizon", horizon, 1, values.shape[1] - 1, whole=True)
    return values[:, :-horizon], values[:, -horizon:]


def forecast_probe(
    encoder: keras.Model, train: Source | Samples, test: Source | Samples, horizon: int, season: int | None = None
) -> dict[str, dict[str, float]]:
    """Forecast the last steps of series by ridge regression on frozen representations of the steps before.

    The penalty is chosen on the last fifth of `train`, which should be the latest windows, by a regression on the
    others; of `Windows`, on those that share no step with this fifth. Use an encoder whose representation is that of
    the last step, such as `encoders.with_pool(encoder, "last")`.

    Args:
        encoder: `keras.Model` or objective, which takes series of any length.
        train: `data.Source` of series, such as `Windows` of one, or an array `(n, time, channels)`; time includes the
            horizon. Standardized series make the errors comparable.
        test: As `train`.
        horizon: Number of steps to forecast.
        season: Number of steps in a season. Default: None, there is no row for it.

    Returns:
        `forecast_errors` on `test` by row: "encoder"; "raw_inputs", the same regression on the steps themselves;
        "last_value"; and "seasonal_naive".

    Raises:
        UserError: If the series are too short or do not fit the encoder, a step to forecast is not known in train, or
            no window of train ends before its last fifth.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", section "Time Series Forecasting".

    Departures:
        The penalty has the least squared error on the last fifth of train, and the regression is then fitted on all of
        train. The authors' code chooses by the sum of the root of it and the absolute error on validation series, and
        keeps the fit on train. It encodes a long series at once, by sliding; here each window is encoded for itself.
    """
    (past, future), (test_past, test_future) = split_horizon(train, horizon), split_horizon(test, horizon)
    if not np.isfinite(future).all():
        raise UserError("known values in all steps to forecast in train", "missing ones", "leave these series out")
    found, parts = {}, _parts(train, len(past))
    for name, model in (("encoder", encoder), ("raw_inputs", None)):
        features = [embed(model, x, like=encoder) for x in (past, test_past)]
        forecast = _ridge(features[0], future.reshape(len(future), -1), *parts).predict(features[1])
        found[name] = forecast_errors(test_future, forecast.reshape(test_future.shape))
    found["last_value"] = forecast_errors(test_future, last_value(test_past, horizon))
    if season is not None:
        found["seasonal_naive"] = forecast_errors(test_future, seasonal_naive(test_past, horizon, season))
    return found


def _parts(train, count):
    """Which samples the regressions to choose from are fitted on, and which they are compared on."""
    chosen_on = np.arange(min(round(count * (1 - _KEPT_FOR_CHOICE)), count - 1), count)
    fitted = np.arange(chosen_on[0])
    if isinstance(train, Source) and isinstance(train.samples, Windows):
        starts = train.samples.starts
        fitted = fitted[starts[fitted] + train.samples.length <= starts[chosen_on].min()]
    if not len(fitted):
        raise UserError(
            "series in train that end before its last fifth begins, to choose the penalty",
            f"none among {count}",
            "give more of them, or a longer stream",
        )
    return fitted, chosen_on


def _ridge(features, targets, fitted, chosen_on):
    """The ridge regression whose penalty is best on some samples when it is fitted on others, fitted on all."""
    from sklearn.linear_model import Ridge

    def error(penalty):
        predicted = Ridge(penalty).fit(features[fitted], targets[fitted]).predict(features[chosen_on])
        return np.square(predicted - targets[chosen_on]).mean()

    return Ridge(min(_PENALTIES, key=error)).fit(features, targets)


def _filled(past):
    """Series in which a missing value is the last known one before it, or 0."""
    known = np.isfinite(past)
    place = np.maximum.accumulate(np.where(known, np.arange(past.shape[1])[None, :, None], 0), axis=1)
    return np.nan_to_num(np.take_along_axis(past, place, axis=1))
