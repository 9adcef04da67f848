"""Transcribers: the loss of CTC under padding, decoding, error rates; and other heads on recordings."""

import itertools

import keras
import numpy as np
import pytest
import recordings
from keras import ops

from keras_ssl import evaluate, losses, tokenizers, transfer
from keras_ssl.errors import UserError
from keras_ssl.networks import parts

RNG = np.random.default_rng(0)


def merged(path):
    """The ids that an alignment stands for."""
    return tuple(k for k, _ in itertools.groupby(path) if k != 0)


def probabilities(logits):
    """Probability of every sequence of ids, over all alignments."""
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    found = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        ids = merged(path)
        found[ids] = found.get(ids, 0.0) + np.prod([p[t, k] for t, k in enumerate(path)])
    return found


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = transfer.transcriber(recordings.encoder(step=8), vocabulary=8)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.CTC(), run_eagerly=True)
    return model


def sounds(*seconds):
    rows = [recordings.tone(500, one) for one in seconds]
    return np.stack([np.pad(row, (0, 80 - len(row))) for row in rows])


# ---- loss ------------------------------------------------------------------------------------------------------------


def test_frames_of_padding_are_blanks_for_sure(model):
    x = sounds(0.01, 0.005)
    logits = np.asarray(model(x))
    assert logits.shape == (2, 10, 8)
    assert (logits[1, 5:] == [0] + [-30] * 7).all()
    assert (logits[1, :5] > -30).all()


def test_the_loss_is_that_of_the_frames_that_are_kept_and_of_all_alignments(model):
    ids = np.array([[5, 6]])
    short, padded = sounds(0.005)[:, :40], sounds(0.005)
    loss = keras.losses.CTC()
    alone, beside = (float(loss(ids, model(x))) for x in (short, padded))
    assert beside == pytest.approx(alone, abs=1e-4)
    logits = RNG.normal(size=(4, 3)).astype("float32")
    known = float(loss(np.array([[1, 1]]), ops.convert_to_tensor(logits[None])))
    assert known == pytest.approx(-np.log(probabilities(logits)[(1, 1)]), rel=1e-4)
    uniform = float(loss(np.array([[1]]), ops.zeros((1, 2, 2))))  # by hand: 3 of 4 alignments, 1 0, 0 1 and 1 1
    assert uniform == pytest.approx(-np.log(3 / 4), rel=1e-5)


# ---- decoding --------------------------------------------------------------------------------------------------------


def test_the_best_path_merges_repetitions_and_leaves_blanks_out():
    path = [0, 5, 5, 0, 5, 6, 6, 0, 0, 7]
    (ids,) = transfer.decode_ctc(np.eye(8)[None, path])
    assert ids.tolist() == [5, 5, 6, 7]
    assert [row.tolist() for row in transfer.decode_ctc(np.zeros((2, 3, 4)))] == [[], []]


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_most_probable_ids(seed):
    logits = np.random.default_rng(seed).normal(size=(5, 3))
    all_ids = probabilities(logits)
    assert sum(all_ids.values()) == pytest.approx(1)
    (ids,) = transfer.decode_ctc(logits[None], beam=100)
    assert tuple(ids.tolist()) == max(all_ids, key=all_ids.get)


def test_a_search_may_differ_from_the_best_path():
    logits = np.log([[[0.6, 0.4], [0.6, 0.4]]])  # blanks .36, "1" .64 in three alignments
    assert transfer.decode_ctc(logits)[0].tolist() == []
    assert transfer.decode_ctc(logits, beam=2)[0].tolist() == [1]


# ---- training --------------------------------------------------------------------------------------------------------


def test_it_writes_what_its_scores_say_and_training_raises_those_of_the_texts():
    texts, tones = ["ab", "ba", "a"], {"a": recordings.tone(1000, 0.005), "b": recordings.tone(2000, 0.005)}
    x = np.stack([np.pad(x := np.concatenate([tones[c] for c in text]), (0, 80 - len(x))) for text in texts])
    tokenizer = tokenizers.characters(texts)
    keras.utils.set_random_seed(0)
    encoder = recordings.encoder(step=8)  # whose frames of a tone are all alike
    model = transfer.transcriber(encoder, tokenizer.vocabulary)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.CTC(), run_eagerly=True)
    losses_of_steps = [float(model.train_on_batch(x[:1], tokenizer.encode(texts[:1]))) for _ in range(3)]
    assert losses_of_steps[2] < losses_of_steps[0]
    frames = np.array(parts(encoder).frames(x[:1]))[0, [0, 9]]  # of "a" and of "b"
    wanted = 10 * np.eye(tokenizer.vocabulary)[tokenizer.encode(["ab"])[0]]
    model.get_layer("scores").set_weights([np.linalg.pinv(frames) @ wanted, 0 * wanted[0]])
    assert transfer.transcribe(model, x, tokenizer) == transfer.transcribe(model, x, tokenizer, 4) == texts


def test_it_writes_texts_and_is_saved(model, tmp_path):
    texts, x = ["ab", "b"], sounds(0.01, 0.005)
    tokenizer = tokenizers.characters([*texts, "c"])
    assert tokenizer.vocabulary == 8
    for beam in (1, 4):
        written = transfer.transcribe(model, x, tokenizer, beam)
        assert len(written) == 2
        assert set("".join(written)) <= set("abc")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(np.asarray(loaded(x)), np.asarray(model(x)), atol=1e-5)


def test_recordings_and_tokenizers_that_do_not_fit_are_refused(model):
    x, tokenizer = sounds(0.01, 0.005), tokenizers.characters(["abc"])
    with pytest.raises(UserError, match=r"the tokenizer of 8 ids.*one of 9"):
        transfer.transcribe(model, x, tokenizers.characters(["abcd"]))
    for wrong in ((x * 32767).astype("int16"), x[0], x * 300):
        with pytest.raises(UserError):
            transfer.transcribe(model, wrong, tokenizer)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (sounds(0.01), [[1, 8]], r"ids of texts in 0\.\.7"),
        (sounds(0.01), [[1, 0, 2]], "0 inside text 0"),
        (sounds(0.01), [1], r"ids of texts as integers \(n, length\)"),
        (sounds(0.01), [["a"]], "numbers"),
        (sounds(0.01, 0.002), [[1, 2, 3], [1, 2, 3]], r"2 frames for 3 at index 1 \(1 such"),
        (sounds(0.002), [[1, 1]], "2 frames for 3"),
        (2 * sounds(0.01) + 1, [[1]], "-1"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(model, x, y, message):
    with pytest.raises(UserError, match=message):
        model.fit(x, np.array(y), verbose=0)


def test_a_transcriber_needs_frames_and_a_vocabulary():
    with pytest.raises(UserError, match="vocabulary"):
        transfer.transcriber(recordings.encoder(), 1)
    inputs = keras.Input((80,), name="audio")
    with pytest.raises(UserError, match=r"tokens, trunk\."):
        transfer.transcriber(keras.Model(inputs, keras.layers.Dense(4)(inputs)), 8)
    for logits in (np.zeros((3, 4)), np.zeros((1, 3, 4), int), np.full((1, 2, 3), np.nan)):
        with pytest.raises(UserError, match="finite logits"):
            transfer.decode_ctc(logits)


# ---- scores ----------------------------------------------------------------------------------------------------------


def distance(one, other):
    """By the recursive definition."""
    if not one or not other:
        return len(one) + len(other)
    same = distance(one[1:], other[1:]) + (one[0] != other[0])
    return min(same, distance(one[1:], other) + 1, distance(one, other[1:]) + 1)


def test_edit_distances():
    assert evaluate.edit_distance("kitten", "sitting") == 3
    words = ["", "a", "ab", "ba", "abc", "cab", "bbab"]
    for one, other in itertools.product(words, words):
        assert evaluate.edit_distance(one, other) == distance(one, other) == evaluate.edit_distance(other, one)


def test_error_rates_are_of_all_texts_together():
    scores = evaluate.transcription_scores(["the cat sat", ""], ["the cat sits", "on"])
    assert scores["character_error_rate"] == pytest.approx((2 + 2) / 14)
    assert scores["word_error_rate"] == pytest.approx((1 + 1) / 4)
    assert evaluate.transcription_scores(["a"], ["a"]) == {"character_error_rate": 0, "word_error_rate": 0}
    for found, wanted in ((["a"], []), ("a", "a"), (["a"], [""])):
        with pytest.raises(UserError):
            evaluate.transcription_scores(found, wanted)


# ---- other heads -----------------------------------------------------------------------------------------------------


def test_frames_of_recordings_are_tagged():
    x, encoder = sounds(0.01, 0.005), recordings.encoder(step=8)
    tags = np.array([[0] * 5 + [1] * 5, [1] * 5 + [-1] * 5])
    model = transfer.tagger(encoder, classes=2)
    model.compile("sgd", losses.WhereKnown("sparse_categorical_crossentropy"), run_eagerly=True)
    assert np.isfinite(model.fit(x, tags, verbose=0).history["loss"]).all()
    assert model(x).shape == (2, 10, 2)
    with pytest.raises(UserError, match=r"labels of shape \(2, 10\)"):
        model.fit(x, tags[:, :9], verbose=0)


def test_keywords_are_spotted_by_a_classifier():
    model = transfer.classifier(recordings.encoder(), classes=2)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    assert np.isfinite(model.fit(sounds(0.01, 0.005), np.array([0, 1]), verbose=0).history["loss"]).all()
    with pytest.raises(UserError, match="finite"):
        model.fit(np.full((2, 80), np.nan, "float32"), np.array([0, 1]), verbose=0)
