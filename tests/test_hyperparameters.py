"""Every number that a constructor takes is checked by one function: strings, None, booleans, NaN and fractions."""

import functools
import inspect
import itertools

import keras
import pytest
from cases import causal_series, dilated, of_sound, of_text, of_videos, of_words, plain, tokens
from test_bad_input import refused

from keras_ssl import blocks, callbacks, decoders, encoders, heads, objectives, optimizers, state, transfer, views
from keras_ssl.typing import Schedule

NUMBERS = (int, float, Schedule, int | None, float | None)


@functools.cache
def network(make):
    return make()


ENCODERS = {
    tokens: (objectives.MaskedAutoencoder, decoders.patches),
    of_text: (
        objectives.MaskedLanguageModel,
        objectives.TokenAttributes,
        objectives.SequenceToSequence,
        decoders.text,
    ),
    of_words: (objectives.SkipGram, objectives.CBOW, objectives.GloVe),
    of_sound: (objectives.Wav2Vec2,),
    dilated: (objectives.TS2Vec, objectives.Imputation),
    causal_series: (objectives.Forecasting, objectives.ContrastivePredictiveCoding),
    of_videos: (objectives.FramePrediction, decoders.frames, decoders.feature_map),
}
"""What makes an encoder for each of those that do not take any."""


def given(function):
    """What a constructor needs beside its numbers."""
    of_frames = (encoders.frame_conv, encoders.stacked_conv, encoders.conv_lstm, encoders.conv_transformer)
    shape = (12,) if function is encoders.mlp else (3, 8, 8, 1) if function in of_frames else (8, 8, 1)
    needs = {
        "encoder": network(next((make for make, takers in ENCODERS.items() if function in takers), plain)),
        "text_encoder": network(of_text),
        "counts": [0, *[3] * (network(of_words).get_layer("tokens").get_layer("embedding").input_dim - 1)],
        "projector": network(plain),
        "input_shape": shape,
        "shape": shape,
        "attributes": {"kind": 3},
        "folder": "folder",
        "directory": "folder",
        "schedule": keras.optimizers.schedules.CosineDecay(0.1, 10),
        "layer": keras.layers.Dense(2),
        "policy": views.digits(),
        "crop_policy": views.digits(),
        "size": 8,
        "rate": 8000,
    }
    counts = {"features", "rows", "columns", "count", "latent_dim", "vocabulary", "classes", "channels", "crops"}
    names = inspect.signature(function).parameters
    return {n: needs.get(n, 2) for n, p in names.items() if p.default is p.empty and n in needs.keys() | counts}


def constructors():
    """Every function and class of these packages that takes a number, with the names and types of the numbers."""
    left_out = {callbacks.Resume, callbacks.KNNProbe, callbacks.LinearProbe, callbacks.CollapseDoctor}  # need data
    left_out |= {callbacks.LabelFree, decoders.top_down}  # need data, and maps
    left_out |= {encoders.from_keras_hub}  # needs a backbone
    own = itertools.chain(
        *(
            [getattr(part, name) for name in part.__all__]
            for part in (objectives, callbacks, optimizers, encoders, decoders, heads, state, views)
        ),
        (blocks.BatchNormalization, blocks.Prototypes, blocks.Positions, transfer.FineTuning, transfer.classifier),
    )
    for one in own:
        known = inspect.isfunction(one) or (inspect.isclass(one) and not issubclass(one, Exception))
        if (
            not known
            or one in left_out
            or one.__name__.startswith("check_")
            or one.__module__.endswith(("checks", "preview", "interrupts"))
        ):
            continue
        for name, parameter in inspect.signature(one).parameters.items():
            of_any = parameter.annotation is Schedule and not isinstance(parameter.default, float)
            if parameter.annotation in NUMBERS and not of_any:
                yield pytest.param(one, name, parameter.annotation, id=f"{one.__name__}.{name}")


@pytest.mark.parametrize(("constructor", "name", "kind"), constructors())
def test_what_is_no_number_is_refused_by_its_name(constructor, name, kind):
    optional = "None" in str(kind)
    wrong = ["0.5", float("nan"), *([] if optional else [None]), *([1.5] if "int" in str(kind) else [])]
    for value in wrong:
        refused(functools.partial(constructor, **{**given(constructor), name: value}), name)
