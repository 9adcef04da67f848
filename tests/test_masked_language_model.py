"""The masked language model, beyond the contract that all objectives share."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import masked_texts, of_text, sentences

from keras_ssl import encoders, objectives, tokenizers
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives.masked.filling import ids_with_masks

N = 8
CORPUS = ["a cat sat on a mat", "the dog sat on the rug", "a bird sang to the cat"]


def built(encoder=None, **arguments):
    model = objectives.MaskedLanguageModel(encoder or of_text(), **arguments)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def words():
    return tokenizers.words(CORPUS)


@pytest.fixture(scope="module")
def trained(words):
    """A model that knows a sentence by heart."""
    keras.utils.set_random_seed(0)
    encoder = encoders.transformer(words.vocabulary, width=16, depth=1, heads=2)
    model = objectives.MaskedLanguageModel(encoder, mask_ratio=0.34)
    model.compile(keras.optimizers.Adam(2e-2), jit_compile=False)
    ids = np.repeat(words.encode(CORPUS), 8, axis=0)
    for _ in range(150):
        model.train_on_batch(ids)
    return model


# ---- the loss --------------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_hidden_tokens_alone_as_numpy_has_it():
    model, batch = built(mask_ratio=0.3), masked_texts(N, 0)
    model.bias.assign(np.random.default_rng(0).normal(size=20))
    ids, hidden = batch["input"], batch["mask"] & (batch["input"] > 0)
    changed = np.where(hidden, batch["replacement"], ids)
    frames = np.array(parts(model.encoder).frames(changed), "float64")
    table = np.array(model.encoder.get_layer("tokens").get_layer("embedding").embeddings, "float64")
    logits = frames @ table.T + np.array(model.bias)
    right, losses = [], []
    for row, place in np.argwhere(hidden):  # one after the other, whatever text they are in
        scores = logits[row, place]
        losses.append(np.log(np.exp(scores).sum()) - scores[ids[row, place]])
        right.append(scores.argmax() == ids[row, place])
    found = model.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert found["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)


def test_without_information_it_is_the_log_of_the_vocabulary_by_hand():
    model = built()
    for weight in (*model.encoder.weights, model.bias):
        weight.assign(np.zeros(weight.shape))
    assert model.evaluate(sentences(N, 0), batch_size=N, return_dict=True, verbose=0)["loss"] == pytest.approx(
        np.log(20)
    )


def test_padding_and_special_ids_change_no_loss():
    model, batch = built(mask_ratio=0.3), masked_texts(N, 0)
    loss = model.evaluate(batch, batch_size=N, verbose=0)[0]
    elsewhere = np.where(batch["input"] > 0, batch["replacement"], 1)
    assert model.evaluate({**batch, "replacement": elsewhere}, batch_size=N, verbose=0)[0] == loss
    special = {**batch, "input": np.where(batch["mask"], 1, batch["input"])}
    assert model.evaluate(special, batch_size=N, verbose=0)[0] == 0
    wide = {key: np.pad(x, ((0, 0), (0, 3))) for key, x in batch.items()}
    assert model.evaluate(wide, batch_size=N, verbose=0)[0] == pytest.approx(loss, rel=1e-5)


def test_what_is_drawn_differs_from_step_to_step_and_is_never_special():
    model, seen = built(mask_ratio=0.4), []
    x = sentences(200, 0)["input"]
    tokens, trunk = model.encoder.get_layer("tokens"), parts(model.encoder)
    for _ in range(2):
        outputs = model.forward_pass({"input": x}, training=True)
        weights, targets = np.array(outputs["weights"]), np.array(outputs["targets"])
        assert weights.shape == (200, 4)
        np.testing.assert_array_equal(weights.sum(axis=1), np.maximum(1, np.round(0.4 * (x > 0).sum(axis=1))))
        assert targets[weights].min() >= 5
        seen.append(targets)
    assert (seen[0] != seen[1]).any(axis=1).mean() > 0.8
    assert tokens is trunk.tokens


def test_whole_words_are_hidden_if_the_tokenizer_says_where_words_begin():
    first = [True] * 5 + [k % 2 == 0 for k in range(15)]  # pairs such as 5, 6
    model = built(mask_ratio=0.5, first_of_word=np.array(first))
    x = np.tile(np.array([[5, 6, 7, 8, 9, 10, 3, 4]], "int32"), (50, 1))
    outputs = model.forward_pass({"input": x}, training=True)
    targets, weights = (np.array(outputs[key]) for key in ("targets", "weights"))
    for row, weight in zip(targets, weights):
        assert sorted(row[weight]) in ([5, 6], [7, 8], [9, 10])


def test_it_learns_and_every_weight_gets_a_gradient(trained, words):
    ids = words.encode(CORPUS)
    assert trained.evaluate(np.repeat(ids, 8, axis=0), batch_size=24, return_dict=True, verbose=0)["accuracy"] > 0.8
    model = built()
    with tf.GradientTape() as tape:
        _, terms = model.run(sentences(N, 0), training=True)
    gradients = tape.gradient(terms["loss"], [weight.value for weight in model.trainable_weights])
    assert all(np.abs(np.array(tf.convert_to_tensor(g))).max() > 0 for g in gradients)


# ---- filling in ------------------------------------------------------------------------------------------------------


def test_masks_are_filled_by_the_tokens_that_fit(trained, words):
    (first, second), (third,) = trained.fill(["a cat [MASK] on a [MASK]", "the [MASK] sat on the rug"], words, top=3)
    assert [pairs[0][0] for pairs in (first, second, third)] == ["sat", "mat", "dog"]
    assert len(first) == 3
    for pairs in (first, second, third):
        shares = [share for _, share in pairs]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-6
    ids = words.encode(["a cat sat on a mat"])
    ids[0, 2] = 2
    ((pairs,),) = trained.fill(ids, top=1)
    assert words.tokens[pairs[0][0]] == "sat"
    ((everything,),) = trained.fill(ids, top=words.vocabulary - 5)
    assert sum(share for _, share in everything) == pytest.approx(1)
    assert min(one for one, _ in everything) == 5


def test_a_mask_stands_for_the_space_before_a_word_where_training_has_it_in_the_token():
    pairs = tokenizers.byte_pairs(["the capital of france and"] * 3, vocabulary=290)
    words = ["the", "capital", "of", "france", "and"]
    tokens = [pairs.ids(text).tolist() for text in ("the capital of", " and")]
    found = ids_with_masks(["the capital of [MASK] and", "[MASK] capital"], pairs, pairs.vocabulary, 2)
    assert found[0].tolist() == [*tokens[0], 2, *tokens[1]]
    assert [one for one in found[1].tolist() if one] == [2, *pairs.ids(" capital").tolist()]
    split = tokenizers.words([" ".join(words)])
    assert ids_with_masks(["the [MASK] of"], split, split.vocabulary, 2).tolist() == [
        [*split.ids("the"), 2, *split.ids("of")]
    ]


def test_what_cannot_be_filled_is_a_clear_error(trained, words):
    with pytest.raises(UserError, match=r"a mask in each text.*none in text 1.*put \[MASK\]"):
        trained.fill(["a [MASK]", "a cat"], words)
    with pytest.raises(UserError, match="a list of texts"):
        trained.fill("a [MASK]", words)
    with pytest.raises(UserError, match=r"tokenizer, of \d+ ids.*one of 8"):
        trained.fill(["a [MASK]"], tokenizers.words(["a b c"]))
    with pytest.raises(UserError, match="top as a whole number"):
        trained.fill(["a [MASK]"], words, top=0)


# ---- export ----------------------------------------------------------------------------------------------------------


def test_its_signatures_give_embedding_and_logits(trained, words):
    ids, served = words.encode(CORPUS), trained.signatures()
    assert set(served) == {"embed", "logits"}
    np.testing.assert_allclose(served["embed"][0](ids)["embedding"], trained(ids), atol=1e-6)
    np.testing.assert_allclose(served["logits"][0](ids)["logits"], trained.logits(ids), atol=1e-5)


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask": 20}, r"mask among the encoder's ids, 1\.\.19.*20"),
        ({"mask": 0}, r"mask among the encoder's ids, 1\.\.19. Received 0"),
        ({"special": (0, 25)}, r"special among.*25"),
        ({"special": range(19)}, "at least 2 ids that stand for text"),
        ({"mask_ratio": 0.0}, "mask_ratio"),
        ({"mask_ratio": 1}, "mask_ratio"),
        ({"first_of_word": [True] * 7}, r"each of 20 ids.*Received 7"),
    ],
)
def test_arguments_that_do_not_fit_are_clear_errors(arguments, message):
    with pytest.raises(UserError, match=message):
        objectives.MaskedLanguageModel(of_text(), **arguments)


def test_an_encoder_without_a_table_of_ids_is_a_clear_error():
    with pytest.raises(UserError, match="for MaskedLanguageModel"):
        objectives.MaskedLanguageModel(encoders.dilated_conv(2, width=6, depth=1))
    tokens = keras.Sequential(
        [keras.Input((None,), dtype="int32", name="ids"), keras.layers.Embedding(9, 4, name="vectors")], name="tokens"
    )
    x = tokens(ids := keras.Input((None,), dtype="int32", name="ids"))
    y = keras.layers.GlobalAveragePooling1D(name="pool")(keras.layers.Dense(4, name="trunk")(x))
    with pytest.raises(UserError, match="layer `embedding` in its `tokens`"):
        objectives.MaskedLanguageModel(keras.Model(ids, y))


def test_texts_that_cannot_be_trained_on_are_clear_errors():
    encoder = encoders.transformer(20, width=8, depth=1, heads=2, positions="learned", max_length=8)
    with pytest.raises(UserError, match="at most 8 places"):
        built(encoder).fit(sentences(N, 0)["input"], verbose=0)
    model, batch = built(mask_ratio=0.3), masked_texts(N, 0)
    with pytest.raises(UserError, match="special ids only, such as padding"):
        model.fit(np.zeros((N, 10), "int32"), verbose=0)
    with pytest.raises(UserError, match=r"masks that hide at most 3 tokens.*10 at index 0"):
        model.fit({**batch, "mask": np.ones((N, 10), bool)}, verbose=0)
    whole = {"input": np.full((N, 10), 7, "int32"), "mask": np.ones((N, 10), bool)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="masks that hide at most 3"):
        model.run(whole, training=True)
    step = tf.function(lambda ids: model.run({"input": ids}, training=True), autograph=False)
    with pytest.raises(UserError, match="known length for MaskedLanguageModel"):
        step.get_concrete_function(tf.TensorSpec((N, None), "int32"))


@pytest.mark.parametrize("xla", [False, True])
def test_ids_outside_the_vocabulary_are_a_clear_error_before_a_step(xla):
    model = objectives.MaskedLanguageModel(of_text())
    model.compile("sgd", jit_compile=xla)
    ids = sentences(N, 0)["input"]
    ids[3, 0] = 20
    with pytest.raises(UserError, match=r"0\.\.19.*20 at index 3"):
        model.fit(ids, verbose=0)
    assert int(model.step) == 0


def test_replacements_outside_the_vocabulary_are_a_clear_error_before_a_step():
    model, batch = built(mask_ratio=0.3), masked_texts(N, 0)
    batch["replacement"][2, 0] = 20
    with pytest.raises(UserError, match=r"'replacement' .*0\.\.19.*20 at index 2"):
        model.fit(batch, verbose=0)
    assert int(model.step) == 0


def test_a_row_of_padding_among_others_is_no_loss():
    model, ids = built(), sentences(N, 0)["input"]
    ids[2] = 0
    assert np.isfinite(model.fit(ids, batch_size=N, verbose=0).history["loss"]).all()
