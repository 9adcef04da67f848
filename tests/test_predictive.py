"""Forecasting, contrastive predictive coding and the prediction of frames: what each promises, and bad input."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from quick import dear

from keras_ssl import decoders, encoders, export, networks, objectives, specs
from keras_ssl.errors import UserError
from keras_ssl.export.formats.onnx_format import outputs_kept
from keras_ssl.objectives.predictive.causality import check_causal
from keras_ssl.objectives.predictive.forecasting import following

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(3, 9, 2)).astype("float32")
PADDED = SERIES.copy()
PADDED[1, 5:] = np.nan
VIDEO = RNG.random((2, 5, 8, 12, 1)).astype("float32")


def causal(**arguments):
    return encoders.dilated_conv(2, width=6, depth=2, causal=True, **arguments)


@functools.cache
def forecaster():
    """One for all tests that do not train it."""
    return objectives.Forecasting(causal(), horizon=2)


@functools.cache
def contrast():
    return objectives.ContrastivePredictiveCoding(causal(), horizon=3)


def stacked(shape=(3, 8, 12, 1), **arguments):
    return encoders.stacked_conv(shape, **{"filters": (3, 4), "width": 6, "depth": 1, "kernel": 3, **arguments})


@functools.cache
def attentive():
    """A transformer over videos of any length and size."""
    return encoders.conv_transformer((None, None, None, 1), filters=(3, 4), width=6, depth=2, heads=3)


def prediction(encoder, **arguments):
    return objectives.FramePrediction(encoder, decoders.frames(encoder, 2, filters=3), **arguments)


# ---- causality -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [objectives.Forecasting, objectives.ContrastivePredictiveCoding])
def test_an_encoder_that_sees_later_steps_is_refused(objective):
    with pytest.raises(UserError, match=r"depend on nothing later.*'dilated_conv'.*causal=True"):
        objective(encoders.dilated_conv(2, width=6, depth=2))


@pytest.mark.parametrize(("factor", "received"), [(0, "stays the same"), (np.nan, "is not finite")])
def test_nothing_is_proved_by_frames_that_do_not_react(factor, received):
    check_causal(lambda x: x, (2, 4, 3), "net", "CPC")
    with pytest.raises(UserError, match=f"on their own place for CPC.*'net', whose last frame {received}"):
        check_causal(lambda x: x * factor, (2, 4, 3), "net", "CPC")


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e8])
def test_what_an_encoder_sees_does_not_depend_on_its_statistics(scale):
    statistics = [scale], [scale / 10]
    objectives.Forecasting(encoders.dilated_conv(1, width=8, depth=3, causal=True, statistics=statistics), horizon=3)
    with pytest.raises(UserError, match="depend on nothing later"):
        objectives.Forecasting(encoders.dilated_conv(1, width=8, depth=3, statistics=statistics), horizon=3)


def test_tokens_that_see_later_steps_and_series_that_end_early_are_refused():
    series = keras.Input((None, 2), name="series")
    x = keras.layers.Conv1D(4, 3, padding="same", name="tokens")(series)
    trunk_inputs = keras.Input((None, 4))
    trunk = keras.Model(trunk_inputs, keras.layers.Dense(4)(trunk_inputs), name="trunk")
    encoder = keras.Model(series, keras.layers.GlobalAveragePooling1D(name="pool")(trunk(x)))
    with pytest.raises(UserError, match="depend on nothing later"):
        objectives.Forecasting(encoder, horizon=3)
    objective = objectives.Forecasting(encoders.dilated_conv(2, width=4, depth=2), horizon=3, every_step=False)
    objective.compile("sgd")
    padded = np.zeros((4, 12, 2), "float32")
    padded[:, 8:] = np.nan
    with pytest.raises(UserError, match="reach into the last 3 of 12 steps"):
        objective.fit(padded, verbose=0)


def test_a_causal_encoder_pads_as_before_and_sees_nothing_later():
    changed = SERIES.copy()
    changed[:, 4:] += 1
    encoder = networks.parts(forecaster().encoder)
    before, after = (np.array(encoder.frames(x)) for x in (SERIES, changed))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert not np.allclose(before[:, 4], after[:, 4])


# ---- forecasting -----------------------------------------------------------------------------------------------------


def test_following_steps_by_hand():
    x = np.array([[[1.0], [2.0], [3.0]]], "float32")
    expected = [[[2], [3]], [[3], [np.nan]], [[np.nan], [np.nan]]]
    np.testing.assert_array_equal(following(x, 2)[0], expected)


def test_the_error_is_the_mean_over_known_steps():
    forecasting = forecaster()
    outputs = forecasting.forward_pass({"input": PADDED}, training=False)
    found = float(forecasting.loss_terms(outputs)["loss"])
    frames = np.array(networks.parts(forecasting.encoder).frames(PADDED))
    kernel, bias = (np.array(weight) for weight in forecasting.head.weights)
    errors = []
    for i, length in enumerate((9, 5, 9)):
        for t in range(length):
            predicted = (frames[i, t] @ kernel + bias).reshape(2, 2)
            errors += [(predicted[j] - PADDED[i, t + 1 + j]) ** 2 for j in range(2) if t + 1 + j < length]
    assert found == pytest.approx(np.mean(errors), rel=1e-4)


def test_padding_does_not_change_a_forecast():
    forecasting = forecaster()
    found = forecasting.signatures()["forecast"][0](PADDED)["forecast"]
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found[1:2], forecasting.forecast(SERIES[1:2, :5]), atol=1e-5)
    np.testing.assert_allclose(found[:1], forecasting.forecast(SERIES[:1]), atol=1e-5)


def test_hidden_steps_leave_no_trace():
    forecasting = objectives.Forecasting(causal(), horizon=2, mask_ratio=0.4)
    mask = np.arange(9) % 3 == 1
    batches = [
        {"input": x, "mask": np.tile(mask, (3, 1))} for x in (SERIES, np.where(mask[:, None], SERIES + 7, SERIES))
    ]
    one, other = (forecasting.forward_pass(batch, training=True)["prediction"] for batch in batches)
    np.testing.assert_array_equal(one, other)
    plain, drawn = (forecasting.forward_pass({"input": SERIES}, training)["prediction"] for training in (False, True))
    assert not np.allclose(plain, one)
    assert not np.allclose(plain, drawn)


def test_any_encoder_forecasts_from_its_representation():
    inputs = keras.Input((5, 2), name="series")
    encoder = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
    forecasting = objectives.Forecasting(encoder, horizon=3, every_step=False)
    assert forecasting.batch_specs["input"].shape == (None, 8, 2)
    outputs = forecasting.forward_pass({"input": ops.convert_to_tensor(SERIES[:, :8])}, training=False)
    np.testing.assert_array_equal(outputs["target"][:, 0], SERIES[:, 5:8])
    np.testing.assert_allclose(outputs["prediction"][:, 0], forecasting.forecast(SERIES[:, :5]), atol=1e-6)
    with pytest.raises(UserError, match="layers, `tokens`"):
        objectives.Forecasting(encoder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: objectives.Forecasting(encoders.mlp((4,), (3,))), "series .* for Forecasting"),
        (lambda: objectives.Forecasting(causal(), horizon=0), "horizon"),
        (lambda: objectives.Forecasting(causal(), mask_ratio=1), "mask_ratio"),
        (lambda: objectives.Forecasting(causal(), mask_ratio=0.2, every_step=False), "without `every_step`"),
        (lambda: objectives.ContrastivePredictiveCoding(causal(), horizon=0), "horizon"),
        (lambda: objectives.ContrastivePredictiveCoding(encoders.mlp((4,), (3,))), "no tokens, trunk, pool"),
    ],
)
def test_wrong_arguments_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_series_that_are_too_short_are_clear_errors():
    for objective, length, message in [
        (forecaster(), 1, "longer than 1 step"),
        (objectives.Forecasting(forecaster().encoder, horizon=3, every_step=False), 3, "longer than 3 steps"),
        (contrast(), 3, "more than horizon=3 frames"),
    ]:
        with pytest.raises(UserError, match=message):
            objective.forward_pass({"input": ops.convert_to_tensor(SERIES[:, :length])}, training=True)


def test_steps_of_series_of_unknown_length_cannot_be_hidden():
    model = objectives.Forecasting(causal(), mask_ratio=0.2)
    step = tf.function(
        lambda x: model.forward_pass({"input": x}, training=True), [tf.TensorSpec((None, None, 2))], False
    )
    with pytest.raises(UserError, match="unknown length"):
        step(SERIES)


# ---- contrastive predictive coding -----------------------------------------------------------------------------------


def test_padding_is_neither_predicted_nor_a_negative():
    cpc = contrast()
    both = [PADDED, np.concatenate([PADDED, np.full((3, 4, 2), np.nan, "float32")], axis=1)]
    one, other = (cpc.loss_terms(cpc.forward_pass({"input": x}, training=False)) for x in both)
    assert float(one["loss"]) == pytest.approx(float(other["loss"]), rel=1e-5)
    assert float(one["accuracy"]) == pytest.approx(float(other["accuracy"]), rel=1e-5)


def test_a_perfect_context_finds_every_frame():
    z = 20 * np.eye(9, dtype="float32")[None].repeat(2, 0) * np.array([1, -1])[:, None, None]
    predicted = np.stack([np.roll(z, -k, axis=1) for k in (1, 2, 3)], axis=1)
    found = contrast().loss_terms({"z": z, "predicted": predicted, "keep": np.ones((2, 9), "float32")})
    assert float(found["loss"]) < 1e-5
    assert float(found["accuracy"]) == 1


def test_it_takes_videos():
    encoder = encoders.frame_conv((None, 8, 12, 1), filters=(3,), width=4, depth=1)
    cpc = objectives.ContrastivePredictiveCoding(encoder, horizon=2)
    terms = cpc.loss_terms(cpc.forward_pass({"input": VIDEO}, training=False))
    assert 0 < float(terms["loss"]) < np.log(2 + 5) + 1


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_encoders_of_maps_have_three_parts():
    small = {"filters": (3, 4), "width": 6, "depth": 1}
    of_time = [make((None, 8, 12, 1), **small) for make in (encoders.conv_lstm, _with_heads)]
    for encoder in (stacked(), *of_time):
        assert [layer.name for layer in encoder.layers] == ["video", "frames", "trunk", "pool"]
        assert decoders.feature_map(encoder) == ((2, 3, 6), 4)
        map_ = encoder.get_layer("trunk")(encoder.get_layer("frames")(VIDEO[:, :3]))
        np.testing.assert_allclose(np.mean(map_, axis=(1, 2)), encoder(VIDEO[:, :3]), atol=1e-5)


def _with_heads(shape, **arguments):
    return encoders.conv_transformer(shape, heads=2, **arguments)


def test_attention_sees_earlier_frames_only_and_their_order():
    trunk, maps = attentive().get_layer("trunk"), attentive().get_layer("frames")(VIDEO)
    of_each = keras.Model(trunk.input, trunk.get_layer("norm").output)
    before, changed = np.array(of_each(maps)), np.array(maps)
    changed[:, 2] += 1
    after = np.array(of_each(changed))
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-6)
    assert (np.abs(after - before)[:, 2:].max(axis=(2, 3, 4)) > 1e-3).all()
    np.testing.assert_allclose(trunk(maps), before[:, -1], atol=1e-6)
    np.testing.assert_allclose(trunk(maps[:, :3]), before[:, 2], atol=1e-5)  # as of the clip that ends there
    turned = VIDEO[:, [1, 0, 2, 3, 4]]
    assert not np.allclose(attentive()(turned), attentive()(VIDEO), atol=1e-4)


def test_frames_follow_frames():
    encoder = encoders.conv_lstm((None, 8, 12, 1), filters=(4,), width=4, depth=1)
    decoder = decoders.frames(encoder, 2, recurrent=True, filters=3)
    model = objectives.FramePrediction(encoder, decoder, past=3)
    assert model.future == 2
    assert model.batch_specs["input"].shape == (None, 5, 8, 12, 1)
    frames = model.next_frames(VIDEO)
    assert frames.shape == (2, 2, 8, 12, 1)
    np.testing.assert_allclose(frames, model.next_frames(VIDEO[:, 2:]), atol=1e-6)
    longer = np.array(model.next_frames(VIDEO, count=3))
    np.testing.assert_allclose(longer[:, :2], frames, atol=1e-6)
    last = np.concatenate([VIDEO[:, 4:], longer[:, :2]], axis=1)
    np.testing.assert_allclose(longer[:, 2:], model.next_frames(last, count=1), atol=1e-5)


def test_any_size_is_taken_and_frames_have_it():
    model = prediction(stacked((3, None, None, 1)))
    for height, width in ((8, 12), (7, 9)):
        assert model.next_frames(np.ones((1, 3, height, width, 1), "float32")).shape == (1, 2, height, width, 1)
    video = ops.convert_to_tensor(VIDEO[:, :, :7, :9])
    assert np.isfinite(float(model.loss_terms(model.forward_pass({"input": video}, training=False))["loss"]))


def test_a_residual_prediction_begins_at_the_last_frame():
    model = prediction(stacked(), residual=True)
    last = model.decoder.get_layer("up_2")
    last.set_weights([0 * weight for weight in last.get_weights()])
    expected = np.repeat(VIDEO[:, 2:3], 2, axis=1)
    np.testing.assert_array_equal(model.next_frames(VIDEO[:, :3]), expected)
    terms = model.loss_terms(model.forward_pass({"input": VIDEO}, training=False))
    assert float(terms["loss"]) == pytest.approx(np.mean((VIDEO[:, 3:] - expected) ** 2), rel=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: prediction(encoders.conv_lstm((None, 8, 12, 1), filters=(3,), width=4)), "`past`"),
        (lambda: prediction(stacked(), past=2), "as the encoder reads frames, 3"),
        (lambda: prediction(stacked(), future=4), "to 4 frames of 1 channels"),
        (lambda: objectives.FramePrediction(encoders.conv_net((8, 8, 1))), "videos .* for FramePrediction"),
        (lambda: objectives.FramePrediction(encoders.frame_conv((3, 8, 8, 1))), "no frames"),
        (lambda: stacked((None, 8, 8, 1)), "time, channels must be known"),
        (lambda: encoders.conv_transformer((3, 8, 8, 1), width=6), "multiple of 2.* of the 4 heads"),
        (lambda: encoders.conv_lstm((3, None, 8, 1)), "height, width, channels must be known"),
        (lambda: encoders.frame_conv((8, 8, 1)), "time, height, width, channels"),
        (lambda: encoders.frame_conv((3, 8, 8, 1), filters=()), "at least one number of filters"),
    ],
)
def test_wrong_encoders_and_decoders_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_wrong_videos_are_clear_errors():
    model = prediction(stacked())
    model.compile("sgd", run_eagerly=True)
    for clips, message in [
        (VIDEO[:, :4], r"\(None, 5, 8, 12, 1\).*\(2, 4, 8, 12, 1\)"),
        (VIDEO[:, :, :7], r"\(2, 5, 7, 12, 1\)"),
        (2 * VIDEO, r"in 0\.\."),
    ]:
        with pytest.raises(UserError, match=message):
            model.fit(clips, verbose=0)
    with pytest.raises(UserError, match="shape"):
        model.next_frames(VIDEO[:, :2])
    with pytest.raises(UserError, match="count"):
        model.next_frames(VIDEO, count=0)


def test_it_is_served_from_past_frames_to_next_ones():
    model = prediction(stacked((3, None, None, 1)))
    function, spec = model.signatures()["next_frames"]
    assert spec.shape == (None, 3, None, None, 1)
    served = export.signatures.servings(model, export.clients.Sends("float32"))
    assert [one.name for one in served] == ["serving_default", "next_frames"]
    assert function(ops.convert_to_tensor(VIDEO[:, :3]))["frames"].shape == (2, 2, 8, 12, 1)
    assert specs.specs_of(stacked()).kind == "video"


def of_any_length():
    """Each encoder with all axes open that it may have open, but the one of a fixed number of frames."""
    small = {"filters": (3,), "width": 4, "depth": 1}
    return {
        "lstm": encoders.conv_lstm((None, 8, 12, 1), **small),
        "frames": encoders.frame_conv((None, None, None, 1), **small),
        "transformer": attentive(),
    }


@pytest.mark.parametrize("name", ["lstm", "frames", "next frames", *dear(["transformer"])])
def test_videos_of_any_length_and_size_are_the_same_in_onnx(name):
    onnxruntime, tf2onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("tf2onnx")
    clips = [VIDEO, VIDEO[:1, :3], VIDEO[:, :4, :7, :9]]
    if name == "next frames":
        predict, _ = prediction(stacked((3, None, None, 1))).signatures()["next_frames"]
        answer, shape, clips = lambda x: predict(x)["frames"], (3, None, None), [clip[:, -3:] for clip in clips]
    else:
        answer = of_any_length()[name]
        shape = answer.input_shape[1:4]
        clips = clips[:2] if name == "lstm" else clips  # of any length, but of one size
    signature = [tf.TensorSpec((None, *shape, 1), name="video")]
    function = tf.function(lambda video: {"found": answer(video)}, signature, autograph=False)
    with outputs_kept():
        proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for clip in clips:
        (found,) = session.run(["found"], {"video": clip})
        np.testing.assert_allclose(found, answer(clip), atol=1e-5)


@pytest.mark.exhaustive
def test_videos_of_any_length_and_size_are_deployed(tmp_path):
    """`deploy` compares Keras, the SavedModel and ONNX Runtime at two sizes of each open axis."""
    model = prediction(stacked((3, None, None, 1)))
    folder = export.deploy(model, tmp_path / "video", signatures=of_any_length())
    manifest = json.loads((folder / "manifest.json").read_text())["signatures"]
    assert set(manifest) == {"serving_default", "embed", "next_frames", "lstm", "frames", "transformer"}
