"""Imputation of series: what is hidden, what counts, and bad input."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import encoders, export, networks, objectives
from keras_ssl.errors import UserError
from keras_ssl.export.parity import onnx_runtime

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(3, 9, 2)).astype("float32")
HIDDEN = np.arange(9) % 4 == 1
MASK = np.tile(HIDDEN, (3, 1))


@functools.cache
def imputation():
    return objectives.Imputation(encoders.dilated_conv(2, width=6, depth=2), mask_ratio=0.3, span=2)


def predicted(x, mask=MASK):
    outputs = imputation().forward_pass({"input": ops.convert_to_tensor(x), "mask": mask}, training=False)
    return {name: np.array(value) for name, value in outputs.items()}


def test_hidden_values_leave_no_trace_and_both_sides_do():
    before = predicted(SERIES)["prediction"]
    np.testing.assert_array_equal(predicted(np.where(HIDDEN[:, None], SERIES + 7, SERIES))["prediction"], before)
    for step in (4, 6):  # before and after the hidden step 5
        changed = SERIES.copy()
        changed[:, step] += 1
        assert not np.allclose(predicted(changed)["prediction"][:, 5], before[:, 5])


def test_the_error_is_the_mean_over_what_is_hidden_and_known():
    series = SERIES.copy()
    series[1, 5, 0] = series[2, 6:] = np.nan
    outputs = predicted(series)
    seen = series.copy()
    seen[1, 5, 0] = 0  # it is hidden anyway
    frames = np.array(networks.parts(imputation().encoder).frames(seen, hide=MASK))
    kernel, bias = (np.array(weight) for weight in imputation().head.weights)
    errors = [
        (frames[i, t] @ kernel[:, c] + bias[c] - series[i, t, c]) ** 2
        for i, t, c in np.ndindex(series.shape)
        if HIDDEN[t] and not np.isnan(series[i, t, c])
    ]
    assert len(errors) == 3 * 2 * 2 - 1  # one value of series 1 is missing; no hidden step of series 2 is
    assert float(imputation().loss_terms(outputs)["loss"]) == pytest.approx(np.mean(errors), rel=1e-4)


def test_spans_are_drawn_before_the_end_of_each_series():
    series = np.tile(SERIES[:1], (40, 3, 1))
    series[::2, 12:] = np.nan
    series[1::2, 3] = np.nan  # a gap is no end
    hidden = [np.array(imputation().forward_pass({"input": series}, training)["hidden"]) for training in (True, False)]
    assert not hidden[0][np.isnan(series)].any()
    assert not np.array_equal(*hidden)
    np.testing.assert_array_equal(imputation().forward_pass({"input": series}, training=False)["hidden"], hidden[1])
    for rows, length in ((slice(0, None, 2), 12), (slice(1, None, 2), 27)):
        steps = hidden[0][rows, :length].any(axis=-1)
        assert 0.2 < steps.mean() < 0.35  # 4 of 12 and 8 of 27, unless spans overlap
        assert steps.any(axis=0)[[0, length - 1]].all()


def test_missing_values_are_filled_as_hidden_ones_are_predicted():
    series = SERIES.copy()
    series[:, HIDDEN] = np.nan
    series[0, 3, 1] = np.nan
    filled = np.array(imputation().impute(series))
    np.testing.assert_array_equal(filled[~np.isnan(series)], series[~np.isnan(series)])
    np.testing.assert_allclose(filled[1:, HIDDEN], predicted(SERIES)["prediction"][1:, HIDDEN], atol=1e-5)
    mask = MASK | (np.arange(9) == 3)
    np.testing.assert_allclose(filled[0, 3, 1], predicted(SERIES, mask)["prediction"][0, 3, 1], atol=1e-5)
    served, spec = imputation().signatures()["impute"]
    np.testing.assert_allclose(served(series)["imputed"], filled, atol=1e-5)
    assert spec.missing


def test_it_is_deployed(tmp_path):
    version = export.deploy(imputation(), tmp_path, samples=SERIES)
    found = onnx_runtime(version / "impute.onnx")({"series": SERIES})["imputed"]
    np.testing.assert_allclose(found, imputation().impute(SERIES), atol=1e-5)


@pytest.mark.parametrize(
    "make", [encoders.dilated_conv, functools.partial(encoders.patch_transformer, patch=1, heads=2)]
)
def test_padding_changes_nothing_and_is_not_filled(make):
    objective = objectives.Imputation(make(2, width=6, depth=2))
    series = SERIES.copy()
    series[0, 3, 1] = series[1, 4:6] = series[2, 7:] = np.nan
    alone = np.array(objective.impute(series))
    padded = np.array(objective.impute(np.pad(series, ((0, 0), (0, 5), (0, 0)), constant_values=np.nan)))
    np.testing.assert_allclose(padded[:, :9], alone, atol=1e-5)
    assert np.isnan(padded[:, 9:]).all()
    assert np.argwhere(np.isnan(alone).any(axis=-1)).tolist() == [[2, 7], [2, 8]]


def plain():
    inputs = keras.Input((None, 2), name="series")
    x = keras.layers.Conv1D(4, 3, padding="same", name="tokens")(inputs)
    x = keras.layers.Dense(4, name="trunk")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="pool")(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: objectives.Imputation(encoders.mlp((4,), (3,))), "series .* for Imputation"),
        (lambda: objectives.Imputation(plain()), "takes missing values"),
        (lambda: objectives.Imputation(encoders.patch_transformer(2, width=4, heads=2)), "each of 6 steps.*with 1"),
        (lambda: objectives.Imputation(imputation().encoder, mask_ratio=0.6), "mask_ratio"),
        (lambda: objectives.Imputation(imputation().encoder, span=0), "span"),
    ],
)
def test_what_does_not_fit_is_a_clear_error(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_series_that_cannot_be_hidden_are_clear_errors():
    with pytest.raises(UserError, match=r"at least 2 steps for Imputation.*1"):
        imputation().forward_pass({"input": ops.convert_to_tensor(SERIES[:, :1])}, training=True)
    step = tf.function(lambda x: imputation().forward_pass({"input": x}, True), autograph=False)
    with pytest.raises(UserError, match="unknown length"):
        step.get_concrete_function(tf.TensorSpec((3, None, 2)))
