"""Every number that a constructor takes is checked by one function: strings, None, booleans, NaN and fractions."""

import functools
import inspect
import itertools

import keras
import pytest
from cases import of_sound, of_text, of_words, plain, tokens
from test_bad_input import refused

from keras_ssl import blocks, callbacks, decoders, encoders, heads, objectives, optimizers, state, transfer, views
from keras_ssl.typing import Schedule

NUMBERS = (int, float, Schedule, int | None, float | None)


@functools.cache
def network(make):
    return make()


def given(function):
    """What a constructor needs beside its numbers."""
    shape = (12,) if function is encoders.mlp else (8, 8, 1)
    images = tokens if function in (objectives.MaskedAutoencoder, decoders.patches) else plain
    text = (objectives.MaskedLanguageModel, objectives.TokenAttributes, objectives.SequenceToSequence, decoders.text)
    words = (objectives.SkipGram, objectives.CBOW, objectives.GloVe)
    made = of_text if function in text else of_words if function in words else images
    needs = {
        "encoder": network(of_sound if function is objectives.Wav2Vec2 else made),
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
    }
    counts = {"features", "rows", "columns", "count", "latent_dim", "vocabulary", "classes", "channels", "crops"}
    names = inspect.signature(function).parameters
    return {n: needs.get(n, 2) for n, p in names.items() if p.default is p.empty and n in needs.keys() | counts}


def constructors():
    """Every function and class of these packages that takes a number, with the names and types of the numbers."""
    left_out = {callbacks.Resume, callbacks.KNNProbe, callbacks.LinearProbe, callbacks.CollapseDoctor}  # need data
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
