"""The vision transformer: its blocks against references, its three parts, transfer and export."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from keras_ssl import blocks, encoders, export, transfer
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 8)).astype("float32")
IMAGES = RNG.random((3, 6, 4, 3), "float32")


def tiny(**arguments):
    return encoders.vit((6, 4, 3), patch=2, width=8, **{"depth": 2, "heads": 2, **arguments})


# ---- the blocks ------------------------------------------------------------------------------------------------------


def test_attention_equals_keras_own():
    inputs = keras.Input((None, 8))
    ours = keras.Model(inputs, blocks.attention(inputs, 2, name="a"))
    theirs = layers.MultiHeadAttention(num_heads=2, key_dim=4)
    theirs(X, X)
    qkv, bias, output, output_bias = [RNG.normal(size=w.shape).astype("float32") for w in ours.get_weights()]
    ours.set_weights([qkv, bias, output, output_bias])
    kernels = [part.reshape(8, 2, 4) for part in np.split(qkv, 3, axis=1)]
    biases = [part.reshape(2, 4) for part in np.split(bias, 3)]
    pairs = [array for pair in zip(kernels, biases) for array in pair]
    theirs.set_weights([*pairs, output.reshape(2, 4, 8), output_bias])
    np.testing.assert_allclose(ours(X), theirs(X, X), rtol=1e-4, atol=1e-4)


def test_attention_of_one_token_is_its_value():
    inputs = keras.Input((None, 8))
    model = keras.Model(inputs, blocks.attention(inputs, 2, name="a"))
    qkv, bias, output, output_bias = model.get_weights()
    expected = (X[:, :1] @ qkv[:, 16:] + bias[16:]) @ output + output_bias
    np.testing.assert_allclose(model(X[:, :1]), expected, atol=1e-5)


def test_a_transformer_block_with_zero_outputs_is_its_shortcut():
    inputs = keras.Input((None, 8))
    model = keras.Model(inputs, blocks.transformer(inputs, 2, 12, name="b"))
    assert np.abs(np.array(model(X)) - X).max() > 0.1
    for name in ("b_attention_output", "b_output"):
        model.get_layer(name).set_weights([np.zeros(w.shape) for w in model.get_layer(name).weights])
    np.testing.assert_array_equal(model(X), X)


def test_gelu_is_x_times_the_normal_distribution_function():
    x = np.array([-3.0, -1.0, 0.0, 0.5, 2.0], "float32")
    expected = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x]
    np.testing.assert_allclose(blocks.gelu(x), expected, atol=1e-6)
    np.testing.assert_allclose(blocks.gelu(x), keras.activations.gelu(x), atol=1e-6)


def test_patches_by_hand():
    image = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    patches = np.array(blocks.patchify(image, 2))
    assert patches[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_each_patch_is_a_part_of_the_image_and_unpatchify_reverts_it():
    patches = np.array(blocks.patchify(IMAGES, 2))
    assert patches.shape == (3, 6, 12)
    np.testing.assert_array_equal(patches[1, 3], IMAGES[1, 2:4, 2:4].ravel())  # the second of the second row
    np.testing.assert_array_equal(blocks.unpatchify(patches, (6, 4, 3), 2), IMAGES)


def test_positions_by_hand():
    positions = blocks.sine_cosine(2, 3, 8)
    assert positions.shape == (6, 8)
    expected = [f(p / 100**k) for p in (1, 2) for f in (math.sin, math.cos) for k in (0, 1)]  # row 1, column 2
    np.testing.assert_allclose(positions[5], expected, atol=1e-6)


def test_positions_are_different_and_their_products_depend_on_offsets_only():
    positions = blocks.sine_cosine(5, 7, 16)
    gram = positions @ positions.T
    np.testing.assert_allclose(np.diag(gram), 8, rtol=1e-5)  # a sine and a cosine of each of eight angles
    assert (gram - 10 * np.eye(35)).max() < 7.99
    assert gram[0, 8] == pytest.approx(gram[8, 16], rel=1e-5)  # one step down and right, from anywhere


# ---- the three parts -------------------------------------------------------------------------------------------------


def test_it_has_exactly_three_named_parts():
    encoder = tiny()
    assert [layer.name for layer in encoder.layers] == ["image", "tokens", "trunk", "pool"]
    tokens, trunk, pool = (encoder.get_layer(name) for name in ("tokens", "trunk", "pool"))
    assert tokens.output_shape == (None, 6, 8)
    assert trunk.input_shape == trunk.output_shape == (None, None, 8)
    np.testing.assert_allclose(encoder(IMAGES), pool(trunk(tokens(IMAGES))), atol=1e-6)
    after_norm = np.array(trunk(tokens(IMAGES)))
    np.testing.assert_allclose(after_norm.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(encoder(IMAGES), after_norm.mean(1), atol=1e-6)


@pytest.mark.parametrize("length", [1, 4, 9])
def test_the_trunk_takes_any_length_in_any_order(length):
    trunk = tiny().get_layer("trunk")
    tokens = RNG.normal(size=(3, length, 8)).astype("float32")
    order = RNG.permutation(length)
    y = np.array(trunk(tokens))
    assert y.shape == tokens.shape
    np.testing.assert_allclose(trunk(tokens[:, order]), y[:, order], atol=1e-5)


def test_tokens_are_embedded_patches_and_positions():
    tokens = tiny().get_layer("tokens")
    kernel, bias = tokens.get_weights()
    expected = np.array(blocks.patchify(IMAGES, 2)) @ kernel + bias + blocks.sine_cosine(3, 2, 8)
    np.testing.assert_allclose(tokens(IMAGES), expected, atol=1e-5)


def test_it_has_the_papers_number_of_weights():
    encoder = encoders.vit((224, 224, 3), patch=16, width=192, depth=12, heads=3)
    # DeiT-Ti's 5,717,416, less the classifier, the class token and the learned positions
    assert encoder.count_params() == 5_717_416 - 193 * 1000 - 192 - 197 * 192


# ---- transfer and export ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_close(policy):
    exact = tiny()
    keras.config.set_dtype_policy(policy)
    half = tiny()
    half.set_weights(exact.get_weights())
    h = keras.ops.cast(half(IMAGES), "float32")
    np.testing.assert_allclose(h, exact(IMAGES), atol=0.05)


def test_it_becomes_a_classifier_that_is_frozen_and_deployed(tmp_path):
    encoder = tiny()
    classifier = transfer.classifier(encoder, classes=3)
    classifier.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
    assert transfer.freeze(classifier, "encoder").trainable == ("probabilities",)
    assert transfer.unfreeze(classifier, "vit/trunk/block_2_*").frozen[0] == "vit/tokens/patches"
    before = encoder.get_weights()
    classifier.fit(IMAGES, np.arange(3), verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, encoder.get_weights())]
    assert moved == ["block_2" in w.path for w in encoder.weights]
    folder = export.deploy(classifier, tmp_path / "model", samples=IMAGES)
    assert (folder / "model.onnx").exists()


def test_it_is_the_same_in_onnx(tmp_path):
    assert export.onnx(tiny(), tmp_path / "vit.onnx", samples=IMAGES).exists()  # it compares outputs to 1e-5


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"input_shape": (6, 5, 3)}, "sides are multiples of the patch, 2.*6, 5, 3"),
        ({"input_shape": (None, None, 3)}, "give the size of the images"),
        ({"input_shape": (6, 4)}, "height, width, channels"),
        ({"width": 10}, "multiple of 4.*width=10"),
        ({"heads": 3}, "3 heads.*width=8"),
        ({"patch": 0}, "patch as a whole number at least 1"),
        ({"depth": 0}, "depth as a whole number at least 1"),
        ({"heads": 0}, "heads as a whole number at least 1"),
    ],
)
def test_what_does_not_fit_is_a_clear_error(arguments, word):
    with pytest.raises(UserError, match=word):
        encoders.vit(**{"input_shape": (6, 4, 3), "patch": 2, "width": 8, "depth": 1, "heads": 2, **arguments})
