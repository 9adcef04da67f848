"""The projection head."""

import keras
import numpy as np

from keras_ssl import blocks, encoders, heads


def make_encoder():
    return encoders.mlp((4, 4, 1), features=(5, 9))


def test_projector_has_one_hidden_layer_of_the_encoders_width():
    projector = heads.projector(make_encoder())
    assert projector.input_shape == (None, 9)
    assert projector.output_shape == (None, 128)
    assert projector.get_layer("hidden").units == 9
    assert [type(layer) for layer in projector.layers[2:4]] == [blocks.BatchNormalization, keras.layers.ReLU]
    assert [w.name for w in projector.get_layer("projection").weights] == ["kernel"]


def test_projector_takes_widths_and_computes_what_it_says():
    projector = heads.projector(make_encoder(), features=3, hidden=7, name="head")
    assert projector.name == "head"
    assert projector.get_layer("hidden").units == 7
    h = np.random.default_rng(0).normal(size=(6, 9)).astype("float32")
    kernel, gamma, beta, _, _, projection = projector.get_weights()
    x = h @ kernel
    x = gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1.001e-5) + beta
    np.testing.assert_allclose(projector(h, training=True), np.maximum(x, 0) @ projection, atol=1e-5)


def test_projector_survives_saving(tmp_path):
    projector = heads.projector(make_encoder(), features=3)
    projector.save(tmp_path / "projector.keras")
    h = np.random.default_rng(0).normal(size=(2, 9))
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "projector.keras")(h), projector(h))
