"""Mirrors of encoders, and generators."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ssl import blocks, decoders, encoders
from keras_ssl.errors import UserError

ENCODERS = {
    "dense": lambda: encoders.mlp((6, 5, 2), units=(20, 10, 4)),
    "convolutional": lambda: encoders.conv_net((8, 8, 1), filters=(4, 6, 8)),
    "flat": lambda: encoders.conv_net((8, 8, 3), filters=(4, 6), pooling="flatten"),
    "odd sides": lambda: encoders.conv_net((9, 7, 2), filters=(4, 6, 8)),
    "residual": lambda: encoders.resnet18((16, 16, 3), width=2),
    "large stem": lambda: encoders.resnet18((70, 66, 3), width=2),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_mirror_restores_the_input_shape(name):
    encoder = ENCODERS[name]()
    decoder = decoders.mirror(encoder)
    assert decoder.input_shape == encoder.output_shape
    assert decoder.output_shape == encoder.input_shape
    images = np.array(decoder(np.random.default_rng(0).normal(size=(2, decoder.input_shape[-1]))))
    assert images.shape == (2, *encoder.input_shape[1:])
    assert images.std() > 1e-4


def test_widths_and_channels_are_the_encoders_in_reverse():
    dense = decoders.mirror(ENCODERS["dense"]())
    assert [layer.units for layer in dense.layers if isinstance(layer, layers.Dense)] == [10, 20, 60]
    maps = decoders.mirror(ENCODERS["convolutional"]())
    shapes = [layer.output.shape[1:] for layer in maps.layers if len(layer.output.shape) == 4]
    assert shapes[0] == (2, 2, 8)
    assert (4, 4, 6) in shapes
    assert (8, 8, 4) in shapes
    assert shapes[-1] == (8, 8, 1)


def test_activation_and_precision():
    encoder = ENCODERS["dense"]()
    h = np.random.default_rng(0).normal(0, 50, (8, 4))
    assert np.array(decoders.mirror(encoder)(h)).min() < 0
    squashed = np.array(decoders.mirror(encoder, activation="sigmoid")(h))
    assert 0 <= squashed.min() <= squashed.max() <= 1
    keras.config.set_dtype_policy("mixed_float16")
    assert decoders.mirror(encoder)(h).dtype == "float32"


def test_it_survives_saving(tmp_path):
    decoder = decoders.mirror(ENCODERS["odd sides"]())
    decoder.save(tmp_path / "decoder.keras")
    h = np.random.default_rng(0).normal(size=(2, 8))
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "decoder.keras")(h), decoder(h))


def test_an_unknown_size_is_a_clear_error():
    with pytest.raises(UserError, match="known shape"):
        decoders.mirror(encoders.conv_net((None, None, 1), filters=(4, 6)))


def test_another_width_of_the_input_keeps_the_rest():
    dense = decoders.mirror(ENCODERS["dense"](), latent_dim=3)
    assert dense.input_shape == (None, 3)
    assert [layer.units for layer in dense.layers if isinstance(layer, layers.Dense)] == [4, 10, 20, 60]
    maps = decoders.mirror(ENCODERS["flat"](), latent_dim=5)
    assert maps.input_shape == (None, 5)
    assert maps.output_shape == (None, 8, 8, 3)


def test_the_check_accepts_mirrors_of_an_encoder_only():
    encoder = ENCODERS["flat"]()
    decoders.check_mirrors(decoders.mirror(encoder), encoder, encoder.output_shape[-1])
    decoders.check_mirrors(decoders.mirror(encoder, latent_dim=5), encoder, 5)
    for decoder, width in (
        (decoders.mirror(encoder), 5),
        (decoders.mirror(encoder, latent_dim=5), 6),
        (decoders.mirror(ENCODERS["convolutional"]()), 8),
        (ENCODERS["dense"](), 5),
    ):
        with pytest.raises(UserError, match=r"\(None, 8, 8, 3\), the shape of the encoder's input"):
            decoders.check_mirrors(decoder, encoder, width)


def test_nested_and_wrapped_layers_are_mirrored_too():
    inner = ENCODERS["convolutional"]()
    inputs = keras.Input((8, 8, 1))
    nested = keras.Model(inputs, inner(inputs))
    shapes = [[layer.output.shape for layer in decoders.mirror(encoder).layers] for encoder in (inner, nested)]
    assert shapes[0] == shapes[1]
    wrapped = decoders.mirror(blocks.spectrally_normalized(ENCODERS["dense"]()), latent_dim=3)
    assert [layer.units for layer in wrapped.layers if isinstance(layer, layers.Dense)] == [4, 10, 20, 60]


def test_what_cannot_be_mirrored_is_a_clear_error():
    with pytest.raises(UserError, match="give `decoder`"):
        decoders.mirror(encoders.vit((8, 8, 1), patch=4, width=8, depth=1, heads=2))


def test_patches_of_an_encoder_without_tokens_are_a_clear_error():
    with pytest.raises(UserError, match=r"encoders\.vit"):
        decoders.patches(ENCODERS["dense"]())


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (9, 7, 2), (2, 2, 1)])
def test_a_generator_makes_images_of_any_size(shape, tmp_path):
    generator = decoders.generator(shape, latent_dim=5, filters=(8, 4))
    assert generator.input_shape == (None, 5)
    assert generator.output_shape == (None, *shape)
    z = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    made = np.array(generator(z, training=True))
    assert 0 <= made.min() < made.max() <= 1
    assert made.std(axis=0).max() > 1e-3
    generator.save(tmp_path / "generator.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "generator.keras")(z), generator(z))


def test_a_generators_maps_double_from_a_quarter_of_the_resolution():
    generator = decoders.generator((28, 28, 3), filters=(8, 4))
    shapes = [layer.output.shape[1:] for layer in generator.layers if layer.name.startswith(("reshape", "up"))]
    assert shapes == [(7, 7, 8), (14, 14, 4), (28, 28, 3)]


@pytest.mark.parametrize(
    ("size", "start", "channels"),
    [(8, 2, [128, 64]), (28, 7, [128, 64]), (32, 8, [128, 64]), (96, 6, [256, 256, 128, 64]), (64, 8, [256, 128, 64])],
)
def test_a_generator_of_larger_images_has_more_maps(size, start, channels):
    generator = decoders.generator((size, size, 3), latent_dim=2)
    assert generator.get_layer("reshape").output.shape[1:] == (start, start, channels[0])
    assert [layer.input.shape[-1] for layer in generator.layers if layer.name.startswith("up")] == channels


def test_a_generator_outputs_float32_and_has_at_least_one_feature_map():
    keras.config.set_dtype_policy("mixed_float16")
    assert decoders.generator((8, 8, 1))(np.zeros((1, 64), "float32")).dtype == "float32"
    with pytest.raises(UserError, match="at least one number of filters"):
        decoders.generator((8, 8, 1), filters=())


@pytest.mark.parametrize("shape", [(784,), (28, None, 1), (28, 28), (0, 28, 1)])
def test_a_generator_refuses_shapes_that_are_not_images(shape):
    with pytest.raises(UserError, match=r"images \(height, width, channels\) of known size"):
        decoders.generator(shape)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"latent_dim": 0}, "latent_dim as a whole number at least 1"),
        ({"filters": (8, -1)}, "filters as a whole number at least 1"),
        ({"filters": (8, 2.5)}, "filters as a whole number"),
        ({"filters": 8}, "at least one number of filters"),
    ],
)
def test_a_generator_refuses_invalid_widths(arguments, words):
    with pytest.raises(UserError, match=words):
        decoders.generator((8, 8, 1), **arguments)


def test_an_encoder_of_any_size_is_mirrored_at_the_size_it_is_called_on():
    inner, fixed = (encoders.conv_net(shape, filters=(4, 8)) for shape in ((None, None, 3), (8, 8, 3)))
    inputs = keras.Input((8, 8, 3), name="image")
    found = decoders.mirror(keras.Model(inputs, inner(inputs)))
    expected = decoders.mirror(fixed)
    assert [layer.output.shape for layer in found.layers] == [layer.output.shape for layer in expected.layers]


def test_a_recurrent_decoder_needs_frames_of_a_known_size():
    encoder = encoders.stacked_conv((2, None, None, 1), (4,), width=8, depth=1)
    assert decoders.frames(encoder, 2).output_shape == (None, 2, None, None, 1)
    with pytest.raises(UserError, match="frames of a known size"):
        decoders.frames(encoder, 2, recurrent=True)
