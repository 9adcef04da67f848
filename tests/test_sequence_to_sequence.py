"""Sequence to sequence: what the decoder sees, what is predicted, decoding, transfer, export and bad input."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import decoders, encoders, evaluate, objectives, transfer
from keras_ssl.errors import UserError
from keras_ssl.export.clients import Sends
from keras_ssl.export.signatures import servings
from keras_ssl.objectives.sequence_to_sequence.beam_search import beam_search, length_penalty

VOCABULARY = 9
BEGIN, END = 3, 4
SOURCE = np.array([[5, 6, 0, 7], [8, 5, 7, 0], [6, 0, 0, 0]], "int32")
TARGET = np.array([[7, 0, 6], [5, 5, 8], [6, 0, 0]], "int32")


def encoder(vocabulary=VOCABULARY, width=8):
    return encoders.transformer(vocabulary, width=width, depth=1, heads=2)


@pytest.fixture(scope="module")
def model():
    """A tiny objective with random weights, whose scores are far enough apart for texts of several lengths."""
    keras.utils.set_random_seed(1)
    objective = objectives.SequenceToSequence(encoder())
    objective.bias.assign(np.random.default_rng(0).normal(size=VOCABULARY))
    return objective


def outputs(model, **batch):
    found = model.forward_pass(batch, training=False)
    return {name: keras.ops.convert_to_numpy(x) for name, x in found.items()}


# ---- the decoder -----------------------------------------------------------------------------------------------------


def test_a_place_sees_no_later_token_and_all_frames():
    decoder = decoders.text(encoder(), depth=2, heads=2)
    rng = np.random.default_rng(0)
    vectors, frames = rng.normal(size=(1, 5, 8)).astype("float32"), rng.normal(size=(1, 3, 8)).astype("float32")
    keep = np.ones((1, 3), bool)
    first = np.asarray(decoder([vectors, frames, keep]))
    later, context = vectors.copy(), frames.copy()
    later[:, 3] += rng.normal(size=8)
    context[:, 2] += rng.normal(size=8)
    changed = np.abs(np.asarray(decoder([later, frames, keep])) - first).max(axis=(0, 2))
    assert (changed[:3] < 1e-6).all()
    assert (changed[3:] > 1e-3).all()
    assert (np.abs(np.asarray(decoder([vectors, context, keep])) - first).max(axis=(0, 2)) > 1e-3).all()
    keep[:, 2] = False  # then that frame is not seen, and the others are
    hidden = np.asarray(decoder([vectors, frames, keep]))
    np.testing.assert_allclose(decoder([vectors, context, keep]), hidden, atol=1e-6)
    np.testing.assert_allclose(decoder([vectors, frames[:, :2], keep[:, :2]]), hidden, atol=1e-6)


# ---- what is predicted -----------------------------------------------------------------------------------------------


def test_tokens_and_then_the_end_are_predicted(model):
    found = outputs(model, input=SOURCE, target=TARGET)
    np.testing.assert_array_equal(found["targets"], [[7, 6, END, 0], [5, 5, 8, END], [6, END, 0, 0]])
    np.testing.assert_array_equal(found["weights"], found["targets"] > 0)
    logits = found["logits"].astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    each = -np.take_along_axis(log_p, found["targets"][..., None], -1)[..., 0]
    right = log_p.argmax(-1) == found["targets"]
    known = found["weights"]
    terms = {name: float(x) for name, x in model.loss_terms(found).items()}
    assert terms["loss"] == pytest.approx(each[known].mean(), rel=1e-5)
    assert terms["accuracy"] == pytest.approx(right[known].mean())


def test_the_decoder_is_given_the_tokens_before(model):
    """The logits of "next" after BEGIN, BEGIN 5, … are those of training at these places."""
    logits = outputs(model, input=SOURCE, target=TARGET)["logits"]
    frames = model.signatures()["encode"][0](SOURCE)["frames"]
    after = model.signatures()["next"][0]
    rows = np.array([[BEGIN, 7, 6], [BEGIN, 5, 0], [BEGIN, 0, 0]], "int32")
    found = np.asarray(after({"frames": frames, "ids": rows})["logits"])
    np.testing.assert_allclose(found, [logits[0, 2], logits[1, 1], logits[2, 0]], atol=1e-5)


def test_padding_of_either_text_changes_nothing(model):
    moved = np.array([[0, 5, 6, 7, 0, 0], [8, 0, 0, 5, 7, 0], [0, 0, 0, 0, 0, 6]], "int32")
    one = outputs(model, input=SOURCE, target=TARGET)["logits"]
    other = outputs(model, input=moved, target=np.pad(TARGET, [[0, 0], [0, 2]]))["logits"]
    for row, size in enumerate((3, 4, 2)):
        np.testing.assert_allclose(other[row, :size], one[row, :size], atol=1e-5)


def test_without_a_target_the_text_is_predicted_from_a_corrupted_one(model):
    denoised = outputs(model, input=SOURCE, corrupted=SOURCE)
    translated = outputs(model, input=SOURCE, target=SOURCE)
    for name, x in translated.items():
        np.testing.assert_array_equal(denoised[name], x)
    drawn = outputs(model, input=SOURCE)
    np.testing.assert_array_equal(drawn["targets"], translated["targets"])
    assert np.abs(drawn["logits"] - translated["logits"]).max() > 1e-3
    np.testing.assert_array_equal(outputs(model, input=SOURCE)["logits"], drawn["logits"])  # evaluation repeats itself


# ---- decoding --------------------------------------------------------------------------------------------------------


def table_of_chances(tokens, place):
    """Log-probabilities of 5 ids after each text, drawn from the text: 1 begins, 2 ends, 3 and 4 are tokens."""
    chances = []
    for row in tokens[:, : place + 1]:
        logits = np.random.default_rng(row.tolist()).normal(0, 1.5, 5)
        chances.append(logits - np.log(np.exp(logits).sum()))
    return np.array(chances)


def score(text, power, chances=table_of_chances, begin=1, end=2):
    """The penalized log-probability of a text, token by token."""
    so_far, total = [begin], 0.0
    for token in (*text, end):
        total += chances(np.array([so_far]), len(so_far) - 1)[0][token]
        so_far.append(token)
    return total / ((5 + len(text) + 1) / 6) ** power


def all_texts(tokens, length):
    return [text for size in range(length + 1) for text in itertools.product(tokens, repeat=size)]


@pytest.mark.parametrize("power", [0.0, 0.6, 3.0])
def test_with_enough_beams_the_search_is_exhaustive(power):
    best = max(all_texts((3, 4), 3), key=lambda text: score(text, power))
    found = beam_search(table_of_chances, 1, 3, 1, 2, beams=16, power=power, barred=(0, 1))
    assert tuple(found[0][found[0] > 0]) == best


def test_one_beam_is_greedy_and_rows_are_searched_apart():
    text = []
    while len(text) < 3 and (token := 2 + table_of_chances(np.array([[1, *text]]), len(text))[0][2:].argmax()) != 2:
        text.append(token)
    found = beam_search(table_of_chances, 2, 3, 1, 2, barred=(0, 1))
    assert found.tolist() == [[*text, *[0] * (3 - len(text))]] * 2


def test_a_power_of_the_length_favors_long_texts():
    np.testing.assert_allclose(length_penalty(np.array([1, 7]), 1.0), [1, 2])
    np.testing.assert_array_equal(length_penalty(np.array([1, 7]), 0.0), [1, 1])
    sizes = [
        (beam_search(table_of_chances, 1, 3, 1, 2, beams=16, power=power, barred=(0, 1)) > 0).sum()
        for power in (0.0, 1.0, 10.0)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_translations_are_the_most_probable_texts(model):
    frames = np.asarray(model.signatures()["encode"][0](SOURCE)["frames"])
    after = model.signatures()["next"][0]
    texts = all_texts((1, 5, 6, 7, 8), 2)
    given = np.array([[BEGIN, *text, *[0] * (2 - len(text))] for text in texts], "int32")
    for row, translation in zip(frames, model.translate(SOURCE, length=2, beams=40)):
        logits = after({"frames": np.repeat(row[None], len(given), axis=0), "ids": given})["logits"]
        chances = dict(zip(texts, np.asarray(keras.ops.log_softmax(logits))))
        best = max(texts, key=lambda text: score(text, 0.6, looked_up(chances), BEGIN, END))
        assert tuple(translation[translation > 0]) == best


def looked_up(chances):
    return lambda tokens, place: [chances[tuple(tokens[0][1:].tolist())]]


def test_batches_and_padding_do_not_change_translations(model):
    found = model.translate(SOURCE, length=3, beams=2)
    assert found.shape == (3, 3)
    assert not np.isin(found, (2, BEGIN, END)).any()
    np.testing.assert_array_equal(model.translate(np.pad(SOURCE, [[0, 0], [2, 1]]), 3, beams=2, batch_size=2), found)


# ---- transfer and export ---------------------------------------------------------------------------------------------


def test_a_pretrained_encoder_starts_a_translator_and_may_be_frozen():
    pretrained = objectives.MaskedLanguageModel(encoder()).encoder
    translator = objectives.SequenceToSequence(pretrained)
    assert translator.encoder is pretrained
    translator.compile("adam", run_eagerly=True)
    transfer.freeze(translator, pretrained)
    before = [np.array(w) for w in (*pretrained.weights, *translator.decoder.weights)]
    translator.train_on_batch({"input": SOURCE, "target": TARGET})
    after = [np.array(w) for w in (*pretrained.weights, *translator.decoder.weights)]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after)]
    count = len(pretrained.weights)
    assert not any(moved[:count])
    assert all(moved[count:])


def test_a_client_decodes_with_the_served_steps(model):
    """In graphs of any lengths, as files hold them."""
    served = {one.name: one for one in servings(model, Sends())}
    assert set(served) == {"serving_default", "encode", "next"}
    after = served["next"].function()
    frames = served["encode"].answer(SOURCE)["frames"]
    for row, text in zip(frames, model.translate(SOURCE, length=3)):
        ids = [BEGIN]
        while len(ids) <= 3:
            logits = after(tf.constant(row[None]), tf.constant([ids]))["logits"].numpy()[0]
            logits[[0, 2, BEGIN]] = -np.inf
            if (token := int(logits.argmax())) == END:
                break
            ids.append(token)
        assert ids[1:] == text[text > 0].tolist()


# ---- scores ----------------------------------------------------------------------------------------------------------


def test_scores_of_translations():
    right = ["the cat sat on the mat today", "open the file"]
    scores = evaluate.translation_scores(right, right)
    assert scores == {"bleu": pytest.approx(100), "chrf": pytest.approx(100)}
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples and 1 of 2 of four are right, and no brevity: the geometric mean
    scores = evaluate.translation_scores(["a b c d x"], ["a b c d e"])
    assert scores["bleu"] == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25, rel=1e-4)
    worse = evaluate.translation_scores(["nothing of it", "at all"], right)
    assert 0 <= worse["bleu"] < 5
    for wrong in ((["a"], []), ([], []), ("a", "a")):
        with pytest.raises(UserError, match=r"reference|lists"):
            evaluate.translation_scores(*wrong)


# ---- bad input -------------------------------------------------------------------------------------------------------


def fitted(model, **batch):
    model.compile("sgd", run_eagerly=True)
    model.fit(batch, verbose=0)


EMPTY = SOURCE * np.array([[1], [0], [1]], "int32")
BAD = {
    "an empty text": (lambda m: fitted(m, input=EMPTY), r"'input' of at least one token.* index 1"),
    "an empty target": (lambda m: fitted(m, input=SOURCE, target=EMPTY), r"'target' of at least one token"),
    "an empty text to translate": (lambda m: m.translate(EMPTY, 3), r"texts of at least one token"),
    "an id outside": (lambda m: fitted(m, input=SOURCE + 2), r"'input' .*in 0\.\.8"),
    "a target's id outside": (lambda m: fitted(m, input=SOURCE, target=TARGET + 9), r"'target' .*in 0\.\.8"),
    "floats as target": (lambda m: fitted(m, input=SOURCE, target=TARGET * 1.0), r"'target' as integers"),
    "targets too few": (
        lambda m: fitted(m, input=SOURCE, target=TARGET[:2]),
        "as many samples .*3 of 'input', 2 of 'target'",
    ),
    "no length": (lambda m: m.translate(SOURCE, 0), "length as a whole number at least 1"),
    "no beams": (lambda m: m.translate(SOURCE, 3, beams=0), "beams as a whole number at least 1"),
    "a negative power": (lambda m: m.translate(SOURCE, 3, length_penalty=-1), "length_penalty"),
    "a decoder of another width": (
        lambda m: objectives.SequenceToSequence(m.encoder, decoders.text(encoder(width=12))),
        r"vectors \(n, t, 8\).*\(None, None, 12\)",
    ),
    "an encoder as decoder": (lambda m: objectives.SequenceToSequence(m.encoder, m.encoder), r"a decoder from vectors"),
    "a small vocabulary": (lambda m: objectives.SequenceToSequence(encoder(4)), r"end among the encoder's ids, 1\.\.3"),
    "a sentence end outside": (
        lambda m: objectives.SequenceToSequence(m.encoder, sentence_ends=(5, 9)),
        r"sentence_ends among the encoder's ids, 1\.\.8\. Received 9",
    ),
    "the same id twice": (lambda m: objectives.SequenceToSequence(m.encoder, begin=4), "different ids"),
    "images": (
        lambda m: objectives.SequenceToSequence(encoders.mlp((4, 4, 1), units=(8,))),
        "an encoder of rows of ids",
    ),
    "heads that do not divide": (lambda m: decoders.text(m.encoder, heads=3), "multiple of 2 and of the 3 heads"),
}


@pytest.mark.parametrize("which", BAD)
def test_bad_input_is_a_clear_error(model, which):
    call, message = BAD[which]
    with pytest.raises(UserError, match=message):
        call(model)


def test_a_target_longer_than_the_decoder_is_a_clear_error():
    network = encoder()
    short = objectives.SequenceToSequence(network, decoders.text(network, depth=1, max_length=3))
    assert short.longest == 2
    assert short.translate(SOURCE, 2).shape == (3, 2)
    for call in (
        lambda: fitted(short, input=SOURCE, target=TARGET),
        lambda: fitted(short, input=SOURCE),
        lambda: short.translate(SOURCE, 3),
    ):
        with pytest.raises(UserError, match="at most 2 tokens"):
            call()
