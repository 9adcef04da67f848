"""Heads on encoders of text: pools, taggers, regressors, labels of words, and what cannot be trained on."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import blocks, encoders, losses, networks, tokenizers, transfer
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
IDS = np.array([[5, 2, 9, 2, 7], [3, 8, 0, 0, 0], [1, 1, 4, 6, 0], [2, 3, 0, 0, 0]], "int32")
TAGS = np.array([[0, 1, -1, 2, 1], [2, -1, -1, -1, -1], [0, 0, 1, -1, -1], [1, 2, -1, -1, -1]])
KNOWN = losses.WhereKnown("sparse_categorical_crossentropy")
KNOWN_MSE = losses.WhereKnown("mse")
NAN = np.nan


VECTORS, KERNEL = RNG.normal(size=(12, 8)), RNG.normal(size=(8, 3))


def an_encoder():
    """The smallest encoder of text: heads see no difference."""
    encoder = encoders.word_vectors(12, 8)
    encoder.set_weights([VECTORS])
    return encoder


def a_transformer():
    return encoders.transformer(12, width=8, depth=1, heads=2)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# ---- pools -----------------------------------------------------------------------------------------------------------


def test_first_by_hand():
    y = np.arange(12, dtype="float32").reshape(2, 3, 2)
    keep = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(ops.convert_to_numpy(blocks.first_of_kept(y, keep)), [[2, 3], [0, 0]])


def test_thirds_are_means_of_three_parts_and_skip_padding():
    y = np.arange(14, dtype="float32").reshape(1, 7, 2)
    keep = np.array([[False, True, True, True, True, False, True]])  # five places: 1, 2 | 3 | 4, 6
    np.testing.assert_array_equal(ops.convert_to_numpy(blocks.thirds_of_kept(y, keep)), [[3, 4, 6, 7, 10, 11]])
    one = ops.convert_to_numpy(blocks.thirds_of_kept(y, np.arange(7)[None] == 6))
    np.testing.assert_array_equal(one, [[0, 0, 12, 13, 0, 0]])
    rows = RNG.normal(size=(2, 9, 3)).astype("float32")
    whole = ops.convert_to_numpy(blocks.thirds_of_kept(rows, np.ones((2, 9), bool)))
    np.testing.assert_allclose(whole, rows.reshape(2, 3, 3, 3).mean(axis=2).reshape(2, 9), atol=1e-6)


def test_attention_is_the_papers():
    encoder = encoders.with_pool(an_encoder(), "attention")
    pool = encoder.get_layer("pool")
    kernel, bias, query = (RNG.normal(size=w.shape).astype("float32") for w in pool.weights)
    pool.set_weights([kernel, bias, query])
    frames = ops.convert_to_numpy(networks.parts(encoder).frames(IDS))
    for k, row in enumerate(IDS):
        y = frames[k, row > 0]
        weights = softmax((np.tanh(y @ kernel + bias) @ query)[:, 0])
        np.testing.assert_allclose(ops.convert_to_numpy(encoder(IDS))[k], weights @ y, atol=1e-5)
    pool.set_weights([kernel, bias, 0 * query])  # all places weigh the same
    np.testing.assert_allclose(encoder(IDS), encoders.with_pool(encoder, "mean")(IDS), atol=1e-6)


@pytest.mark.parametrize("pool", ["mean", "first", "max", "thirds", "attention"])
def test_a_pool_shares_the_encoder_is_saved_and_does_not_see_padding(pool, tmp_path):
    encoder = a_transformer()
    other = encoders.with_pool(encoder, pool)
    assert other.name == encoder.name
    assert other.get_layer("trunk") is encoder.get_layer("trunk")
    h = ops.convert_to_numpy(other(IDS))
    if pool == "mean":
        np.testing.assert_array_equal(h, encoder(IDS))
    if pool == "thirds":
        frames = networks.parts(encoder).frames(IDS)
        np.testing.assert_allclose(h, blocks.thirds_of_kept(frames, IDS > 0), atol=1e-6)
    if pool == "first":
        np.testing.assert_allclose(h, networks.parts(encoder).frames(IDS)[:, 0], atol=1e-6)
    padded = np.pad(IDS, ((0, 1), (2, 1)))
    np.testing.assert_allclose(other(padded)[:-1], h, atol=1e-5)
    np.testing.assert_array_equal(other(padded)[-1], np.zeros(other.output_shape[-1]))
    if pool == "attention":
        other.save(tmp_path / "encoder.keras")
        np.testing.assert_allclose(keras.saving.load_model(tmp_path / "encoder.keras")(IDS), h, atol=1e-6)
    assert not [x for x in networks.all_layers(other) if type(x).__module__.startswith("keras_ssl")]


def test_pools_of_encoders_without_padding_and_unknown_ones():
    vit, images = encoders.vit((4, 4, 1), patch=2, width=8, depth=1, heads=2), RNG.random((2, 4, 4, 1), "float32")
    np.testing.assert_allclose(encoders.with_pool(vit, "mean")(images), vit(images), atol=1e-6)
    with pytest.raises(UserError, match=r"mean, first, last, max, thirds, attention. Received 'middle'"):
        encoders.with_pool(vit, "middle")
    with pytest.raises(UserError, match=r"has no tokens, trunk, pool"):
        encoders.with_pool(encoders.mlp((4, 4, 1)), "mean")


# ---- tagger ----------------------------------------------------------------------------------------------------------


def a_tagger(encoder=None, optimizer=None):
    model = transfer.tagger(encoder or an_encoder(), 3)
    model.get_layer("probabilities").kernel.assign(KERNEL[:, :3])
    model.compile(optimizer or keras.optimizers.SGD(0.5), KNOWN, run_eagerly=True)
    return model


def test_a_tagger_classifies_frames_and_leaves_the_pool_alone():
    encoder = encoders.with_pool(a_transformer(), "attention")
    model = a_tagger(encoder)
    kernel, bias = model.get_layer("probabilities").get_weights()
    frames = ops.convert_to_numpy(networks.parts(encoder).frames(IDS))
    probabilities = ops.convert_to_numpy(model(IDS))
    np.testing.assert_allclose(probabilities[IDS > 0], softmax(frames @ kernel + bias)[IDS > 0], atol=1e-5)
    expected = -np.log(np.take_along_axis(probabilities, np.maximum(TAGS, 0)[..., None], -1)[..., 0])
    assert model.evaluate(IDS, TAGS, verbose=0) == pytest.approx(expected[TAGS != -1].mean(), rel=1e-5)
    assert len(model.trainable_weights) == len(encoder.trainable_weights) - 3 + 2
    assert transfer.freeze(model, "encoder").trainable == ("probabilities",)


def test_tokens_without_a_label_change_no_weight():
    before = a_tagger().get_weights()
    models = [a_tagger() for _ in range(2)]
    other = IDS.copy()
    other[1, 2:] = 0  # the same text; padding at the end of a longer batch is nothing to learn from
    for model, ids, tags in zip(models, (IDS, np.pad(other, ((0, 2), (0, 3)))), (TAGS, None)):
        tags = np.pad(TAGS, ((0, 2), (0, 3)), constant_values=-1) if tags is None else tags
        model.train_on_batch(ids, tags)
    for start, a, b in zip(before, *(model.get_weights() for model in models)):
        np.testing.assert_allclose(a, b, atol=1e-6)
        assert a.shape == start.shape
    assert not np.allclose(before[-2], models[0].get_weights()[-2])


def test_replicas_with_unequal_labels_train_as_one_device(two_replicas):
    order = [0, 2, 1, 3]  # 7 labels on the first replica, 3 on the second
    one = a_tagger()
    one.train_on_batch(IDS[order], TAGS[order])
    with two_replicas.scope():
        model = transfer.tagger(an_encoder(), 3)
        model.set_weights(a_tagger().get_weights())
        model.compile(keras.optimizers.SGD(0.5), KNOWN, jit_compile=False)
    model.fit(IDS[order], TAGS[order], batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), model.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


# ---- labels of words -------------------------------------------------------------------------------------------------


def test_labels_of_words_stand_at_their_first_tokens_by_hand():
    first = np.array([[0, -1, 1, 2, -1], [0, -1, -1, -1, -1]])
    tokens = transfer.token_labels([[7, 8, 9], [4]], first)
    np.testing.assert_array_equal(tokens, [[7, -1, 8, 9, -1], [4, -1, -1, -1, -1]])
    assert transfer.word_labels(tokens, first) == [[7, 8, 9], [4]]
    np.testing.assert_array_equal(transfer.token_labels([[7, 8, 9, 1], [4]], first, truncate=True), tokens)


def test_labels_survive_sub_words_of_a_tokenizer():
    pytest.importorskip("tokenizers")
    words = [["unbelievable", "tales"], ["tall", "tale", "able"]]
    tokenizer = tokenizers.characters([" ".join(row) for row in words])
    _, first = tokenizer.encode_words(words)
    labels = [[1, 0], [2, 2, 1]]
    tokens = transfer.token_labels(labels, first)
    assert (tokens != -1).sum() == 5
    assert transfer.word_labels(tokens, first) == labels


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 2]], "labels of 2 texts. Received of 1"),
        ([[1, 2], [1]], "each of the 3 words of text 0. Received 2"),
        ([[1, 2, 3], [1, 2]], "each of the 1 words of text 1. Received 2"),
    ],
)
def test_labels_of_another_number_of_words_are_a_clear_error(labels, message):
    with pytest.raises(UserError, match=message):
        transfer.token_labels(labels, np.array([[0, 1, 2], [0, -1, -1]]))
    with pytest.raises(UserError, match=r"labels of shape \(2, 3\)"):
        transfer.word_labels(np.zeros((2, 4)), np.zeros((2, 3)))


# ---- regressor -------------------------------------------------------------------------------------------------------

VALUES = np.array([10.0, 40.0, 20.0, 30.0])


def a_regressor(values, optimizer=None, loss="huber"):
    model = transfer.regressor(an_encoder(), values)
    model.get_layer("standardized").kernel.assign(KERNEL[:, : model.output_shape[-1]])
    model.compile(optimizer or keras.optimizers.SGD(0.1), losses.Scaled(loss, values.std(axis=0)), run_eagerly=True)
    return model


def test_a_regressor_gives_the_users_units_by_hand():
    model = a_regressor(VALUES)
    model.get_layer("standardized").set_weights([np.zeros((8, 1)), np.array([2.0])])
    assert model.output_shape == (None, 1)
    np.testing.assert_allclose(model(IDS), np.full((4, 1), 25 + 2 * np.sqrt(125)), rtol=1e-6)
    model.get_layer("standardized").set_weights([np.zeros((8, 1)), np.zeros(1)])
    model.compile("sgd", losses.Scaled("mse", VALUES.std()), run_eagerly=True)
    assert model.evaluate(IDS, VALUES, verbose=0) == pytest.approx(1)


def test_it_learns_the_same_in_any_units_and_from_several_values():
    one, other = a_regressor(VALUES), a_regressor(1000 * VALUES - 3)
    for model, y in ((one, VALUES), (other, 1000 * VALUES - 3)):
        model.train_on_batch(IDS, y)
        model.train_on_batch(IDS, y)
    np.testing.assert_allclose(other(IDS), 1000 * ops.convert_to_numpy(one(IDS)) - 3, rtol=1e-3)
    several = np.stack([VALUES, VALUES[::-1] / 7], axis=1)
    model = a_regressor(several)
    assert np.isfinite(model.fit(IDS, several, verbose=0).history["loss"]).all()
    assert model(IDS).shape == (4, 2)


# ---- what cannot be trained on ---------------------------------------------------------------------------------------


def fit(model, ids=IDS, y=TAGS, **compiling):
    if compiling:
        model.compile("sgd", **compiling)
    model.fit(ids, y, verbose=0)


def a_classifier():
    model = transfer.classifier(an_encoder(), 3)
    model.compile("sgd", KNOWN, run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: fit(a_tagger(), y=TAGS[:, :4]), r"labels of shape \(4, 5\).*\(4, 4\).*token_labels"),
        (lambda: fit(a_tagger(), y=TAGS[:3]), r"labels of shape \(4, 5\).*\(3, 5\)"),
        (lambda: fit(a_tagger(), y=TAGS + 1), r"labels in 0\.\.2"),
        (lambda: fit(a_tagger(), y=np.where(IDS > 0, TAGS, 0)), "-1 as the label of padding.*7 of its places"),
        (lambda: fit(a_tagger(), y=np.where(TAGS == -1, -1, 1)), "at least 2 classes"),
        (lambda: fit(a_tagger(), y=np.full((4, 5), -1)), "at least 2 classes. Received none"),
        (lambda: fit(a_tagger(), loss="sparse_categorical_crossentropy"), r"labels in 0\.\.2.*losses.WhereKnown"),
        (lambda: fit(a_tagger(), ids=IDS + 10), r"0\.\.11.*Received .*"),  # a tokenizer with more ids
        (lambda: fit(a_tagger(), ids=np.where(np.arange(4)[:, None] == 1, 0, IDS)), "at least one token.*index 1"),
        (lambda: transfer.tagger(an_encoder(), 1), "classes as a whole number at least 2"),
        (lambda: transfer.tagger(encoders.mlp((4, 4, 1)), 2), r"has no tokens, trunk\."),
        (lambda: transfer.regressor(an_encoder(), np.full(3, 0.1)), "values that differ. Received 0.1 alone"),
        (lambda: transfer.regressor(an_encoder(), np.array([1.0, np.nan])), "at least two finite values"),
        (lambda: transfer.regressor(an_encoder(), np.ones((2, 2, 2))), "at least two finite values"),
        (lambda: fit(a_regressor(VALUES), y=VALUES[:3]), r"values of shape \(4, 1\) or \(4,\).*\(3,\)"),
        (lambda: fit(a_regressor(VALUES), y=np.array([1, np.nan, 2, 3])), "1 that are not, the first at index 1"),
        (lambda: fit(a_regressor(VALUES), ids=IDS * 0, y=VALUES), "4 without any, the first at index 0"),
        (lambda: fit(a_regressor(VALUES), y=np.array([1, -1, 2, 3]), loss=KNOWN_MSE), "values as floats.*1 are -1"),
        (
            lambda: fit(a_regressor(VALUES[:, None] + [0, 1]), y=np.array([[1, NAN], [NAN, 2]] * 2), loss=KNOWN_MSE),
            "at least one sample of which all 2 values are known.*4 samples that lack some",
        ),
        (lambda: fit(a_classifier(), y=np.array([0.0, 1, 2, -1])), "class numbers as integers, -1.*Received floats"),
        (lambda: fit(a_classifier(), y=np.array([0.0, 1, 2, NAN])), "Received floats, and NaN"),
        (lambda: transfer.fine_tune(an_encoder(), IDS, np.zeros(4, int), 2, steps=1), "at least 2 classes"),
        (lambda: transfer.fine_tune(an_encoder(), IDS * 0, np.arange(4) % 2, 2, steps=1), "4 without any"),
    ],
)
def test_what_cannot_be_trained_on_is_a_clear_error(change, message):
    with pytest.raises(UserError, match=message):
        change()


def test_padding_is_what_the_encoder_takes_for_it():
    """Some tokenizers of others use another id than 0, which is then a token."""
    encoder = an_encoder()
    found = networks.parts(encoder)
    inputs = keras.Input((None,), dtype="int32", name="ids")
    tokens = keras.Model(inputs, [found.tokens(inputs)[0], ops.not_equal(inputs, 7)], name="tokens")
    x, keep = tokens(inputs)
    other = keras.Model(inputs, found.pool([found.trunk([x, keep]), keep]), name="encoder")
    fit(a_tagger(other), IDS, np.where(IDS == 7, -1, 1 + (IDS > 4)))
    with pytest.raises(UserError, match=r"label of padding.*1 of its places"):
        fit(a_tagger(other), IDS, 1 + (IDS > 4))


def test_a_tagger_gets_another_head_of_its_kind():
    model = a_tagger()
    again = transfer.replace_head(model, transfer.tagger, classes=4)
    assert again.output_shape == (None, None, 4)
    kept = an_encoder().name
    assert all(a is b for a, b in zip(again.get_layer(kept).weights, model.get_layer(kept).weights, strict=True))
    speller = transfer.replace_head(model, transfer.transcriber, vocabulary=5)
    assert transfer.replace_head(speller, transfer.tagger, classes=2).output_shape == (None, None, 2)
    with pytest.raises(UserError, match="one vector"):
        transfer.replace_head(model, transfer.classifier, classes=2)


def test_missing_values_train_where_the_loss_leaves_them_out():
    model = transfer.regressor(an_encoder(), np.array([1.0, np.nan, 2.0, 3.0]))
    model.compile("sgd", losses.WhereKnown(losses.Scaled("mse", 1.0)), run_eagerly=True)
    assert np.isfinite(model.fit(IDS, np.array([1.0, np.nan, 2.0, 3.0]), verbose=0).history["loss"][0])
