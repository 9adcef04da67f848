"""Encoders of sequences: their blocks, the three parts, what padding and causality promise, and references in NumPy."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_ssl import blocks, decoders, encoders, export, objectives
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, parts

if keras.backend.backend() == "tensorflow":  # a few of these tests run on JAX, too
    import tensorflow as tf

RNG = np.random.default_rng(0)
IDS = np.array([[5, 2, 9, 2, 7], [3, 8, 0, 0, 0], [0, 0, 0, 0, 0]], "int32")
KEEP = IDS > 0
SERIES = RNG.normal(size=(3, 9, 2)).astype("float32")
SERIES[1, 4:] = math.nan
SERIES[2] = math.nan
X = RNG.normal(size=(3, 5, 8)).astype("float32")


def text(**arguments):
    return encoders.transformer(12, **{"width": 8, "depth": 2, "heads": 2, **arguments})


def series(**arguments):
    return encoders.dilated_conv(2, **{"width": 6, "depth": 3, **arguments})


SEQUENCES = {
    "transformer": (text, IDS, 0),
    "causal transformer": (lambda: text(causal=True), IDS, 0),
    "dilated_conv": (series, SERIES, math.nan),
}
every_sequence = pytest.mark.parametrize("name", SEQUENCES)
one_of_each = pytest.mark.parametrize("name", ["causal transformer", "dilated_conv"])


def padded(x, before, after, filler):
    return np.pad(x, [(0, 0), (before, after), *[(0, 0)] * (x.ndim - 2)], constant_values=filler)


# ---- the blocks ------------------------------------------------------------------------------------------------------


def test_bias_by_hand():
    keep, no = np.array([[True, True, False]]), -3e4
    np.testing.assert_array_equal(blocks.attention_bias(keep), [[[[0, 0, no]]]])
    causal = blocks.attention_bias(keep, causal=True)
    np.testing.assert_array_equal(causal, [[[[0, no, no], [0, 0, no], [0, 0, no]]]])


def test_attention_with_a_bias_equals_keras_own_with_a_mask():
    inputs, keep = keras.Input((None, 8)), keras.Input((None,), dtype="bool")
    ours = keras.Model([inputs, keep], blocks.attention(inputs, 2, "a", blocks.attention_bias(keep, causal=True)))
    theirs = layers.MultiHeadAttention(num_heads=2, key_dim=4)
    theirs(X, X)
    qkv, bias, output, output_bias = [RNG.normal(size=w.shape).astype("float32") for w in ours.get_weights()]
    ours.set_weights([qkv, bias, output, output_bias])
    pairs = zip(np.split(qkv, 3, axis=1), np.split(bias, 3))
    flat = [array for kernel, b in pairs for array in (kernel.reshape(8, 2, 4), b.reshape(2, 4))]
    theirs.set_weights([*flat, output.reshape(2, 4, 8), output_bias])
    expected = theirs(X, X, attention_mask=KEEP[:, None, :], use_causal_mask=True)
    np.testing.assert_allclose(np.array(ours([X, KEEP]))[KEEP], np.array(expected)[KEEP], rtol=1e-4, atol=1e-4)


def test_positions_by_hand():
    keep = np.array([[True, False, True, True]])
    positions = ops.convert_to_numpy(blocks.sequence_positions(blocks.places(keep), 4))
    for place, k in ((0, 0), (1, 2), (2, 3)):  # padding is not counted
        expected = [f(place / 100**i) for f in (math.sin, math.cos) for i in (0, 1)]
        np.testing.assert_allclose(positions[0, k], expected, atol=1e-6)


def test_positions_are_the_papers_in_another_order_and_their_products_depend_on_offsets_only():
    positions = np.array(blocks.sequence_positions(np.arange(40)[None], 16))[0]
    place, i = np.arange(40)[:, None], np.arange(8)
    angles = place / 10_000 ** (2 * i / 16)
    np.testing.assert_allclose(positions[:, :8], np.sin(angles), atol=1e-5)
    np.testing.assert_allclose(positions[:, 8:], np.cos(angles), atol=1e-5)
    gram = positions @ positions.T
    np.testing.assert_allclose(np.diag(gram, 5), gram[0, 5], atol=1e-4)


def test_pooling_by_hand():
    y = np.array([[[1.0, -5.0], [3.0, -1.0], [90.0, 90.0]], [[7.0, 7.0]] * 3], "float32")
    keep = np.array([[True, True, False], [False, False, False]])
    np.testing.assert_array_equal(ops.convert_to_numpy(blocks.mean_of_kept(y, keep)), [[2, -3], [0, 0]])
    np.testing.assert_array_equal(ops.convert_to_numpy(blocks.max_of_kept(y, keep)), [[3, -1], [0, 0]])
    half = ops.cast(np.full((1, 3000, 1), 60.0), "float16")  # whose sum float16 cannot hold
    assert float(blocks.mean_of_kept(half, np.ones((1, 3000), bool))[0, 0]) == 60


# ---- the three parts -------------------------------------------------------------------------------------------------


@one_of_each
def test_an_encoder_is_its_three_parts_one_after_the_other(name):
    build, x, _ = SEQUENCES[name]
    encoder = build()
    assert [layer.name for layer in encoder.layers] == [encoder.inputs[0].name, "tokens", "trunk", "pool"]
    found = parts(encoder)
    tokens, keep = found.embed(x)
    assert found.padded
    np.testing.assert_array_equal(keep, KEEP if x is IDS else ~np.isnan(SERIES[..., 0]))
    frames = found.run(tokens, keep)
    np.testing.assert_array_equal(found.frames(x), frames)
    np.testing.assert_allclose(found.summarize(frames, keep), encoder(x), atol=1e-6)
    everything = np.ones(x.shape[:2], bool)
    np.testing.assert_array_equal(found.run(tokens), found.run(tokens, everything))


def test_inputs_are_named_after_the_kind_of_data():
    assert [text().input.name, text().input.dtype, text().input.shape] == ["ids", "int32", (None, None)]
    assert [series().input.name, series().input.dtype, series().input.shape] == ["series", "float32", (None, None, 2)]
    assert encoders.mlp((7,), (3,)).input.name == "row"
    assert encoders.mlp((7, 7, 1), (3,)).input.name == encoders.mlp((7, 7), (3,)).input.name == "image"


def test_the_vision_transformer_has_the_same_parts_without_padding():
    encoder, images = encoders.vit((4, 4, 1), patch=2, width=8, depth=1, heads=2), RNG.random((2, 4, 4, 1), "float32")
    found = parts(encoder)
    tokens, keep = found.embed(images)
    assert (found.padded, keep) == (False, None)
    frames = found.frames(images)
    np.testing.assert_allclose(found.summarize(frames), encoder(images), atol=1e-6)
    assert found.run(tokens[:, 1:3]).shape == (2, 2, 8)


def test_hidden_tokens_are_zero_or_what_a_function_puts_there():
    found = parts(series())
    tokens, keep = found.embed(SERIES)
    mask = RNG.random((3, 9)) < 0.5
    expected = found.run(np.where(mask[..., None], 0, tokens), keep)
    np.testing.assert_array_equal(found.frames(SERIES, mask), expected)
    seen = []
    given = found.frames(SERIES, lambda x, k: seen.append(k) or ops.where(mask[..., None], ops.zeros_like(x), x))
    np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(seen[0], keep)
    changed = np.where(mask[..., None], SERIES + 5, SERIES)
    np.testing.assert_array_equal(found.frames(changed, mask), expected)  # what is hidden leaves no trace
    with pytest.raises(UserError, match=r"mask \(n, length\).*\(3, 9, 1\)"):
        found.frames(SERIES, mask[..., None])


def assembled(tokens, trunk, pool):
    x = keras.Input((None, 2))
    return keras.Model(x, pool(trunk(tokens(x))), name="mine")


def test_an_encoder_without_these_parts_is_a_clear_error():
    x, y = keras.Input((None, 2)), keras.Input((5, 2))
    tokens = layers.Dense(2, name="tokens")
    pool = layers.GlobalAveragePooling1D(name="pool")
    assert not parts(assembled(tokens, layers.Dense(2, name="trunk"), pool)).padded
    with pytest.raises(UserError, match=r"'mine', which has no trunk\. Do: use `encoders"):
        parts(assembled(tokens, layers.Dense(2), pool))
    of_five = keras.Model(y, layers.Dense(2)(y), name="trunk")
    of_five = keras.Model(y, pool(of_five(layers.Dense(2, name="tokens")(y))))
    with pytest.raises(UserError, match=r"trunk takes \(None, 5, 2\)"):
        parts(of_five)
    counting = keras.Model(x, [x, ops.ones_like(x[..., 0], dtype="bool")], name="tokens")
    both = layers.Lambda(lambda pair: pair[0], name="trunk")
    with pytest.raises(UserError, match="tokens give, trunk takes and pool takes 2, 2 and 1 tensors"):
        parts(assembled(counting, both, layers.GlobalAveragePooling1D(name="pool")))
    with pytest.raises(UserError, match="NoneType"):
        parts(None)
    with pytest.raises(UserError, match=r"of images.*for MaskedAutoencoder.*which takes ids"):
        objectives.MaskedAutoencoder(text())
    with pytest.raises(UserError, match=r"of images.*encoders\.vit"):
        decoders.patches(text())


# ---- what they promise -----------------------------------------------------------------------------------------------


@every_sequence
def test_padding_does_not_change_the_representation_and_alone_gives_zeros(name):
    build, x, filler = SEQUENCES[name]
    encoder = build()
    h = np.array(encoder(x))
    for before, after in ((0, 4), (3, 0), (2, 1)):
        np.testing.assert_allclose(encoder(padded(x, before, after, filler)), h, atol=1e-6)
    count = 2 if x is IDS else 4
    np.testing.assert_allclose(encoder(x[1:2, :count]), h[1:2], atol=1e-6)
    assert np.abs(h[0]).max() > 0.1
    np.testing.assert_array_equal(h[2], np.zeros_like(h[2]))


@one_of_each
def test_every_weight_gets_a_finite_gradient_and_none_from_padding_alone(name):
    build, x, _ = SEQUENCES[name]
    encoder = build()
    for rows, moves in ((x, True), (x[2:], False)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(encoder(rows, training=True) ** 3)
        for weight, gradient in zip(encoder.weights, tape.gradient(loss, [w.value for w in encoder.weights])):
            gradient = np.array(tf.convert_to_tensor(gradient))
            assert np.isfinite(gradient).all()
            assert (np.abs(gradient).max() > 0) == moves, weight.path


@pytest.mark.parametrize("causal", [False, True])
def test_a_causal_frame_depends_on_no_later_token(causal):
    found = parts(text(causal=causal))
    ids = RNG.integers(1, 12, (1, 6)).astype("int32")
    others = np.repeat(ids, 6, axis=0)
    others[np.arange(6), np.arange(6)] = others[np.arange(6), np.arange(6)] % 11 + 1  # row k differs at place k
    same = np.repeat(ids, 6, axis=0)  # of the same shape: products of others may be rounded otherwise
    change = np.abs(np.array(found.frames(others)) - found.frames(same)).max(axis=2)
    later = np.triu(np.ones((6, 6), bool))  # [k, place] with place >= k
    assert (change[later] > 1e-3).all()
    assert (change[~later] > 1e-3).all() if not causal else (change[~later] == 0).all()


def test_each_frame_of_a_series_depends_on_the_time_steps_that_the_dilations_reach():
    found = parts(series(depth=2))  # 2 * (1 + 2) steps to each side
    x = RNG.normal(size=(1, 21, 2)).astype("float32")
    moved = x.copy()
    moved[0, 10] += 1
    change = np.abs(np.array(found.frames(moved)) - found.frames(x)).max(axis=2)[0]
    np.testing.assert_array_equal(change > 0, np.abs(np.arange(21) - 10) <= 6)


@one_of_each
def test_it_is_saved_loads_without_keras_ssl_and_compiles(name, tmp_path):
    build, x, _ = SEQUENCES[name]
    encoder = build()
    h = np.array(encoder(x))
    encoder.save(tmp_path / "encoder.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "encoder.keras")(x), h, atol=1e-6)
    stock = export.stock(encoder)
    np.testing.assert_allclose(stock(x), h, atol=1e-6)
    assert [w.path for w in stock.weights] == [w.path for w in encoder.weights]
    assert not [part for part in all_layers(encoder) if type(part).__module__.startswith("keras_ssl")]
    np.testing.assert_allclose(tf.function(encoder, jit_compile=True)(x), h, atol=1e-5)


@one_of_each
@pytest.mark.parametrize(("policy", "error"), [("mixed_float16", 0.02), ("mixed_bfloat16", 0.1)])
def test_half_precision_is_close_and_pools_in_float32(name, policy, error):
    build, x, _ = SEQUENCES[name]
    exact = build()
    keras.config.set_dtype_policy(policy)
    half = build()
    half.set_weights(exact.get_weights())
    h = half(x)
    assert h.dtype == "float32"
    np.testing.assert_allclose(h, exact(x), atol=error)
    np.testing.assert_array_equal(h[2], np.zeros_like(h[2]))


@one_of_each
def test_it_is_the_same_in_onnx_at_any_length_with_padding(name):
    onnxruntime, tf2onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("tf2onnx")
    _, x, filler = SEQUENCES[name]
    encoder = series(depth=2) if name == "dilated_conv" else text(causal=True, depth=1)
    signature = [tf.TensorSpec(encoder.input.shape, encoder.input.dtype, name="x")]
    function = tf.function(lambda x: {"h": encoder(x)}, input_signature=signature, autograph=False)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for samples in (x, x[:1, :3], padded(x, 2, 3, filler)):
        np.testing.assert_allclose(session.run(None, {"x": samples})[0], encoder(samples), atol=1e-5)


# ---- references ------------------------------------------------------------------------------------------------------


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def test_dilated_convolutions_equal_numpy():
    encoder, x = series(), SERIES[:1].astype("float64")
    (projection, bias), *kernels = zip(encoder.get_weights()[::2], encoder.get_weights()[1::2])
    y = x @ projection + bias
    for block in range(3):
        z = y
        for kernel, bias in kernels[2 * block : 2 * block + 2]:
            d = 2**block
            wide = np.pad(gelu(z), ((0, 0), (d, d), (0, 0)))
            z = sum(wide[:, k * d : k * d + 9] @ kernel[k] for k in range(3)) + bias
        y = y + z
    np.testing.assert_allclose(parts(encoder).frames(SERIES[:1]), y, atol=1e-4)
    np.testing.assert_allclose(encoder(SERIES[:1]), y.max(axis=1), atol=1e-4)


def test_tokens_of_text_are_vectors_times_the_root_of_the_width_and_positions():
    encoder = text()
    tokens, _ = parts(encoder).embed(IDS)
    table = np.array(encoder.get_layer("tokens").get_layer("embedding").embeddings)
    assert table.std() == pytest.approx(8**-0.5, rel=0.3)
    expected = table[IDS] * math.sqrt(8) + np.array(blocks.sequence_positions(blocks.places(IDS > 0), 8))
    np.testing.assert_allclose(tokens, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: text(width=9), "multiple of 2.*2 heads.*width=9"),
        (lambda: text(heads=3), "3 heads.*width=8"),
        (lambda: text(depth=0), "depth as a whole number at least 1"),
        (lambda: encoders.transformer(1), "vocabulary as a whole number at least 2"),
        (lambda: series(depth=0), "depth as a whole number at least 1"),
        (lambda: encoders.dilated_conv(0), "channels as a whole number at least 1"),
    ],
)
def test_what_does_not_fit_is_a_clear_error(build, word):
    with pytest.raises(UserError, match=word):
        build()
