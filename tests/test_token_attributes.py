"""Attributes of tokens, and what is predicted of them."""

import itertools

import keras
import numpy as np
import pytest
from cases import of_text, tagged_texts

from keras_ssl import data, encoders, objectives, tokenizers
from keras_ssl.errors import UserError
from keras_ssl.networks import parts

N = 8
TEXTS = ["The dog was barking", "A happy man quickly walked", "Dogs walk"]
LEXICON = {"happy": 2.7, "barking": -0.5}


@pytest.fixture(scope="module")
def words():
    return tokenizers.words(TEXTS)


def found(words, attributes, **arguments):
    return data.token_targets(data.from_texts(TEXTS, words), attributes, **arguments)


# ---- the attributes --------------------------------------------------------------------------------------------------


def test_attributes_of_words_by_hand():
    assert [data.capitalized(word) for word in ("Dog", "dog", "DOG", "1st", "")] == [1, 0, 1, 0, 0]
    names = [data.SUFFIXES[data.suffix(word)] for word in ("walking", "kindness", "red", "dogs", "nation", "")]
    assert names == ["ing", "ness", "none", "s", "ion", "none"]
    assert data.word_length("Dog") == 3.0


def test_targets_of_tokens_by_hand(words):
    targets = found(words, {"capitalized": data.capitalized, "length": data.word_length, "sentiment": LEXICON})
    assert targets.attributes == {"capitalized": 2, "length": None, "sentiment": None}
    assert (targets.values.shape, targets.values.dtype) == ((3, 5, 3), "float32")
    no = np.nan
    np.testing.assert_array_equal(targets.values[..., 0], [[1, 0, 0, 0, no], [1, 0, 0, 0, 0], [1, 0, no, no, no]])
    lengths = np.array([[3, 3, 3, 7, no], [1, 5, 3, 7, 6], [4, 4, no, no, no]])
    np.testing.assert_allclose(targets.values[..., 1], (lengths - np.nanmean(lengths)) / np.nanstd(lengths), rtol=1e-5)
    known = ~np.isnan(targets.values[..., 2])
    np.testing.assert_array_equal(np.argwhere(known), [[0, 3], [1, 1]])
    np.testing.assert_allclose(targets.values[..., 2][known], [-1, 1], rtol=1e-5)
    again = found(words, {"capitalized": data.capitalized, "length": len, "sentiment": LEXICON}, like=None)
    assert again.attributes["length"] == 8  # integers are classes
    like = found(
        words, {"capitalized": data.capitalized, "length": data.word_length, "sentiment": LEXICON}, like=targets
    )
    np.testing.assert_array_equal(like.values, targets.values)


def test_all_pieces_of_a_word_have_its_attributes():
    pieces = tokenizers.byte_pairs(["low lower lowest Newest widest"] * 3, vocabulary=270)
    source = data.from_texts(["lowest Wide"], pieces)
    ids = source.inputs()
    assert ids.shape[1] > 4
    values = data.token_targets(source, {"capitalized": data.capitalized, "length": data.word_length}).values
    first = pieces.first_of_word[ids[0]]
    second = np.flatnonzero(first)[-1]
    assert set(values[0, :second, 0]) == {0}
    assert set(values[0, second:, 0]) == {1}


def test_punctuation_at_a_word_is_no_part_of_it():
    texts = ["a good, film.", "(running) well - it's :)"]
    pairs = tokenizers.byte_pairs(texts * 3, vocabulary=290)
    source = data.from_texts(texts, pairs)
    known = {"good": 0, "film": 1, "running": 2, "well": 3, "-": 4, "it's": 5, ":)": 6, "a": 7}
    values = data.token_targets(source, {"which": known, "suffix": data.suffix}).values
    assert not np.isnan(values[source.inputs() > 0]).any()
    assert [[k for k, _ in itertools.groupby(row[~np.isnan(row)])] for row in values[..., 0]] == [
        [7, 0, 1],
        [2, 3, 4, 5, 6],
    ]
    assert set(values[values[..., 0] == 2][:, 1]) == {data.SUFFIXES.index("ing")}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "a dict of names"),
        ({"x": {"zebra": 1.0}}, "'x' of some words.*none of any word"),
        ({"x": lambda word: 1.5}, "values of 'x' that differ"),
        ({"x": lambda word: np.inf}, "finite values of 'x'"),
        ({"x": lambda word: -len(word)}, "class numbers of 'x' from 0"),
    ],
)
def test_attributes_that_cannot_be_used_are_clear_errors(words, attributes, message):
    with pytest.raises(UserError, match=message):
        found(words, attributes)


def test_other_sources_are_a_clear_error(words):
    with pytest.raises(UserError, match="a source with a tokenizer"):
        data.token_targets(data.from_arrays(words.encode(TEXTS)), {"capitalized": data.capitalized})
    like = found(words, {"capitalized": data.capitalized})
    with pytest.raises(UserError, match="attributes like"):
        found(words, {"capitalized": data.word_length}, like=like)


# ---- the objective ---------------------------------------------------------------------------------------------------


def built(**arguments):
    model = objectives.TokenAttributes(of_text(), {"rest": 3, "size": None}, **arguments)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return model


def test_the_loss_is_that_of_known_attributes_as_numpy_has_it():
    model, batch = built(), tagged_texts(N, 0)
    ids = np.where(batch["mask"] & (batch["input"] > 0), 2, batch["input"])
    frames = np.array(parts(model.encoder).frames(ids), "float64")
    scores, sizes = (frames @ np.array(head.kernel) + np.array(head.bias) for head in model.heads)
    entropies, right, errors = [], [], []
    for row, place in np.argwhere(batch["input"] > 0):
        rest, size = batch["attributes"][row, place]
        if not np.isnan(rest):
            s = scores[row, place]
            entropies.append(np.log(np.exp(s).sum()) - s[int(rest)])
            right.append(s.argmax() == rest)
        if not np.isnan(size):
            errors.append((sizes[row, place, 0] - size) ** 2)
    terms = model.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert terms["loss"] == pytest.approx((np.mean(entropies) + np.mean(errors)) / 2, rel=1e-5)
    assert terms["rest_accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    assert terms["size_error"] == pytest.approx(np.mean(errors), rel=1e-5)


def test_missing_attributes_and_those_of_padding_change_nothing():
    model, batch = built(), tagged_texts(N, 0)
    loss = model.evaluate(batch, batch_size=N, verbose=0)[0]
    moved = np.where((batch["input"] > 0)[..., None], batch["attributes"], 1.0).astype("float32")
    assert model.evaluate({**batch, "attributes": moved}, batch_size=N, verbose=0)[0] == loss
    without = {**batch, "attributes": batch["attributes"].copy()}
    without["attributes"][..., 0] = np.nan
    assert model.evaluate(without, batch_size=N, return_dict=True, verbose=0)["rest_accuracy"] == 0


def test_special_ids_are_not_hidden_but_may_have_attributes():
    model = built(mask_ratio=0.9)
    ids = np.tile(np.array([[3, 5, 6, 1, 7, 4, 8, 9, 4, 0]], "int32"), (4, 1))
    seen = []
    model._predictions = lambda ids, training: seen.append(np.array(ids)) or {}
    attributes = np.zeros((4, 10, 2), "float32")
    outputs = model.forward_pass({"input": ids, "attributes": attributes}, training=True)
    model.forward_pass({"input": ids, "attributes": attributes, "mask": np.ones((4, 10), bool)}, training=True)
    for changed in seen:
        np.testing.assert_array_equal(changed[ids < 5], ids[ids < 5])
        assert (changed[ids >= 5] == 2).mean() >= 0.8
    np.testing.assert_array_equal(np.array(outputs["known"])[..., 0], ids > 0)


def test_it_trains_on_batches_with_targets_and_answers(words):
    source = data.from_texts(TEXTS * 4, words)
    targets = data.token_targets(source, {"capitalized": data.capitalized, "length": data.word_length})
    encoder = encoders.transformer(words.vocabulary, width=8, depth=1, heads=2)
    model = objectives.TokenAttributes(encoder, targets.attributes, mask_ratio=0.2)
    model.compile("sgd", run_eagerly=True)
    logs = model.fit(data.batches(source, targets=targets, batch_size=12), verbose=0).history
    assert set(logs) == {"loss", "capitalized_accuracy", "length_error"}
    answers = model.answers(source.inputs())
    shape = source.inputs().shape
    assert {name: x.shape for name, x in answers.items()} == dict.fromkeys(targets.attributes, shape)
    assert set(np.unique(answers["capitalized"])) <= {0, 1}


def test_what_does_not_fit_is_a_clear_error():
    with pytest.raises(UserError, match=r"mask among the encoder's ids, 1\.\.19"):
        built(mask=20)
    with pytest.raises(UserError, match="attributes as a dict"):
        objectives.TokenAttributes(of_text(), {})
    model, batch = built(), tagged_texts(N, 0)
    for value, place, message in ((5, 0, r"class numbers of 'rest'"), (0.5, 0, "fractions"), (np.inf, 1, "finite")):
        wrong = {**batch, "attributes": batch["attributes"].copy()}
        wrong["attributes"][2, 0, place] = value
        with pytest.raises(UserError, match=message):
            model.fit(wrong, verbose=0)
    with pytest.raises(UserError, match="NaN everywhere"):
        model.fit({**batch, "attributes": np.full((N, 10, 2), np.nan, "float32")}, verbose=0)
    with pytest.raises(UserError, match="texts of 10 tokens and attributes of 9"):
        model.fit({**batch, "attributes": batch["attributes"][:, 1:]}, verbose=0)
