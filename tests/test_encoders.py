"""Every encoder: shapes, names, saving, exporting and rewriting."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import blocks, encoders, export
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
ENCODERS = {
    "mlp": (lambda: encoders.mlp((8, 8, 2), units=(12, 7)), (8, 8, 2), 7),
    "conv_net average": (lambda: encoders.conv_net((9, 8, 2), filters=(4, 6)), (9, 8, 2), 6),
    "conv_net flatten": (
        lambda: encoders.conv_net((8, 8, 1), filters=(4, 6), pooling="flatten"),
        (8, 8, 1),
        4 * 4 * 6,
    ),
    "resnet18": (lambda: encoders.resnet18((16, 16, 3), width=2), (16, 16, 3), 16),
    "vit": (lambda: encoders.vit((6, 4, 3), patch=2, width=8, depth=2, heads=2), (6, 4, 3), 8),
}
every_encoder = pytest.mark.parametrize("name", ENCODERS)


def make(name):
    """Return an encoder with moving statistics from training, and images for it."""
    build, shape, _ = ENCODERS[name]
    encoder = build()
    for layer in encoder.layers:
        if isinstance(layer, blocks.BatchNormalization):
            layer.set_weights([RNG.uniform(0.5, 1.5, w.shape) for w in layer.weights])
    return encoder, RNG.random((3, *shape), "float32")


def assert_close(a, b):
    a, b = np.array(a), np.array(b)
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


@every_encoder
def test_it_gives_one_vector_for_each_image(name):
    encoder, images = make(name)
    _, shape, width = ENCODERS[name]
    assert encoder.built
    assert encoder.name == name.split()[0]
    assert encoder.input_shape == (None, *shape)
    assert encoder.output_shape == (None, width)
    assert encoder.input.name == "image"
    h = np.array(encoder(images))
    assert h.shape == (3, width)
    np.testing.assert_allclose(h[:1], encoder(images[:1]), atol=1e-5)
    assert np.abs(h[0] - h[1]).max() > 1e-4
    names = [layer.name for layer in encoder.layers]
    assert len(set(names)) == len(names)
    assert not [n for n in names if n[-2:-1] == "_" and n.startswith(("conv2d", "re_lu"))]  # all were named


@every_encoder
def test_keras_file_stock_layers_and_saved_model_give_equal_outputs(name, tmp_path):
    encoder, images = make(name)
    expected = encoder(images)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert_close(loaded(images), expected)
    stock = export.stock(encoder)
    assert_close(stock(images), expected)
    assert [w.path for w in stock.weights] == [w.path for w in encoder.weights]
    for ours, theirs in zip(encoder.weights, stock.weights):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs), err_msg=ours.path)
    assert not [layer for layer in stock.layers if type(layer).__module__.startswith("keras_ssl")]
    folder = export.saved_model(encoder, tmp_path / "saved")
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    assert_close(served(image=tf.constant(images))["embedding"], expected)


@every_encoder
def test_every_weight_gets_a_gradient(name):
    encoder, images = make(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(images, training=True) ** 3)
    gradients = tape.gradient(loss, [w.value for w in encoder.trainable_weights])
    assert all(g is not None for g in gradients)
    assert all(np.abs(g).max() > 0 for g in gradients)


def test_conv_net_halves_the_resolution_after_the_first_convolution():
    encoder = encoders.conv_net((8, 6, 1), filters=(2, 3, 4))
    shapes = [encoder.get_layer(f"conv_{k}").output.shape for k in (1, 2, 3)]
    assert shapes == [(None, 8, 6, 2), (None, 4, 3, 3), (None, 2, 2, 4)]


def test_mlp_is_linear_in_its_last_layer_and_takes_any_shape():
    encoder = encoders.mlp((3, 5), units=(4, 2))
    assert [layer.name for layer in encoder.layers] == ["image", "flatten", "dense_1", "relu_1", "dense_2"]
    hidden = np.maximum(RNG.random((2, 4), "float32"), 0)
    kernel, bias = encoder.get_layer("dense_2").get_weights()
    np.testing.assert_allclose(encoder.get_layer("dense_2")(hidden), hidden @ kernel + bias, rtol=1e-5)


def test_resnet18_has_the_papers_layers():
    small, large = encoders.resnet18((64, 64, 3), width=4), encoders.resnet18((65, 65, 3), width=4)
    for encoder, first in ((small, 64), (large, 17)):
        convolutions = [layer for layer in encoder.layers if isinstance(layer, keras.layers.Conv2D)]
        assert len([c for c in convolutions if "shortcut" not in c.name]) == 17  # with the classifier 18
        assert len([c for c in convolutions if "shortcut" in c.name]) == 3
        assert encoder.get_layer("stage_1_block_1_relu").output.shape == (None, first, first, 4)
        assert encoder.get_layer("stage_4_block_2_relu").output.shape[-1] == 32
    assert small.get_layer("stem_conv").kernel_size == (3, 3)
    assert large.get_layer("stem_conv").kernel_size == (7, 7)
    assert encoders.resnet18((64, 64, 3), "large", width=4).get_layer("stem_conv").strides == (2, 2)
    # 11,176,512 without the classifier in the reference implementation, which does not count moving statistics
    trainable = sum(int(np.prod(w.shape)) for w in encoders.resnet18((224, 224, 3)).trainable_weights)
    assert trainable == 11_176_512


def test_mistakes_are_clear_errors():
    with pytest.raises(UserError, match=r"'average' or 'flatten'.*'max'"):
        encoders.conv_net((8, 8, 1), pooling="max")
    with pytest.raises(UserError, match=r"'auto', 'small' or 'large'.*'tiny'"):
        encoders.resnet18((8, 8, 1), stem="tiny")
    with pytest.raises(UserError, match=r"known size.*\(None, None, 1\).*give stem"):
        encoders.resnet18((None, None, 1))


def test_mlp_ends_with_the_given_activation():
    x = np.random.default_rng(0).normal(0, 5, (6, 4, 4, 1)).astype("float32")
    assert np.array(encoders.mlp((4, 4, 1), (8, 3))(x)).min() < 0
    squashed = np.array(encoders.mlp((4, 4, 1), (8, 3), output_activation="sigmoid")(x))
    assert 0 <= squashed.min() <= squashed.max() <= 1


def test_conv_net_has_a_linear_bottleneck():
    encoder = encoders.conv_net((8, 8, 1), (4, 8), pooling="flatten", bottleneck=3)
    assert encoder.output_shape == (None, 3)
    x = np.random.default_rng(0).random((64, 8, 8, 1), "float32")
    assert np.array(encoder(x)).min() < 0


def test_conv_net_without_normalization_does_not_mix_samples():
    encoder = encoders.conv_net((8, 8, 1), (4, 8), normalize=False)
    x = np.random.default_rng(0).random((5, 8, 8, 1), "float32")
    np.testing.assert_allclose(encoder(x, training=True)[:1], encoder(x[:1], training=True), atol=1e-6)
    assert [w.name for w in encoder.weights] == ["kernel", "bias"] * 2
    slopes = [layer.negative_slope for layer in encoder.layers if isinstance(layer, keras.layers.ReLU)]
    assert slopes == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize("widths", [(), 8, (8, 0), (4, 2.5)])
@pytest.mark.parametrize(
    "make",
    [
        lambda widths: encoders.conv_net((8, 8, 1), filters=widths),
        lambda widths: encoders.mlp((5,), units=widths),
        lambda widths: encoders.spectrogram_conv(filters=widths),
        lambda widths: encoders.stacked_conv((2, 8, 8, 1), filters=widths),
    ],
)
def test_widths_that_are_none_are_a_clear_error(make, widths):
    with pytest.raises(UserError, match=r"at least one number of (filters|units)|(filters|units) as a whole number"):
        make(widths)
