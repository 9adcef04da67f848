"""Spectral normalization: singular values of one, in any model that can have it, saved, frozen and exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, dense, images, plain, with_noise

from keras_ssl import blocks, decoders, distribute, encoders, export, objectives, transfer
from keras_ssl.errors import UserError
from keras_ssl.state import TargetNetwork

N = 8


def test_spectral_normalization_makes_the_largest_singular_value_one():
    encoder = blocks.spectrally_normalized(encoders.mlp(SHAPE, (16, 8)))
    objective = objectives.GAN(encoder, decoders.mirror(dense(), "sigmoid", 4), 4)
    objective.compile(keras.optimizers.SGD(0.1))
    objective.fit(tf.data.Dataset.from_tensors(images(N, 0)).repeat(20), verbose=0)
    encoder(images(2, 0), training=True)
    wrapped = [layer for layer in encoder.layers if isinstance(layer, keras.layers.SpectralNormalization)]
    largest = [np.linalg.svd(np.array(layer.layer.kernel), compute_uv=False)[0] for layer in wrapped]
    assert largest == pytest.approx([1, 1], abs=0.1)


def test_spectral_normalization_reaches_nested_models_and_refuses_what_it_cannot_do():
    inputs = keras.Input(SHAPE)
    nested = keras.Model(inputs, encoders.mlp(SHAPE, (6, 4))(inputs))
    (inner,) = [layer for layer in blocks.spectrally_normalized(nested).layers if isinstance(layer, keras.Model)]
    assert sum(isinstance(layer, keras.layers.SpectralNormalization) for layer in inner.layers) == 2
    flat = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    depthwise = keras.Sequential([keras.Input(SHAPE), keras.layers.DepthwiseConv2D(3), keras.layers.Flatten()])
    recurrent = keras.Sequential([keras.Input((6, 4)), keras.layers.LSTM(3)])
    distributed = keras.Sequential([keras.Input((6, 4)), keras.layers.TimeDistributed(keras.layers.Dense(3))])
    refused = {"without any": flat, "DepthwiseConv2D": depthwise, "LSTM": recurrent, "TimeDistributed": distributed}
    for words, model in refused.items():
        with pytest.raises(UserError, match=words):
            blocks.spectrally_normalized(model)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_spectral_normalization_keeps_weights_in_single_precision(policy):
    keras.config.set_dtype_policy(policy)
    encoder = blocks.spectrally_normalized(encoders.mlp(SHAPE, (16, 8)))
    encoder(images(4, 0), training=True)
    kernel = np.array(encoder.layers[-1].layer.kernel)
    assert kernel.dtype == "float32"
    assert not np.array_equal(kernel, kernel.astype("float16").astype("float32"))


def test_spectral_normalization_holds_still_when_it_is_frozen():
    encoder = blocks.spectrally_normalized(encoders.mlp(SHAPE, (16, 8)))
    encoder(images(4, 0), training=True)
    classifier = transfer.classifier(encoder, classes=2)
    transfer.freeze(classifier, "encoder")
    before = encoder.get_weights()
    classifier.compile("sgd", "sparse_categorical_crossentropy")
    classifier.fit(images(N, 0), np.arange(N) % 2, verbose=0)
    for old, new in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(old, new)
    transfer.unfreeze(classifier, "encoder")
    classifier.fit(images(N, 0), np.arange(N) % 2, verbose=0)
    assert not np.array_equal(before[0], encoder.get_weights()[0])


def test_a_target_that_is_spectrally_normalized_holds_still():
    encoder = blocks.spectrally_normalized(encoders.mlp(SHAPE, (16, 8)))
    target = TargetNetwork([encoder])
    before = target.get_weights()
    target(images(4, 0), training=True)
    for old, new in zip(before, target.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_spectral_normalization_needs_tensorflow(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"on TensorFlow.*on jax"):
        blocks.SpectralNormalization(keras.layers.Dense(2))


@pytest.mark.exhaustive
def test_replicas_divide_by_the_same_singular_values(two_replicas):
    objective = objectives.GAN(blocks.spectrally_normalized(plain()), latent_dim=5)
    assert max(distribute.check_replicas(objective, with_noise(5)(N, 0), two_replicas).values()) <= 1e-5


def test_what_is_spectrally_normalized_has_a_stock_equal():
    encoder = blocks.spectrally_normalized(encoders.conv_net(SHAPE, (4, 8), normalize=False))
    encoder(images(4, 0), training=True)
    stock = export.stock(encoder)
    assert not any(type(layer).__module__.startswith("keras_ssl") for layer in stock.layers)
    np.testing.assert_allclose(stock(images(4, 0)), encoder(images(4, 0)), atol=1e-6)


def test_spectral_normalization_keeps_names_and_shapes_and_survives_saving(tmp_path):
    plain_encoder = encoders.conv_net(SHAPE, (4, 8), normalize=False)
    encoder = blocks.spectrally_normalized(plain_encoder)
    assert [layer.name for layer in encoder.layers] == [layer.name for layer in plain_encoder.layers]
    assert encoder.output_shape == plain_encoder.output_shape
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(loaded(images(2, 0)), encoder(images(2, 0)))
