"""The transformer over text: learned and rotary positions, packed texts and dropout."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import blocks, encoders, export, specs
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, parts

END = 4
ONE, OTHER = [5, 2, 9, END], [3, 3, 7]
PACKED = np.array([[*ONE, *OTHER, 0], [0, *ONE, *OTHER]], "int32")


def text(**arguments):
    return encoders.transformer(12, **{"width": 8, "depth": 1, "heads": 2, **arguments})


@pytest.fixture(scope="module")
def packed():
    return text(positions="rotary", documents=END, causal=True)


# ---- the blocks ------------------------------------------------------------------------------------------------------


def test_documents_and_places_by_hand():
    numbers = blocks.document_numbers(PACKED, END)
    np.testing.assert_array_equal(numbers, [[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1, 1]])
    place = np.array(blocks.places(PACKED > 0, numbers))
    np.testing.assert_array_equal(place[0, :7], [0, 1, 2, 3, 0, 1, 2])
    np.testing.assert_array_equal(place[1, 1:], [0, 1, 2, 3, 0, 1, 2])


def test_rotation_by_hand_and_equals_numpy_complex_numbers():
    x = np.zeros((1, 1, 2, 2), "float32")
    x[..., 0] = 1
    turned = np.array(blocks.rotate(x, np.array([[0, 3]])))[0, 0]
    np.testing.assert_allclose(turned, [[1, 0], [math.cos(3), math.sin(3)]], atol=1e-6)
    x, place = np.random.default_rng(0).normal(size=(2, 3, 5, 6)).astype("float32"), np.arange(10).reshape(2, 5)
    numbers = (x[..., :3] + 1j * x[..., 3:]) * np.exp(1j * place[:, None, :, None] * 10_000.0 ** -(np.arange(3) / 3))
    expected = np.concatenate([numbers.real, numbers.imag], axis=-1)
    np.testing.assert_allclose(blocks.rotate(x, place), expected, atol=1e-5)


def test_products_of_rotated_queries_and_keys_depend_on_their_distance_only():
    q, k = np.random.default_rng(1).normal(size=(2, 1, 1, 1, 8)).astype("float32")
    row = np.arange(30)[None]
    many = [np.array(blocks.rotate(np.repeat(x, 30, axis=2), row))[0, 0] for x in (q, k)]
    products = many[0] @ many[1].T
    for distance in (-7, 0, 4):
        along = np.diag(products, distance)
        np.testing.assert_allclose(along, along[0], atol=1e-4)
    assert abs(products[0, 4] - products[0, 0]) > 1e-2


# ---- the encoder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("positions", ["sine", "learned"])
def test_a_packed_text_has_the_frames_that_it_has_alone(positions):
    encoder = text(positions=positions, documents=END, **({"max_length": 9} if positions == "learned" else {}))
    check_alone(parts(encoder))


def check_alone(found):
    frames = np.array(found.frames(PACKED))
    for row, begin in ((0, 0), (1, 1)):
        for part, at in ((ONE, begin), (OTHER, begin + len(ONE))):
            alone = np.array(found.frames(np.array([part], "int32")))[0]
            np.testing.assert_allclose(frames[row, at : at + len(part)], alone, atol=1e-5)


def test_packed_rotary_frames_are_those_alone_also_when_loaded_without_keras_ssl(packed, tmp_path):
    check_alone(parts(packed))
    packed.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(loaded(PACKED), packed(PACKED), atol=1e-6)
    assert not [part for part in all_layers(loaded) if type(part).__module__.startswith("keras_ssl")]
    np.testing.assert_allclose(export.stock(packed)(PACKED), packed(PACKED), atol=1e-6)
    np.testing.assert_allclose(tf.function(packed, jit_compile=True)(PACKED), packed(PACKED), atol=1e-5)
    assert encoders.document_end(loaded) == END
    assert encoders.document_end(text()) is None
    found = parts(loaded)
    tokens, keep = found.embed(PACKED)
    np.testing.assert_array_equal(keep, PACKED > 0)
    with pytest.raises(UserError, match=r"packed sequences.*call `frames"):
        found.run(tokens, keep)


def test_learned_positions_are_added_at_the_pace_of_the_tokens():
    encoder = text(positions="learned", max_length=6)
    tokens = encoder.get_layer("tokens")
    table, places = (np.array(tokens.get_layer(name).embeddings) for name in ("embedding", "positions"))
    ids = np.array([[0, 5, 0, 9, 2]], "int32")
    found = np.array(parts(encoder).embed(ids)[0])[0]
    for at, place in ((1, 0), (3, 1), (4, 2)):
        np.testing.assert_allclose(found[at], math.sqrt(8) * (table[ids[0, at]] + places[place]), atol=1e-5)


def test_a_text_longer_than_the_learned_positions_is_found():
    encoder, long = text(positions="learned", max_length=6), np.ones((1, 7), "int32")
    spec = specs.specs_of(encoder)
    assert spec.longest == 6
    assert spec.sample(2).shape == (2, 6)
    assert specs.from_json(specs.to_json(spec)) == spec
    with pytest.raises(UserError, match=r"at most 6 places.*Received 7.*`max_length`"):
        specs.check_values(spec, long, "ids")
    with pytest.raises(Exception, match=r"indices\[0,6\] = 6 is not in \[0, 6\)"):
        encoder(long)
    of_any_length = tf.function(encoder, input_signature=[tf.TensorSpec((None, None), "int32")])
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        of_any_length(long)
    assert np.isnan(tf.function(encoder, jit_compile=True)(long)).all()


def test_dropout_draws_in_training_only():
    encoder, ids = text(dropout=0.5), PACKED[:1]
    h = np.array(encoder(ids))
    np.testing.assert_array_equal(encoder(ids, training=False), h)
    one, other = (np.array(encoder(ids, training=True)) for _ in range(2))
    assert (one != other).any()
    names = [layer.name for layer in all_layers(encoder) if isinstance(layer, keras.layers.Dropout)]
    assert sorted(names) == ["block_1_1_dropout", "block_1_2_dropout", "dropout"]
    assert not [layer for layer in all_layers(text()) if isinstance(layer, keras.layers.Dropout)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"positions": "none"}, "positions among sine, learned, rotary.*'none'"),
        ({"positions": "learned"}, "max_length as a whole number at least 1"),
        ({"max_length": 5}, "with learned positions only.*max_length=5"),
        ({"positions": "rotary", "width": 6}, "even width for rotary positions.*3"),
        ({"documents": 12}, "documents as a whole number at least 1 and at most 11"),
        ({"dropout": 1.0}, "dropout at least 0 and below 1"),
    ],
)
def test_what_does_not_fit_is_a_clear_error(arguments, word):
    with pytest.raises(UserError, match=word):
        text(**arguments)
