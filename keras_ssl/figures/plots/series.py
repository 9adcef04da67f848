"""Plots of time series: as they are, with forecasts, with imputed steps, and with anomaly scores."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_axes, check_between
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import BASELINES, CLASSES, INK, Figure

__all__ = ["anomalies", "forecasts", "imputations", "series_rows"]

_FORECAST, _UNUSUAL = "#0072B2", "#D55E00"
_GRAYS = [BASELINES[name] for name in ("raw_inputs", "from_scratch", "untrained")]
_MOST, _PAST = 6, 4  # series in a row; horizons of the past that a forecast shows


@palette.styled
def series_rows(rows: Mapping[str, Any], title: str | None = None) -> Figure:
    """Draw one row of series for each batch, with its label on the left, all to the same scale.

    Args:
        rows: Batches by label: float arrays `(n, time, channels)`, of which the first six are drawn, a color for each
            channel. NaN, a missing value, is a gap.
        title: Title of the figure, or None.

    Returns:
        A Figure with one axes for each series.

    Raises:
        UserError: If there is no batch, one is empty or has another shape, or no value is known.
    """
    batches = {label: _series(batch, f"series in '{label}'")[:_MOST] for label, batch in rows.items()}
    values = [batch[np.isfinite(batch)] for batch in batches.values()]
    if not any(map(len, values)):
        raise UserError("at least one batch of series with known values", "none", "pass `{label: series}`")
    columns = max(map(len, batches.values()))
    figure = palette.figure(min(2.2 * columns + 0.9, 10.4), 0.95 * len(batches) + 0.35 + (0.3 if title else 0))
    axes = figure.subplots(len(batches), columns, sharex=True, sharey=True, squeeze=False)
    for line, (label, batch) in zip(axes, batches.items()):
        for axis, one in zip(line, batch):
            for channel, course in enumerate(one.T):
                axis.plot(course, color=CLASSES[channel % len(CLASSES)], linewidth=1)
        for axis in line[len(batch) :]:
            axis.set_axis_off()
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", weight="bold")
    low, high = np.min(np.concatenate(values)), np.max(np.concatenate(values))
    margin = 0.05 * (high - low or 1)
    axes[0, 0].set_ylim(low - margin, high + margin)
    for axis in axes[-1]:
        axis.set_xlabel("time step")
    if title:
        figure.suptitle(title, x=0.01, ha="left", size=11.5, weight="bold")
    figure.set_label(f"{columns} series in each of the rows " + ", ".join(map(str, batches)))
    return figure


@palette.styled
def forecasts(
    past: Any,
    future: Any,
    forecast: Any,
    errors: Any = None,
    baselines: Mapping[str, Any] | None = None,
    coverage: float = 0.8,
    channel: int = 0,
    count: int = 4,
) -> Figure:
    """Draw forecasts of some series beside what came, with intervals.

    An interval is between two quantiles of several draws of the forecast; or, at each step, of the errors of the
    forecast of other series, around it. Above the picture stands how many values that came lie in the intervals of all
    series given, beside how many should.

    Args:
        past: Float array `(n, time, channels)`, from which the forecasts are made. The end is drawn, four horizons.
        future: Float array `(n, horizon, channels)`, what came. NaN, a missing value, is a gap, and counts nowhere.
        forecast: Float array `(n, horizon, channels)`, or several draws of it `(draws, n, horizon, channels)`, of which
            the median is drawn.
        errors: Float array `(m, horizon, channels)`, future minus forecast of other series, which the model was not
            trained on: errors on those of training are too small. Default: None, there are intervals of draws only.
        baselines: Other forecasts by name, such as `{"seasonal naive": array (n, horizon, channels)}`. Default: None.
        coverage: Share of the values that an interval should hold, between 0 and 1. Default: 0.8.
        channel: Number of the channel that is drawn. Default: 0.
        count: Largest number of series that are drawn, at even distances among all. Default: 4.

    Returns:
        A Figure with one axes for each series.

    Raises:
        UserError: If the shapes do not fit, there are both draws and errors, or a number is out of its range.
    """
    past, future = _series(past, "past"), _series(future, "future")
    check_between("coverage", coverage, above=0, below=1)
    check_between("count", count, least=1, whole=True)
    check_between("channel", channel, 0, future.shape[-1] - 1, whole=True)
    middle, low, high, source = _interval(as_array(forecast, "forecasts"), errors, coverage)
    others = {name: as_array(values, f"'{name}'") for name, values in (baselines or {}).items()}
    _check_fits(past, future, {"the forecast": middle, **others})
    shown = np.unique(np.linspace(0, len(future) - 1, count).round().astype(int))
    figure, axes = _grid(len(shown), "steps after the last known one")
    for axis, k in zip(axes.flat, shown):
        one = (k, slice(None), channel)
        interval = None if low is None else (low[one], high[one], f"{coverage:.0%} interval")
        lines = {name: values[one] for name, values in others.items()}
        _draw_forecast(axis, past[one], future[one], middle[one], interval, lines)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4 + len(others))
    title = "Forecasts" if low is None else f"{source}: {_held(future, low, high)}"
    figure.suptitle(title, x=0.01, ha="left", size=11.5, weight="bold")
    figure.set_label(f"{title}. {len(shown)} of {len(future)} series are drawn")
    return figure


@palette.styled
def imputations(series: Any, imputed: Any, hidden: Any, channel: int = 0, count: int = 4) -> Figure:
    """Draw series, and what was put in the place of their hidden values.

    Args:
        series: Float array `(n, time, channels)`, the truth. NaN, a missing value, is a gap.
        imputed: Float array `(n, time, channels)`; only its values at hidden ones are drawn.
        hidden: Boolean array `(n, time, channels)`, True = hidden. These steps are shaded.
        channel: Number of the channel that is drawn. Default: 0.
        count: Largest number of series that are drawn, at even distances among all. Default: 4.

    Returns:
        A Figure with one axes for each series. Above it stands the root mean squared error of all hidden values whose
        truth is known.

    Raises:
        UserError: If the shapes differ, or a number is out of its range.
    """
    series, imputed, hidden = _series(series, "series"), as_array(imputed, "imputed series"), np.asarray(hidden, bool)
    check_between("count", count, least=1, whole=True)
    check_between("channel", channel, 0, series.shape[-1] - 1, whole=True)
    if not series.shape == imputed.shape == hidden.shape:
        received = f"shapes {series.shape}, {imputed.shape} and {hidden.shape}"
        raise UserError("series, imputed series and what is hidden of one shape", received, "give those of one batch")
    error = (imputed - series)[hidden & np.isfinite(series)]
    shown = np.unique(np.linspace(0, len(series) - 1, count).round().astype(int))
    figure, axes = _grid(len(shown), "time step")
    for axis, k in zip(axes.flat, shown):
        truth, found, where = (one[k, :, channel] for one in (series, imputed, hidden))
        for begin, end in _stretches(where):
            axis.axvspan(begin - 0.5, end - 0.5, color=_FORECAST, alpha=0.15, linewidth=0)
        axis.plot(truth, color=INK, linewidth=1.2, label="truth")
        marks = {"color": _FORECAST, "marker": "o", "markersize": 3.5, "linewidth": 2}
        axis.plot(np.where(where, found, np.nan), label="imputed", **marks)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    said = f"root mean squared error {np.sqrt(np.mean(error**2)):.3g}" if len(error) else "no hidden value is known"
    figure.suptitle(f"Hidden steps (shaded): {said}", x=0.01, ha="left", size=11.5, weight="bold")
    figure.set_label(f"Hidden steps and what was imputed: {said}. {len(shown)} of {len(series)} series are drawn")
    return figure


@palette.styled
def anomalies(series: Any, scores: Any, threshold: float | None = None, known: Any = None) -> Figure:
    """Draw a series, and below it how unexpected its steps are.

    Args:
        series: Float array `(time,)` or `(time, channels)`, a color for each channel.
        scores: Float array `(k,)`, of the last k steps: `evaluate.anomaly_scores` of `data.Windows(series, length, 1)`
            scores none before the end of the first window.
        threshold: Score above which a step is unusual; these steps are marked. Default: None.
        known: Boolean array `(time,)`, True at the steps that are known to be anomalies; they are shaded. Default:
            None.

    Returns:
        A Figure of two axes, the series and the scores.

    Raises:
        UserError: If there are more scores than steps, or the shapes do not fit.
    """
    series, scores = as_array(series, "a series"), as_array(scores, "scores")
    series = series[:, None] if series.ndim == 1 else series
    known = np.zeros(len(series), bool) if known is None else np.asarray(known, bool)
    if series.ndim != 2 or scores.ndim != 1 or not 0 < len(scores) <= len(series) or known.shape != series.shape[:1]:
        raise UserError(
            "a series (time, channels), scores of its last steps (k,), and what is known of each step (time,)",
            f"shapes {series.shape}, {scores.shape} and {known.shape}",
            "give the whole series, and its scores by `evaluate.anomaly_scores`",
        )
    figure = palette.figure(10.4, 4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.5, 1])
    time = np.arange(len(series) - len(scores), len(series))
    for begin, end in _stretches(known):
        for axis in (above, below):
            axis.axvspan(begin - 0.5, end - 0.5, color="#E69F00", alpha=0.3, linewidth=0)
    for channel, values in enumerate(series.T):
        above.plot(values, color=CLASSES[channel % len(CLASSES)], linewidth=1)
    below.plot(time, scores, color=INK, linewidth=1)
    said = f"{len(series)} time steps" + (f", {known.sum()} of them known anomalies (shaded)" if known.any() else "")
    if threshold is not None:
        unusual = time[scores > threshold]
        below.axhline(threshold, color=INK, linewidth=0.9, linestyle=(0, (2, 3)))
        for axis, values in ((above, series[unusual]), (below, scores[scores > threshold, None])):
            for one in values.T:
                axis.plot(unusual, one, "o", color=_UNUSUAL, markersize=4, zorder=4)
        said += f"; {len(unusual)} above the threshold (dots)"
    above.set(ylabel="series", title=said)
    below.set(ylabel="score", xlabel="time step", xlim=(0, len(series) - 1))
    figure.set_label(f"A series and its anomaly scores: {said}")
    return figure


def _series(x, name):
    """A non-empty batch of series `(n, time, channels)`."""
    x = as_array(x, name)
    check_axes(x.shape, ("time", "channels"), name)
    if not x.size:
        raise UserError("at least one series of one step", f"{name} of shape {x.shape}", "give some")
    return x


def _interval(forecast, errors, coverage):
    """The forecast, lower and upper end of its intervals or None, and where these come from."""
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    if forecast.ndim == 4:
        if errors is not None:
            raise UserError("draws of the forecast, or errors", "both", "leave the errors out")
        low, high = np.quantile(forecast, tails, axis=0)
        return np.median(forecast, axis=0), low, high, f"{coverage:.0%} intervals of {len(forecast)} draws"
    if errors is None:
        return forecast, None, None, ""
    errors = _series(errors, "errors")
    if errors.shape[1:] != forecast.shape[1:]:
        raise UserError(
            f"errors of shape (m, {', '.join(map(str, forecast.shape[1:]))})",
            f"shape {errors.shape}",
            "give `future - forecast` of other series",
        )
    low, high = forecast + np.nanquantile(errors, tails, axis=0)[:, None]
    return forecast, low, high, f"{coverage:.0%} intervals by the errors on {len(errors)} other series"


def _held(future, low, high):
    """How many of the known values lie in their intervals, in words."""
    known = np.isfinite(future)
    inside = (future >= low) & (future <= high)
    return f"{inside[known].mean():.0%} of what came is inside" if known.any() else "nothing that came is known"


def _check_fits(past, future, found):
    for name, values in found.items():
        if values.shape != future.shape or past.shape[::2] != future.shape[::2]:
            raise UserError(
                f"{name} of the shape of the future, (n, horizon, channels), and as many series in the past",
                f"shapes {values.shape}, {future.shape} and {past.shape}",
                "give the forecast of each series; `evaluate.split_horizon` gives past and future",
            )


def _grid(count, x_label):
    """A figure with axes for some series, in at most two columns."""
    columns = min(count, 2)
    rows = -(-count // columns)
    figure = palette.figure(10.4 if columns > 1 else 6.8, 2.1 * rows + 0.8)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel(x_label)
    return figure, axes


def _draw_forecast(axis, past, future, forecast, interval, baselines):
    """Draw the forecast of one channel of a series, `(horizon,)`, over the interval and the baselines."""
    steps = np.arange(1, len(future) + 1)
    past = past[-_PAST * len(future) :]
    time, truth = np.arange(1 - len(past), len(future) + 1), np.concatenate([past, future])
    axis.axvline(0.5, color=INK, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    axis.plot(time, truth, color=INK, linewidth=1.2, zorder=4, label="truth")
    for (name, values), gray in zip(baselines.items(), itertools.cycle(_GRAYS)):
        axis.plot(steps, values, color=gray[0], linestyle=gray[1], linewidth=1.6, label=name)
    if interval is not None:
        low, high, name = interval
        axis.fill_between(steps, low, high, color=_FORECAST, alpha=0.18, linewidth=0, label=name)
    axis.plot(steps, forecast, color=_FORECAST, linewidth=2, label="forecast")


def _stretches(mask):
    """Begin and end of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return zip(edges[::2], edges[1::2])
