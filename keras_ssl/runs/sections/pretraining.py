"""Sections about a pretraining: its loss, what the objective was shown, and what it makes of it."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_ssl import evaluate
from keras_ssl.data import Source
from keras_ssl.figures import image_rows, plots, report
from keras_ssl.recipes import Recipe
from keras_ssl.runs.sections.encoders import of_neighbors
from keras_ssl.runs.sections.pairs import of_pairs
from keras_ssl.runs.sections.samples import places, some
from keras_ssl.views import preview

__all__ = ["of_pretraining"]

_SHOWN, _SOUNDS = 8, 3  # samples in a row
_COMPARED = 300  # among which neighbors are sought, and errors of forecasts
_STEP = 0.02  # seconds from frame to frame in encoders of sound

Picture = tuple[str, str, Callable[[Recipe, Any, Source], Any]]
"""Title, text, and a function of the recipe, the objective and some samples that draws."""


def of_pretraining(recipe: Recipe, objective: Any, history: Mapping[str, Sequence[float]]) -> list[report.Section]:
    """Return the loss, and the pictures that fit the kind of the samples and what the objective can do.

    Args:
        recipe: `recipes.Recipe`.
        objective: The trained `objectives.Objective`: that of the recipe, or a copy.
        history: `keras.callbacks.History.history`.
    """
    name = type(objective).__name__
    loss = report.Section("Loss", "By epoch of this run.", lambda: plots.learning_curves({name: history}))
    shown, compared = some(recipe.source, _SHOWN), some(recipe.source, _COMPARED)
    found = [
        report.Section(title, text, functools.partial(draw, recipe, objective, shown))
        for title, text, draw in _fitting(recipe, objective)
    ]
    if hasattr(objective, "embed_text"):
        near = of_pairs(compared, lambda: evaluate.embed_pairs(objective, compared), "training")
    else:
        near = of_neighbors(compared, lambda: evaluate.embed(objective, compared), "training")
    return [loss, *found, *near]


def _fitting(recipe, objective) -> Iterator[Picture]:
    """The pictures that fit. To add one, add a line here and a function below."""
    kind, has = recipe.source.kind, functools.partial(hasattr, objective)
    trained = "It was trained on these samples; it will be worse on new ones."
    if recipe.views is not None and kind in ("image", "series"):
        yield "Views", "Some samples, and below them what the objective was shown, drawn twice.", _views
    if recipe.views is None and kind == "series":
        yield "Series", "Some of the series that it was trained on.", _series
    if recipe.views is not None and kind == "audio":
        yield "Views", "Some recordings, and below them what the objective was shown.", _views_of_sound
    if kind == "audio" and "mask" in objective.optional_keys:
        yield "Hidden spans", "Blue is what is hidden in one step, drawn anew each time.", _hidden
    if kind == "image" and has("reconstruct"):
        yield "Reconstructions", f"Some images, and what the objective makes of them. {trained}", _reconstructions
    if kind == "image" and has("sample"):
        yield "Samples", "Images that were made from random vectors.", _samples
    if has("next_frames"):
        text = f"The frames of a clip that follow, as they are and as they are predicted. {trained}"
        yield "Predicted frames", text, _frames
    if has("impute"):
        yield "Imputed steps", f"Steps that were hidden, and what the objective puts there. {trained}", _imputations
    if has("forecast"):
        text = f"Intervals are by errors on others of these series. {trained} Then more will lie outside."
        yield "Forecasts", text, _forecasts


def _views(recipe, objective, shown):
    return preview(recipe.views, shown.inputs(), _SHOWN, rows=2, seed=recipe.seed)


def _series(recipe, objective, shown):
    return plots.series_rows({"series": shown.inputs()})


def _views_of_sound(recipe, objective, shown):
    sounds = shown.inputs()[:_SOUNDS]
    views = recipe.views(keras.ops.convert_to_tensor(sounds), keras.ops.convert_to_tensor([recipe.seed, 0], "int32"))
    rows = {"recording": sounds, **(views if isinstance(views, dict) else {"view": views})}
    drawn = np.concatenate([keras.ops.convert_to_numpy(one) for one in rows.values()])[:_SHOWN]
    titles = [name.replace("_", " ") for name in rows for _ in sounds][:_SHOWN]
    return plots.spectrograms(drawn, shown.rate, titles=titles, columns=len(sounds))


def _hidden(recipe, objective, shown):
    sounds = shown.inputs()
    outputs = objective.forward_pass({"input": keras.ops.convert_to_tensor(sounds)}, training=False)
    hidden = keras.ops.convert_to_numpy(outputs["hidden"]).astype(bool)
    return plots.spectrograms(sounds, shown.rate, hidden, step=round(_STEP * shown.rate))


def _reconstructions(recipe, objective, shown):
    images = shown.inputs()
    return plots.reconstructions(images, keras.ops.convert_to_numpy(objective.reconstruct(images)))


def _samples(recipe, objective, shown):
    samples = keras.ops.convert_to_numpy(objective.sample(2 * _SHOWN, seed=recipe.seed))
    return image_rows({"samples": samples[:_SHOWN], "more": samples[_SHOWN:]})


def _frames(recipe, objective, shown):
    past, clips = objective.past, shown.inputs()[:1]
    count = clips.shape[1] - past
    predicted = keras.ops.convert_to_numpy(objective.next_frames(clips[:, :past], count))[0]
    last = np.repeat(clips[0, past - 1 : past], count, axis=0)
    names = {type(objective).__name__: predicted, "the last frame": last}
    return plots.frames(clips[0, :past], clips[0, past:], names)


def _imputations(recipe, objective, shown):
    series = shown.inputs()
    found = objective.forward_pass({"input": keras.ops.convert_to_tensor(series)}, training=False)
    imputed, hidden = (keras.ops.convert_to_numpy(found[name]) for name in ("prediction", "hidden"))
    return plots.imputations(series, imputed, hidden)


def _forecasts(recipe, objective, shown):
    source, horizon = recipe.source, objective.horizon
    others = source[np.setdiff1d(places(source, _COMPARED), places(source, _SHOWN))]
    (past, future), (before, after) = (evaluate.split_horizon(series, horizon) for series in (shown, others))
    forecast, found = (keras.ops.convert_to_numpy(objective.forecast(series)) for series in (past, before))
    baselines = {"last value": evaluate.last_value(past, horizon)}
    return plots.forecasts(past, future, forecast, after - found, baselines)
