"""Projectors, predictors and prototypes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import two_convolutions

from keras_ssl import blocks, decoders, encoders, heads
from keras_ssl.errors import UserError


def make_encoder():
    return encoders.mlp((4, 4, 1), units=(5, 9))


def test_projector_has_one_hidden_layer_of_the_encoders_width():
    projector = heads.projector(make_encoder())
    assert projector.input_shape == (None, 9)
    assert projector.output_shape == (None, 128)
    assert projector.get_layer("hidden").units == 9
    assert [type(layer) for layer in projector.layers[2:4]] == [blocks.BatchNormalization, keras.layers.ReLU]
    assert [w.name for w in projector.get_layer("projection").weights] == ["kernel"]


def test_projector_takes_widths_and_equals_numpy():
    projector = heads.projector(make_encoder(), features=3, hidden=7, name="head")
    assert projector.name == "head"
    assert projector.get_layer("hidden").units == 7
    h = np.random.default_rng(0).normal(size=(6, 9)).astype("float32")
    kernel, gamma, beta, _, _, projection = projector.get_weights()
    x = h @ kernel
    x = gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1.001e-5) + beta
    np.testing.assert_allclose(projector(h, training=True), np.maximum(x, 0) @ projection, atol=1e-5)


def test_a_linear_head_is_one_layer():
    head = heads.linear(make_encoder(), 3, name="classes")
    assert (head.name, head.input_shape, head.output_shape) == ("classes", (None, 9), (None, 3))
    h = np.random.default_rng(0).normal(size=(6, 9)).astype("float32")
    kernel, bias = head.get_weights()
    np.testing.assert_allclose(head(h), h @ kernel + bias, atol=1e-6)


def test_projector_survives_saving(tmp_path):
    projector = heads.projector(make_encoder(), features=3)
    projector.save(tmp_path / "projector.keras")
    h = np.random.default_rng(0).normal(size=(2, 9))
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "projector.keras")(h), projector(h))


def test_an_initializer_applies_to_all_layers_with_different_values():
    start = keras.initializers.VarianceScaling(1 / 3, distribution="uniform")
    projector = heads.projector(make_encoder(), features=9, hidden=9, depth=2, kernel_initializer=start)
    predictor = heads.predictor(projector, kernel_initializer=start)
    kernels = [w.numpy() for head in (projector, predictor) for w in head.trainable_weights if w.name == "kernel"]
    assert len(kernels) == len({kernel.tobytes() for kernel in kernels}) == 5
    assert all(0.8 < np.abs(kernel).max() * 3 <= 1 for kernel in kernels)  # 1 / sqrt(9) bounds them


def test_a_deep_projector_with_a_normalized_output():
    projector = heads.projector(make_encoder(), features=3, hidden=7, depth=2, normalize_output=True)
    assert [projector.get_layer(f"hidden_{k}").units for k in (1, 2)] == [7, 7]
    z = np.array(projector(np.random.default_rng(0).normal(size=(50, 9)), training=True))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-2)
    assert projector.get_layer("projection_norm").trainable_weights == []


def test_predictor_has_the_projections_width():
    predictor = heads.predictor(heads.projector(make_encoder(), features=6), hidden=2)
    assert (predictor.input_shape, predictor.output_shape) == ((None, 6), (None, 6))
    assert predictor.get_layer("hidden").units == 2


def test_prototypes_give_cosines_for_any_norms():
    layer = blocks.Prototypes(5)
    z = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    scores = np.array(layer(z))
    kernel = np.array(layer.kernel)
    expected = z @ kernel / np.linalg.norm(z, axis=1, keepdims=True) / np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    layer.kernel.assign(7 * layer.kernel)
    np.testing.assert_allclose(layer(9 * z), scores, atol=1e-6)


@pytest.mark.parametrize("hold", [True, False])
def test_prototypes_that_are_held_get_no_gradient(hold):
    layer = blocks.Prototypes(5)
    z = tf.random.normal((4, 3))
    layer.build((None, 3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(z, hold=tf.constant(hold)) ** 2)
    assert (np.abs(np.array(tape.gradient(loss, layer.kernel.value))).max() == 0) == hold


def test_dinos_head_survives_saving(tmp_path):
    head = heads.prototypes(make_encoder(), count=4, features=3)
    assert head.output_shape == (None, 4)
    head.save(tmp_path / "head.keras")
    h = np.random.default_rng(0).normal(size=(2, 9))
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "head.keras")(h), head(h))


def test_gaussian_is_two_linear_layers():
    head = heads.gaussian(make_encoder(), 3)
    h = np.random.default_rng(0).normal(size=(4, 9)).astype("float32")
    kernel, bias, other_kernel, other_bias = head.get_weights()
    mean, log_variance = head(h)
    np.testing.assert_allclose(mean, h @ kernel + bias, atol=1e-5)
    np.testing.assert_allclose(log_variance, h @ other_kernel + other_bias, atol=1e-5)
    assert mean.shape == (4, 3)
    keras.config.set_dtype_policy("mixed_float16")
    assert [x.dtype for x in heads.gaussian(make_encoder(), 3)(h)] == ["float32", "float32"]


@pytest.mark.parametrize("make", [heads.discriminator, heads.pair_discriminator])
def test_a_discriminator_of_a_frozen_encoder_trains(make):
    encoder = two_convolutions()
    encoder.trainable = False
    expected = len(make(two_convolutions()).trainable_weights)
    assert len(make(encoder).trainable_weights) == expected
    assert not encoder.trainable_weights


@pytest.mark.parametrize(
    "make",
    [
        lambda: heads.projector(make_encoder(), hidden=0),
        lambda: heads.predictor(heads.projector(make_encoder()), hidden=0),
        lambda: decoders.patches(encoders.vit((4, 4, 1), patch=2, width=8, depth=1, heads=2), width=0),
    ],
)
def test_a_width_of_0_is_not_the_default(make):
    with pytest.raises(UserError, match="as a whole number at least 1"):
        make()


def test_a_linear_head_computes_in_single_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert heads.linear(make_encoder(), 3)(np.ones((1, 9), "float32")).dtype == "float32"
