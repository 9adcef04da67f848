"""Encoders for images of other sizes and channels: what a gray image gives, what is copied, what does not fit."""

import keras
import numpy as np
import pytest
from quick import dear

from keras_ssl import blocks, encoders, objectives, transfer
from keras_ssl.errors import UserError
from keras_ssl.transfer import adapt_input

RNG = np.random.default_rng(0)


def gray(n, size, channels=1):
    return np.repeat(RNG.random((n, size, size, 1), "float32"), channels, axis=-1)


def trained(encoder):
    """Give batch statistics and all other weights values of their own."""
    for weight in encoder.weights:
        weight.assign(np.array(weight) + RNG.uniform(0.01, 0.1, weight.shape))
    return encoder


def conv_net(shape, **arguments):
    return trained(encoders.conv_net(shape, filters=(4, 8, 8), first_stride=2, **arguments))


ENCODERS = {
    "conv_net": conv_net,
    "flat conv_net": lambda shape: conv_net(shape, pooling="flatten"),
    "resnet18": lambda shape: trained(encoders.resnet18(shape, stem="small", width=2)),
    "spectrally normalized": lambda shape: trained(
        blocks.spectrally_normalized(encoders.conv_net(shape, filters=(4, 8), normalize=False))
    ),
    "large stem": lambda shape: trained(encoders.resnet18(shape, stem="large", width=2)),
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


# ---- channels --------------------------------------------------------------------------------------------------------


@every_encoder
@pytest.mark.parametrize(("old", "new"), [(1, 3), *dear([(3, 1), (3, 4), (4, 3), (1, 2)])])
def test_a_gray_image_has_the_response_that_it_had(make, old, new):
    encoder = make((16, 16, old))
    adapted = adapt_input(encoder, (16, 16, new))
    assert adapted.input_shape == (None, 16, 16, new)
    x = gray(3, 16)
    before = np.array(encoder(np.repeat(x, old, axis=-1)))
    assert before.std() > 0.01
    np.testing.assert_allclose(np.array(adapted(np.repeat(x, new, axis=-1))), before, rtol=1e-5, atol=1e-6)


def test_filters_by_hand():
    encoder = encoders.conv_net((4, 4, 2), filters=(1,))
    kernel = np.zeros((3, 3, 2, 1), "float32")
    kernel[1, 1, :, 0] = 2.0, 4.0  # 6 for a gray pixel of 1
    encoder.get_layer("conv_1").kernel.assign(kernel)
    for channels, value in [(1, 6.0), (3, 2.0), (4, 1.5)]:
        new = np.array(adapt_input(encoder, (4, 4, channels)).get_layer("conv_1").kernel)
        np.testing.assert_allclose(new[1, 1, :, 0], value, rtol=1e-6)
        assert np.count_nonzero(new) == channels
    np.testing.assert_array_equal(np.array(adapt_input(encoder, (6, 6, 2)).get_layer("conv_1").kernel), kernel)


def test_a_bias_is_counted_once():
    image = keras.Input((5, 5, 1))
    maps = keras.layers.Conv2D(2, 3, bias_initializer="ones", name="stem")(image)
    encoder = keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps))
    adapted = adapt_input(encoder, (5, 5, 3))
    np.testing.assert_array_equal(np.array(adapted.get_layer("stem").bias), [1.0, 1.0])


# ---- what is copied --------------------------------------------------------------------------------------------------


@every_encoder
def test_the_same_shape_gives_an_equal_encoder_of_its_own(make):
    encoder = make((16, 16, 3))
    before = encoder.get_weights()
    adapted = adapt_input(encoder, (16, 16, 3), name="other")
    assert adapted.name == "other"
    assert [layer.name for layer in adapted.layers] == [layer.name for layer in encoder.layers]
    x = RNG.random((2, 16, 16, 3), "float32")
    np.testing.assert_array_equal(np.array(adapted(x)), np.array(encoder(x)))
    for weight in adapted.weights:
        weight.assign(np.array(weight) + 1.0)
    for a, b in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_another_size_keeps_every_weight_but_those_of_the_stem():
    def four_halvings(shape):
        return encoders.conv_net(shape, filters=(4, 4, 4, 4), pooling="flatten", first_stride=2)

    encoder = trained(four_halvings((28, 28, 1)))
    adapted = adapt_input(encoder, (32, 32, 3))
    assert adapted.output_shape == encoder.output_shape == (None, 2 * 2 * 4)
    assert adapted.name == encoder.name
    for old, new in list(zip(encoder.weights, adapted.weights))[1:]:
        np.testing.assert_array_equal(np.array(old), np.array(new), err_msg=old.path)
    assert encoder.input_shape == (None, 28, 28, 1)
    free = adapt_input(conv_net((16, 16, 1)), (None, None, 1))
    assert free(gray(1, 20)).shape == free(gray(1, 12)).shape == (1, 8)


def test_frozen_layers_stay_frozen_and_others_train():
    encoder = conv_net((16, 16, 1))
    for name in ("conv_1", "norm_2"):
        encoder.get_layer(name).trainable = False
    adapted = adapt_input(encoder, (16, 16, 3))
    assert [layer.trainable for layer in adapted.layers] == [layer.trainable for layer in encoder.layers]
    assert not adapted.get_layer("norm_2").trainable
    assert len(adapted.trainable_weights) == len(encoder.trainable_weights)


def test_an_adapted_encoder_trains_and_is_saved_and_loaded(tmp_path):
    adapted = adapt_input(conv_net((16, 16, 1)), (12, 12, 3))
    x = RNG.random((8, 12, 12, 3), "float32")
    autoencoder = objectives.Autoencoder(adapted)
    autoencoder.compile("adam", run_eagerly=True)
    autoencoder.fit(x, verbose=0)
    adapted.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(np.array(loaded(x)), np.array(adapted(x)))


def test_compiled_sequential_and_nested_models_can_be_adapted():
    layers = keras.layers
    sequential = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(3, 3), layers.Dropout(0.5), layers.Flatten()], name="plain"
    )
    sequential.compile("adam", "mse")
    image = keras.Input((8, 8, 1))
    inner = conv_net((8, 8, 1))
    nested = keras.Model(image, layers.Dense(5, name="last")(inner(layers.Rescaling(2.0)(image))), name="nested")
    for encoder in (sequential, nested):
        adapted = adapt_input(encoder, (8, 8, 3))
        x = gray(2, 8)
        np.testing.assert_allclose(
            np.array(adapted(np.repeat(x, 3, axis=-1))), np.array(encoder(x)), rtol=1e-5, atol=1e-6
        )
        assert not adapted.compiled
    assert inner.input_shape == (None, 8, 8, 1)
    assert not {id(weight) for weight in nested.weights} & {id(weight) for weight in adapted.weights}


def test_shared_layers_stay_shared_and_operations_are_kept():
    image = keras.Input((8, 8, 1))
    stem = keras.layers.Conv2D(3, 3, name="stem")
    both = keras.ops.maximum(stem(image), stem(keras.ops.flip(image, axis=2)))
    encoder = keras.Model(image, keras.ops.mean(both, axis=(1, 2)))
    adapted = adapt_input(encoder, (9, 8, 3))
    assert len(adapted.weights) == len(encoder.weights) == 2
    x = gray(2, 9)[:, :, :8]
    larger = adapt_input(encoder, (9, 8, 1))(x)
    np.testing.assert_allclose(np.array(adapted(np.repeat(x, 3, axis=-1))), np.array(larger), atol=1e-6)


def test_a_normalization_of_pixels_keeps_what_it_was_adapted_to():
    image = keras.Input((8, 8, 3))
    normalization = keras.layers.Normalization(name="pixels")
    x = RNG.random((4, 8, 8, 3), "float32")
    normalization.adapt(x)
    encoder = keras.Model(image, keras.layers.GlobalMaxPooling2D()(normalization(image)))
    adapted = adapt_input(encoder, (None, None, 3))
    np.testing.assert_array_equal(np.array(adapted(x)), np.array(encoder(x)))
    with pytest.raises(UserError, match="'pixels' would need"):
        adapt_input(encoder, (8, 8, 1))


# ---- what does not fit -----------------------------------------------------------------------------------------------


def test_a_dense_layer_of_another_width_is_named_in_the_error():
    encoder = encoders.mlp((4, 4, 1), units=(5, 3))
    same = adapt_input(encoder, (2, 8, 1))  # the same flattened size
    x = gray(2, 4)
    np.testing.assert_array_equal(np.array(same(x.reshape(2, 2, 8, 1))), np.array(encoder(x)))
    for shape in ((8, 8, 1), (4, 4, 3)):
        with pytest.raises(UserError, match=r"'mlp'.*'dense_1' would need weights.*resize the images"):
            adapt_input(encoder, shape)


def test_a_dense_layer_after_a_flattened_map_is_named_in_the_error():
    inner = conv_net((16, 16, 1), pooling="flatten")
    encoder = keras.Model(inner.input, keras.layers.Dense(4, name="last")(inner.output), name="mine")
    assert adapt_input(encoder, (15, 15, 3)).output_shape == (None, 4)  # 2x2 positions too
    with pytest.raises(UserError, match=r"'mine'.*\(32, 32, 1\), at which 'last' would need weights of shape"):
        adapt_input(encoder, (32, 32, 1))


def test_an_image_too_small_for_a_layer_is_told():
    image = keras.Input((9, 9, 1))
    encoder = keras.Model(image, keras.layers.Flatten()(keras.layers.Conv2D(2, 5, name="wide")(image)))
    with pytest.raises(UserError, match="'wide' cannot be built"):
        adapt_input(encoder, (3, 3, 1))


def test_only_convolutions_of_the_whole_image_can_take_other_channels():
    image = keras.Input((8, 8, 2))
    for layer in (keras.layers.DepthwiseConv2D(3, name="stem"), keras.layers.Conv2D(2, 3, groups=2, name="stem")):
        encoder = keras.Model(image, keras.layers.GlobalAveragePooling2D()(layer(image)))
        with pytest.raises(UserError, match="'stem' would need"):
            adapt_input(encoder, (8, 8, 4))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, None), (0, 8, 1), (8, 8, 1, 1), ()])
def test_a_shape_that_is_none_is_an_error(shape):
    with pytest.raises(UserError, match=r"\(height, width, channels\)"):
        adapt_input(conv_net((8, 8, 1)), shape)


def test_what_is_no_graph_is_an_error():
    for other in (objectives.SimCLR(conv_net((8, 8, 1))), keras.layers.Dense(2)):
        with pytest.raises(UserError, match=r"objective\.encoder|wrap it"):
            transfer.adapt_input(other, (8, 8, 3))


# ---- statistics ------------------------------------------------------------------------------------------------------


def normalizations(encoder):
    return [layer for layer in encoder._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


def test_statistics_of_the_first_layer_are_those_of_the_images_in_whatever_order_they_stand():
    inputs = keras.Input((4, 4, 2))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(blocks.BatchNormalization()(inputs)))
    x = (RNG.random((64, 4, 4, 2)) * (0.1, 0.3)).astype("float32")
    x[32:] += 0.6  # as if the second half were another class
    (norm,) = normalizations(transfer.adapt_statistics(encoder, x, batch_size=10))
    np.testing.assert_allclose(norm.moving_mean, x.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, x.var((0, 1, 2)), rtol=0.15)


def test_no_batch_is_of_one_image():
    inputs = keras.Input((1, 1, 2))
    encoder = keras.Model(inputs, keras.layers.Flatten()(blocks.BatchNormalization()(inputs)))
    x = RNG.random((5, 1, 1, 2), "float32")
    (norm,) = normalizations(transfer.adapt_statistics(encoder, x, batch_size=4))
    np.testing.assert_allclose(norm.moving_variance, x.var((0, 1, 2)), rtol=1e-5)


@every_encoder
def test_adapted_to_one_batch_an_encoder_computes_what_it_does_in_training(make):
    encoder = make((16, 16, 1))
    if not normalizations(encoder):
        with pytest.raises(UserError, match="which has none"):
            transfer.adapt_statistics(encoder, gray(5, 16))
        return
    x = gray(5, 16)
    adapted = transfer.adapt_statistics(encoder, x)
    in_training = np.array(adapt_input(encoder, (16, 16, 1))(x, training=True))
    np.testing.assert_allclose(np.array(adapted(x)), in_training, rtol=1e-4, atol=1e-5)
    assert np.abs(np.array(encoder(x)) - in_training).max() > 1e-2


def test_adapting_statistics_changes_nothing_else():
    encoder = conv_net((16, 16, 1))
    inputs = keras.Input((16, 16, 1))
    stock = keras.layers.SpectralNormalization(keras.layers.Dense(3))  # which divides its kernel also when frozen
    encoder = keras.Model(inputs, stock(encoder(inputs)))
    encoder.layers[1].get_layer("conv_2").trainable = False
    normalizations(encoder)[0].trainable = False
    before = [np.array(weight) for weight in encoder.weights]
    adapted = transfer.adapt_statistics(encoder, gray(6, 16), batch_size=4)
    for old, weight, new in zip(before, encoder.weights, adapted.weights):
        np.testing.assert_array_equal(old, weight)
        assert np.array_equal(old, new) != ("moving" in weight.path), weight.path
    for old, new in zip(encoder._flatten_layers(), adapted._flatten_layers(), strict=True):
        assert old.trainable == new.trainable
        assert getattr(old, "momentum", None) == getattr(new, "momentum", None)


@pytest.mark.parametrize(
    ("images", "batch_size", "words"),
    [
        (gray(1, 16), 256, "at least 2 images"),
        (gray(5, 16), 1, "batch_size as a whole number at least 2"),
        (gray(5, 16), 2.5, "batch_size as a whole number"),
        (gray(5, 12), 256, r"images of shape \(None, 16, 16, 1\)"),
        (255 * gray(5, 16), 256, r"0\.\.1"),
        ((255 * gray(5, 16)).astype("uint8"), 256, "uint8"),
        (np.full((5, 16, 16, 1), np.nan), 256, "finite"),
    ],
)
def test_images_whose_statistics_nothing_can_have_are_an_error(images, batch_size, words):
    with pytest.raises(UserError, match=words):
        transfer.adapt_statistics(conv_net((16, 16, 1)), images, batch_size)
