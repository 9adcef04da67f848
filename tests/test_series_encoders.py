"""The recurrent network and the transformer over patches of series, and what `dilated_conv` can do besides."""

import json

import keras
import numpy as np
import pytest
from quick import dear

from keras_ssl import blocks, encoders, export, objectives, specs
from keras_ssl.errors import UserError
from keras_ssl.export.parity import onnx_runtime, saved_model_runtime
from keras_ssl.export.samples import verification_samples
from keras_ssl.networks import all_layers, parts
from keras_ssl.state import TargetNetwork

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(3, 6, 2)).astype("float32")
SERIES[1, 4:] = np.nan
SERIES[2] = np.nan
STATISTICS = ([1.0, -2.0], [2.0, 4.0])


@pytest.fixture(scope="module")
def built():
    return {
        "recurrent": encoders.recurrent(2, width=4, depth=2, pool="last"),
        "lstm": encoders.recurrent(2, width=4, cell="lstm"),
        "patches": encoders.patch_transformer(2, patch=2, width=4, depth=1, heads=2),
        "causal convolutions": encoders.dilated_conv(2, width=4, depth=2, causal=True),
        "causal patches": encoders.patch_transformer(2, patch=2, width=4, depth=1, heads=2, causal=True),
    }


def padded(x, before, after):
    return np.pad(x, ((0, 0), (before, after), (0, 0)), constant_values=np.nan)


@pytest.mark.parametrize("name", ["recurrent", "lstm", "patches"])
def test_padding_does_not_change_the_representation_and_alone_gives_zeros(built, name):
    encoder = built[name]
    h = np.array(encoder(SERIES))
    for before, after in ((0, 3), (2, 1)):  # before patches, whole ones
        np.testing.assert_allclose(encoder(padded(SERIES, before, after)), h, atol=1e-6)
    np.testing.assert_allclose(encoder(SERIES[1:2, :4]), h[1:2], atol=1e-6)
    assert np.abs(h[0]).max() > 0.01
    np.testing.assert_array_equal(h[2], np.zeros(4))


@pytest.mark.parametrize(
    ("name", "causal"), [("lstm", True), ("causal convolutions", True), ("patches", False), ("causal patches", True)]
)
def test_a_causal_frame_depends_on_no_later_step(built, name, causal):
    found, other = parts(built[name]), SERIES[:1].copy()
    other[:, 4:] += 1
    first = 2 if "patches" in name else 4
    change = np.abs(np.array(found.frames(SERIES[:1])) - np.array(found.frames(other)))[0].max(axis=-1)
    assert (change[:first] < 1e-6).all() == causal
    assert (change[first:] > 1e-5).all()


def test_a_patch_is_kept_if_one_of_its_steps_is_known(built):
    series = SERIES[:1, :5].copy()
    series[0, 1, 0] = series[0, 2] = series[0, 3] = np.nan
    tokens, keep = parts(built["patches"]).embed(series)
    np.testing.assert_array_equal(keep, [[True, False, True]])
    kernel, bias = built["patches"].get_layer("tokens").get_layer("projection").get_weights()
    filled = np.nan_to_num(np.pad(series, ((0, 0), (0, 1), (0, 0)))).reshape(3, 4)
    np.testing.assert_allclose(tokens[0], filled @ kernel.reshape(4, 4) + bias, atol=1e-6)


@pytest.mark.parametrize("name", ["recurrent", "patches"])
def test_it_is_saved_and_loads_without_keras_ssl_and_still_takes_missing_values(built, name, tmp_path):
    encoder = built[name]
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(loaded(SERIES), encoder(SERIES), atol=1e-6)
    assert not [part for part in all_layers(encoder) if type(part).__module__.startswith("keras_ssl")]
    assert specs.specs_of(loaded) == specs.specs_of(encoder)
    spec = specs.specs_of(loaded)
    assert spec.missing
    assert specs.from_json(spec.to_json()) == spec
    assert "missing" not in specs.without_missing(spec).to_json()


def test_statistics_standardize_the_series_but_leave_what_is_missing():
    plain, scaled = (encoders.recurrent(2, width=4, statistics=given) for given in (None, STATISTICS))
    scaled.set_weights(plain.get_weights())
    np.testing.assert_allclose(scaled(SERIES), plain((SERIES - STATISTICS[0]) / STATISTICS[1]), atol=1e-6)
    assert specs.specs_of(scaled).missing


def test_standardizing_takes_full_precision_and_is_saved(tmp_path):
    far = SERIES + 1000  # in bfloat16, numbers near 1000 are 4 apart
    plain = encoders.dilated_conv(2, width=4, depth=1)
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = encoders.dilated_conv(2, width=4, depth=1, statistics=([1000, 1000], [1, 1]))
    half.set_weights(plain.get_weights())
    expected = np.array(plain(far - 1000))
    target = TargetNetwork([half])
    for network in (half, objectives.SimCLR(half), target):
        np.testing.assert_allclose(network(far), expected, atol=0.03)
    half.save(tmp_path / "encoder.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "encoder.keras")(far), half(far), atol=1e-6)


def test_dilated_convolutions_have_another_output_width_and_dropout():
    encoder = encoders.dilated_conv(2, width=4, depth=1, output_width=6, dropout=0.5)
    assert encoder.output_shape == (None, 6)
    output = encoder.get_layer("trunk").get_layer("output_conv_1")
    assert output.dilation_rate == (2,)
    frames = [np.array(parts(encoder).frames(SERIES[:1], training=True)) for _ in range(2)]
    assert not np.array_equal(*frames)


@pytest.mark.parametrize("causal", [False, True])
def test_convolutions_of_far_steps_are_the_same(causal, monkeypatch):
    plain = encoders.dilated_conv(2, width=4, depth=4, causal=causal)  # dilations of 1, 2, 4 and 8
    monkeypatch.setattr("keras_ssl.encoders.series._FAR", 2)
    far = encoders.dilated_conv(2, width=4, depth=4, causal=causal)
    assert not hasattr(far.get_layer("trunk").get_layer("block_2_conv_1"), "dilation_rate")
    weights = [w.reshape(new.shape) for w, new in zip(plain.get_weights(), far.weights, strict=True)]
    far.set_weights(weights)
    for length in (1, 3, 6):  # shorter than the farthest step
        series = SERIES[:, :length]
        np.testing.assert_allclose(parts(far).frames(series), parts(plain).frames(series), atol=1e-6)


def test_an_export_is_verified_on_finite_numbers_as_clients_send_them(built):
    wanted = {"series": specs.specs_of(built["recurrent"])}
    found = verification_samples(SERIES[:2], wanted)["series"]
    np.testing.assert_array_equal(found[:2], np.nan_to_num(SERIES[:2]))
    assert found.shape == (32, 6, 2)


@pytest.mark.parametrize("names", [("patches",), *dear([(("recurrent", "patches", "causal convolutions"),)])])
def test_all_are_served_at_any_length_and_of_missing_values(built, names, tmp_path):
    series = keras.Input((None, 2), name="series")
    served = {built[name].name: built[name] for name in names}
    model = keras.Model(series, {name: encoder(series) for name, encoder in served.items()})
    version = export.deploy(model, tmp_path, samples=SERIES[:1])
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["signatures"]["serving_default"]["inputs"]["series"]["sizes"] == {"time": [6, 12]}
    files = saved_model_runtime(version)[0], onnx_runtime(version / "model.onnx")
    for length in (5, 6, 9):  # not those alone that are multiples of a patch
        given = padded(SERIES, 0, 3)[:, :length]
        answers = [file({"series": given}) for file in files]
        for name, encoder in served.items():
            for answer in answers:
                np.testing.assert_allclose(answer[name], encoder(given), atol=1e-5)


def test_the_last_kept_place_is_taken():
    y = np.arange(8.0).reshape(1, 4, 2)
    keep = np.array([[True, False, True, False]])
    np.testing.assert_array_equal(blocks.last_of_kept(y, keep), [[4, 5]])
    np.testing.assert_array_equal(blocks.last_of_kept(y, keep & False), [[0, 0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: encoders.recurrent(2, cell="rnn"), "gru, lstm"),
        (lambda: encoders.recurrent(2, pool="middle"), "a pool among"),
        (lambda: encoders.recurrent(2, statistics=([0, 0], [1, 0])), "above 0, of each of 2 channels"),
        (lambda: encoders.patch_transformer(2, patch=0), "patch as a whole number"),
        (lambda: encoders.patch_transformer(2, width=6, heads=4), "multiple of 2"),
        (lambda: encoders.dilated_conv(2, output_width=0), "output_width as a whole number"),
        (lambda: encoders.dilated_conv(2, dropout=1.0), "dropout"),
    ],
)
def test_arguments_out_of_range_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()
