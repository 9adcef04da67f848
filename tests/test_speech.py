"""Sound: what is padding, mel filters, encoders, hidden spans, the quantizer, wav2vec 2.0 and its losses."""

import math

import keras
import numpy as np
import pytest
from cases import CASES, of_sound, recordings, small_head
from quick import eagerly

from benchmarks import speech
from keras_ssl import blocks, callbacks, data, encoders, losses, measures, objectives, recipes, transforms, views
from keras_ssl.callbacks import diagnoses
from keras_ssl.errors import UserError
from keras_ssl.networks import kept_frames, parts

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

RNG = np.random.default_rng(0)
N = 8
SEED = np.array([3, 5])
BATCH = recordings(N, 0)
AUDIO = BATCH["input"]
SMALL = {"width": 8, "rate": 100, "frame": 8, "step": 4, "mels": 3}
ENCODERS = {
    "wav2vec2": of_sound,
    "spectrogram_transformer": lambda: encoders.spectrogram_transformer(depth=1, heads=2, **SMALL),
    "spectrogram_conv": lambda: encoders.spectrogram_conv(filters=(2, 3), depth=1, **SMALL),
}
every_encoder = pytest.mark.parametrize("name", ENCODERS)


@pytest.fixture(scope="module")
def built():
    return {name: make() for name, make in ENCODERS.items()}


@pytest.fixture(scope="module")
def wav2vec2():
    """The objective of the conformance suite."""
    (case,) = [case for case in CASES if case.name == "Wav2Vec2"]
    keras.utils.set_random_seed(0)
    objective = case.build()
    objective.compile("sgd", run_eagerly=True)
    return objective


# ---- padding and filters ---------------------------------------------------------------------------------------------


def test_padding_is_the_trailing_run_of_zeros_by_hand():
    audio = np.array([[0, 0.1, 0, 0, -0.2, 0, 0], [0, 0, 0, 0, 0, 0, 0.3], [0, 0, 0, 0, 0, 0, 0]], "float32")
    found = keras.ops.convert_to_numpy(kept_frames(audio))
    np.testing.assert_array_equal(found, [[1, 1, 1, 1, 1, 0, 0], [1] * 7, [0] * 7])
    found = keras.ops.convert_to_numpy(kept_frames(audio, 3))  # the last frame has one sample
    np.testing.assert_array_equal(found, [[1, 1, 0], [1, 1, 1], [0, 0, 0]])


def test_filters_are_triangles_that_sum_to_one_between_the_first_and_the_last_center():
    filters, frequencies = blocks.mel_filters(8000, 512, 40), np.linspace(0, 4000, 257)
    assert filters.shape == (257, 40)
    mel = np.linspace(2595 * math.log10(1 + 20 / 700), 2595 * math.log10(1 + 4000 / 700), 42)
    edges = [700 * (10 ** (m / 2595) - 1) for m in mel]
    inside = (frequencies >= edges[1]) & (frequencies <= edges[-2])
    np.testing.assert_allclose(filters.sum(axis=1)[inside], 1, atol=1e-5)
    expected = [np.interp(frequencies, edges[k : k + 3], [0, 1, 0], left=0, right=0) for k in range(40)]
    np.testing.assert_allclose(filters, np.transpose(expected), atol=1e-5)
    with pytest.raises(UserError, match=r"31.25 Hz apart.*mels=200"):
        blocks.mel_filters(8000, 256, 200)


def test_a_spectrogram_is_that_of_numpy_standardized():
    rng = np.random.default_rng(1)
    audio = rng.normal(0, 0.2, (2, 30)).astype("float32")
    audio[1, 17:] = 0
    tokens, keep = parts(ENCODERS["spectrogram_conv"]()).embed(audio)
    window, filters = np.hanning(8), blocks.mel_filters(100, 8, 3)
    for row, kept in ((0, 8), (1, 5)):
        frames = [np.pad(audio[row], (0, 8))[4 * k : 4 * k + 8] for k in range(kept)]
        powers = np.abs(np.fft.rfft(window * frames)) ** 2 * [1, 2, 2, 2, 1]
        x = np.log(powers @ filters + 1e-4)
        expected = (x - x.mean()) / np.sqrt(x.var() + 1e-3)
        np.testing.assert_array_equal(np.array(keep)[row], np.arange(8) < kept)
        np.testing.assert_allclose(np.array(tokens)[row, :kept], expected, atol=1e-3)
        assert not np.array(tokens)[row, kept:].any()


# ---- encoders --------------------------------------------------------------------------------------------------------


@every_encoder
def test_padding_changes_nothing_silence_is_zero_and_any_length_is_taken(name, built):
    encoder = built[name]
    h = np.array(encoder(AUDIO))
    assert h.shape == (N, 8)
    assert np.abs(h - h[::-1]).max() > 1e-2
    audio = np.pad(AUDIO, ((0, 1), (0, 13)))  # and a silent one
    audio[-2] = 0.5 * AUDIO[-1, :1] * (np.arange(61) == 0)  # a recording of one sample
    padded = np.array(encoder(audio))
    np.testing.assert_allclose(padded[:-2], h[:-1], atol=1e-5)
    assert not padded[-1].any()
    for length in (1, 3):  # shorter than a frame, and one sample
        np.testing.assert_allclose(encoder(audio[-2:-1, :length]), padded[-2:-1], atol=1e-4)
    assert encoder.get_layer("tokens").compute_output_shape((1, 3))[0][1] == 1


def test_a_file_keeps_a_spectrogram_whose_filters_do_not_train(built, tmp_path):
    encoder = built["spectrogram_conv"]
    encoder.save(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "encoder.keras")(AUDIO), encoder(AUDIO))
    assert {w.path.split("/")[-2] for w in encoder.non_trainable_weights} == {"powers"}
    assert all("powers" not in weight.path for weight in encoder.trainable_weights)


def test_they_are_the_same_in_onnx_at_any_length(built):
    onnxruntime, tf2onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("tf2onnx")
    two = [built[name] for name in ("wav2vec2", "spectrogram_conv")]
    signature = [tf.TensorSpec((None, None), name="audio")]
    function = tf.function(
        lambda audio: {"h": tf.concat([encoder(audio) for encoder in two], axis=1)}, signature, autograph=False
    )
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for audio in (AUDIO, AUDIO[:1, :3], np.pad(AUDIO, ((0, 1), (0, 5)))):
        np.testing.assert_allclose(session.run(None, {"audio": audio})[0], function(audio)["h"], atol=1e-4)


def test_a_spectrogram_in_half_precision_is_close(built):
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = ENCODERS["spectrogram_conv"]()
    keras.config.set_dtype_policy("float32")
    half.set_weights(built["spectrogram_conv"].get_weights())
    h = half(AUDIO)
    assert h.dtype == "float32"
    np.testing.assert_allclose(h, built["spectrogram_conv"](AUDIO), atol=0.1)


def test_the_default_encoder_has_eight_hundred_thousand_weights():
    assert 700_000 < encoders.wav2vec2().count_params() < 900_000
    for count in (1, 2):
        small = encoders.wav2vec2(32, 1, 2, kernels=(10, 8)[:count], strides=(5, 4)[:count])
        assert small.output_shape == (None, 32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: encoders.wav2vec2(width=12, heads=4), "4 heads are of even width.*width=12"),
        (lambda: encoders.wav2vec2(strides=(5, 4)), "5, 5 and 2"),
        (lambda: encoders.wav2vec2(kernels=(10, 8, 4, 4, 1)), r"strides\[4\]"),
        (lambda: encoders.wav2vec2(width=8, heads=2, filters=(4, 4, 4, 4, 4)), "8 filters in the last convolution.*4"),
        (lambda: encoders.wav2vec2(dropout=1.0), "dropout"),
        (lambda: encoders.spectrogram_conv(step=300), "step.*at most 256"),
        (lambda: encoders.spectrogram_conv(filters=(8, 0)), "filters as a whole number at least 1"),
        (lambda: encoders.spectrogram_transformer(mels=500), "mels=500"),
    ],
)
def test_arguments_of_encoders_that_do_not_fit_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_two_views_of_sound_train_every_weight(built):
    objective = objectives.SimCLR(encoder := built["spectrogram_conv"], small_head(encoder))
    objective.compile("sgd", run_eagerly=True)
    before = encoder.get_weights()
    terms = objective.train_on_batch({"view_1": AUDIO, "view_2": 0.9 * np.roll(AUDIO, 2, axis=1)}, return_dict=True)
    assert np.isfinite(terms["loss"])
    moved = [(a != b).any() for a, b in zip(before, encoder.get_weights())]
    assert moved == [weight.trainable and "powers" not in weight.path for weight in encoder.weights]


# ---- spans and distractors -------------------------------------------------------------------------------------------


def test_spans_are_hidden_among_kept_places_and_are_shorter_in_short_recordings():
    kept = np.array([100, 50, 20, 3, 2, 1, 0])
    keep = np.arange(100) < np.repeat(kept, 40)[:, None]
    hidden = keras.ops.convert_to_numpy(transforms.span_mask(keep, 0.065, 10, SEED)).reshape(7, 40, 100)
    assert not (hidden.reshape(280, 100) & ~keep).any()
    counts = hidden.sum(axis=2)
    np.testing.assert_array_equal(counts[3:].max(axis=1), [2, 1, 0, 0])
    np.testing.assert_array_equal(counts[3:].min(axis=1), [2, 1, 0, 0])
    for row, (spans, span) in enumerate([(6, 10), (3, 10), (2, 5)]):  # spans may overlap
        assert span < counts[row].min() <= counts[row].max() <= spans * span
        edges = np.diff(np.pad(hidden[row].astype(int), ((0, 0), (1, 1))), axis=1)
        lengths = [np.flatnonzero(e == -1) - np.flatnonzero(e == 1) for e in edges]
        assert min(one.min() for one in lengths) >= span
        assert max(len(one) for one in lengths) <= spans
    shares = hidden[1, :, :50].mean(axis=0)
    assert shares[10:40].min() > 0.2  # each place is hidden sometimes
    assert (hidden[0, 1:] != hidden[0, :-1]).any(axis=1).all()


def test_distractors_are_all_other_hidden_places_alike():
    hidden = RNG.random((3, 9)) < 0.5
    hidden[:, :2] = True
    hidden[2, 1:] = False
    found = keras.ops.convert_to_numpy(transforms.distractors(hidden, RNG.random((3, 9, 3000)).astype("float32")))
    for row in range(2):
        places = np.flatnonzero(hidden[row])
        for place in places:
            values, counts = np.unique(found[row, place], return_counts=True)
            assert set(values) == set(places) - {place}
            np.testing.assert_allclose(counts / 3000, 1 / (len(places) - 1), atol=0.05)
    assert (found[2, 0] == 0).all()
    nearly_one = np.full((3, 9, 1), np.nextafter(np.float32(1), np.float32(0)))
    assert set(np.ravel(transforms.distractors(hidden, nearly_one))) <= set(range(9))


def test_gumbel_noise_has_the_mean_and_the_variance_of_the_distribution():
    noise = keras.ops.convert_to_numpy(transforms.gumbel_noise((200, 200), SEED))
    assert noise.mean() == pytest.approx(0.5772, abs=0.03)
    assert noise.var() == pytest.approx(math.pi**2 / 6, abs=0.05)


# ---- the quantizer ---------------------------------------------------------------------------------------------------


def test_the_quantizer_takes_an_entry_of_each_book_as_numpy_does():
    quantizer, x = blocks.GumbelQuantizer(2, 3, 4), RNG.normal(size=(2, 5, 6)).astype("float32")
    noise = RNG.gumbel(size=(2, 5, 2, 3)).astype("float32")
    found, choice, probabilities = map(np.array, quantizer(x, temperature=0.7, noise=noise))
    scores, bias, books, projection = (np.array(w, "float64") for w in quantizer.weights)
    standard = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
    for row, place in np.ndindex(2, 5):
        logits = (standard[row, place] @ scores + bias).reshape(2, 3)
        entries = (logits + noise[row, place]).argmax(axis=1)
        joined = np.concatenate([books[g, v] for g, v in enumerate(entries)])
        np.testing.assert_allclose(found[row, place], joined @ projection, atol=1e-4)
        np.testing.assert_allclose(choice[row, place], np.eye(3)[entries], atol=1e-6)
        likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(probabilities[row, place], likely, atol=1e-4)
    again = blocks.GumbelQuantizer.from_config(quantizer.get_config())
    assert (again.groups, again.entries, again.width) == (2, 3, 4)


def test_its_gradient_is_that_of_the_softmax():
    quantizer, x = blocks.GumbelQuantizer(1, 3, 2), RNG.normal(size=(1, 4, 5)).astype("float32")
    factor = RNG.normal(size=(1, 4, 1, 3)).astype("float32")
    quantizer(x)
    gradients = []
    for soft in (False, True):
        with tf.GradientTape() as tape:
            _, choice, likely = quantizer(x)
            loss = tf.reduce_sum(factor * (likely if soft else choice))
        gradients.append(tape.gradient(loss, quantizer.scores.value))
    np.testing.assert_allclose(*gradients, atol=1e-5)
    assert np.abs(gradients[0]).max() > 0.01


def test_groups_that_do_not_divide_the_width_are_a_clear_error():
    with pytest.raises(UserError, match=r"3 groups divide.*width=8"):
        blocks.GumbelQuantizer(3, 4, 8)


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_logits_by_hand():
    contexts = np.array([[[2.0, 0], [0, 1], [3, 3]]], "float32")
    targets = np.array([[[1.0, 0], [1, 0], [0, 5]]], "float32")
    distractors, codes = np.array([[[1, 2], [2, 0], [0, 1]]]), np.array([[4, 4, 1]], "int32")
    found = losses.distractor_logits(contexts, targets, distractors, codes, temperature=0.5)
    half = 2 * math.sqrt(0.5)  # places 0 and 1 have one code
    np.testing.assert_allclose(found, [[[2, -1e9, 0], [0, 2, -1e9], [half, half, half]]], atol=1e-6)


def test_logits_do_not_depend_on_lengths_of_vectors_and_equal_numpys():
    c, q = RNG.normal(size=(2, 2, 6, 4)).astype("float32")
    distractors, codes = RNG.integers(0, 6, (2, 6, 3)), RNG.integers(0, 3, (2, 6)).astype("int32")
    found = np.array(losses.distractor_logits(c, q, distractors, codes, 0.2))
    np.testing.assert_allclose(losses.distractor_logits(3 * c, 0.1 * q, distractors, codes, 0.2), found, atol=1e-5)
    for n, t in np.ndindex(2, 6):
        for k, place in enumerate([t, *distractors[n, t]]):
            cosine = c[n, t] @ q[n, place] / np.linalg.norm(c[n, t]) / np.linalg.norm(q[n, place])
            excluded = k > 0 and codes[n, place] == codes[n, t]
            assert found[n, t, k] == pytest.approx(-1e9 if excluded else cosine / 0.2, rel=1e-4, abs=1e-5)


def test_diversity_by_hand_and_as_numpy_has_it():
    assert float(losses.code_diversity(np.full((2, 4), 0.25))) == pytest.approx(0, abs=1e-5)
    assert float(losses.code_diversity(np.eye(4)[:2])) == pytest.approx(0.75, abs=1e-5)
    p = RNG.dirichlet(np.ones(5), 3)
    perplexities = np.exp([-(row * np.log(row)).sum() for row in p])
    assert float(losses.code_diversity(p)) == pytest.approx(1 - perplexities.sum() / 15, rel=1e-4)
    shuffled = p[::-1, [3, 0, 2, 1, 4]]
    assert float(losses.code_diversity(shuffled)) == pytest.approx(float(losses.code_diversity(p)), rel=1e-5)
    np.testing.assert_allclose(measures.perplexity(p), perplexities, rtol=1e-4)


# ---- the objective ---------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_hidden_places_as_numpy_has_it(wav2vec2):
    outputs = {key: np.array(x) for key, x in wav2vec2.forward_pass(BATCH, training=False).items()}
    terms = {key: float(x) for key, x in wav2vec2.loss_terms(outputs).items()}
    hidden, keep = outputs["hidden"], outputs["keep"]
    np.testing.assert_array_equal(hidden, BATCH["mask"] & keep)
    entries, found, right = outputs["choice"].argmax(axis=-1), [], []
    for n, t in np.argwhere(hidden):
        places = np.flatnonzero(hidden[n])
        mine = list(places).index(t)
        others = [places[(mine + 1 + int(u * (len(places) - 1))) % len(places)] for u in BATCH["negatives"][n, t]]
        others = [place for place in others if (entries[n, place] != entries[n, t]).any()]
        c, q = outputs["contexts"][n, t], outputs["targets"][n, [t, *others]]
        scores = q @ c / np.linalg.norm(q, axis=1) / np.linalg.norm(c) / 0.3
        if others:
            found.append(np.log(np.exp(scores).sum()) - scores[0])
            right.append(scores.argmax() == 0)
    assert terms["contrast"] == pytest.approx(np.mean(found), rel=1e-4)
    assert terms["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    used = np.eye(4)[outputs["probabilities"].argmax(axis=-1)][keep].mean(axis=0)
    likely = outputs["probabilities"][keep].mean(axis=0)
    perplexity = np.exp(-(likely * np.log(likely)).sum(axis=1))
    assert terms["diversity"] == pytest.approx(1 - perplexity.sum() / 8, rel=1e-4)
    assert terms["perplexity"] == pytest.approx(np.exp(-(used * np.log(used + 1e-7)).sum(axis=1)).min(), rel=1e-4)
    penalty = np.square(outputs["tokens"][keep]).mean()
    assert terms["loss"] == pytest.approx(terms["contrast"] + 0.2 * terms["diversity"] + 0.1 * penalty, rel=1e-4)


def test_contexts_that_are_all_alike_pick_nothing_out(wav2vec2):
    outputs = dict(wav2vec2.forward_pass(BATCH, training=False))
    terms = wav2vec2.loss_terms({**outputs, "contexts": 0 * outputs["contexts"]})
    assert float(terms["accuracy"]) == 0


def test_padding_and_silent_recordings_change_no_loss(wav2vec2):
    wider = {"input": [(0, 2), (0, 8)], "mask": [(0, 2), (0, 2)], "negatives": [(0, 2), (0, 2), (0, 0)]}
    batch = {key: BATCH[key] for key in wider}
    wide = {key: np.pad(x, wider[key]) for key, x in batch.items()}
    (_, expected), (_, found) = (wav2vec2.run(x, training=False) for x in (batch, wide))
    assert {k: float(v) for k, v in found.items()} == pytest.approx(
        {k: float(v) for k, v in expected.items()}, rel=1e-4
    )
    _, alone = wav2vec2.run({"input": 0 * AUDIO}, training=False)  # of silence only
    assert np.isfinite([float(term) for term in alone.values()]).all()


def test_what_is_drawn_differs_in_training_and_every_weight_gets_a_gradient(wav2vec2):
    drawn = [wav2vec2.forward_pass({"input": AUDIO}, training=True) for _ in range(2)]
    for key in ("hidden", "distractors", "choice"):
        assert np.abs(np.array(drawn[0][key], "float32") - np.array(drawn[1][key], "float32")).max() > 0.9
    with tf.GradientTape() as tape:
        _, terms = wav2vec2.run(BATCH, training=True)
    gradients = tape.gradient(terms["loss"], [weight.value for weight in wav2vec2.trainable_weights])
    assert all(np.abs(np.array(g)).max() > 0 for g in gradients)


def test_the_temperature_of_the_codes_falls_with_the_steps():
    objective = objectives.Wav2Vec2(of_sound())
    for step, expected in ((0, 2.0), (100, 2 * 0.999**100), (5000, 0.5)):
        objective.step.assign(step)
        assert float(objective._code_temperature()) == pytest.approx(expected, rel=1e-4)


def test_the_penalty_does_not_outweigh_the_contrast_of_tokens_that_are_normalized(built):
    objective = objectives.Wav2Vec2(built["wav2vec2"], entries=4)
    outputs = objective.forward_pass({"input": AUDIO}, training=True)
    square = np.square(outputs["tokens"])[np.array(outputs["keep"])].mean()
    assert square == pytest.approx(0.4, abs=0.1)
    assert objective.penalty * square < 0.1 * float(objective.loss_terms(outputs)["contrast"])


def test_it_runs_on_spectrograms(built):
    objective = objectives.Wav2Vec2(built["spectrogram_transformer"], entries=4, negatives=5)
    _, terms = objective.run({"input": AUDIO}, training=True)
    assert np.isfinite(terms["loss"])


# ---- recipes ---------------------------------------------------------------------------------------------------------


def test_recipes_of_speech_train_for_an_epoch(monkeypatch, built):
    sound = data.from_arrays((32767 * AUDIO).astype("int16"), kind="audio", name="tones")
    monkeypatch.setattr(encoders, "spectrogram_conv", lambda *_, **__: built["spectrogram_conv"])
    monkeypatch.setattr(views, "recordings", lambda rate: eagerly(lambda sounds, seed: sounds / float(2 + seed[0] % 9)))
    for name, kind in (("wav2vec2", objectives.Wav2Vec2), ("simclr_speech", objectives.SimCLR)):
        make = recipes.choose(name, "recordings/")
        assert make is getattr(recipes.speech, name)
        recipes.check_kind(sound, name)
        recipe = make(sound, epochs=1, seed=3)
        assert isinstance(recipe.objective, kind)
        assert (recipe.seed, recipe.batch_size, recipe.objective.seed) == (3, N, 3)
        recipe.objective.run_eagerly = True
        assert np.isfinite(recipe.fit(verbose=0).history["loss"]).all()
        assert f"--objective {name}" in make.__doc__
        assert f"Default: {make(sound).epochs}." in make.__doc__
    with pytest.raises(UserError, match=r"recordings, which all recipes of wav2vec2.*images"):
        recipes.check_kind(data.from_arrays(np.zeros((4, 8, 8, 1), "uint8")), "wav2vec2")


def test_recipes_of_speech_are_built_for_the_rate_of_the_recordings(monkeypatch, built):
    made, policy = {}, views.recordings

    def recorded(width, filters, depth, **frames):
        made["frames"] = tuple(frames.values())
        return built["spectrogram_conv"]

    monkeypatch.setattr(encoders, "spectrogram_conv", recorded)
    monkeypatch.setattr(views, "recordings", lambda rate: made.update(views=rate) or policy(rate))

    def of(rate):
        return data.from_arrays((32767 * AUDIO).astype("int16"), kind="audio", rate=rate)

    frames = {None: (8000, 256, 160), 16000: (16000, 512, 320), 11025: (11025, 353, 220)}
    for rate, expected in frames.items():
        recipes.speech.simclr_speech(of(rate))
        assert (made.pop("frames"), made.pop("views")) == (expected, expected[0])
        encoder = recipes.speech.wav2vec2(of(rate)).objective.encoder
        assert made.pop("frames") == expected
        assert encoder.output_shape[1] == 3 * built["spectrogram_conv"].output_shape[1]


# ---- collapse --------------------------------------------------------------------------------------------------------


def watched(objective, change):
    doctor = callbacks.CollapseDoctor({"input": np.tile(AUDIO, (4, 1))})
    objective.compile("sgd")
    doctor.set_model(objective)
    doctor.on_train_begin()
    change(objective)
    logs = [{}, {}]
    for epoch, of_epoch in enumerate(logs):
        doctor.on_epoch_end(epoch, of_epoch)
    return doctor, logs


def scores_of_zero(model):
    """Give all entries the same score at every place, so that noise alone tells them apart."""
    model.quantizer.scores.assign(0 * model.quantizer.scores)


def test_noise_does_not_hide_a_collapse_of_the_quantizer(wav2vec2):
    weights = wav2vec2.get_weights()
    scores_of_zero(wav2vec2)
    _, terms = wav2vec2.run(BATCH, training=True)
    wav2vec2.set_weights(weights)
    assert float(terms["perplexity"]) == pytest.approx(1, abs=1e-3)


def test_a_planted_collapse_of_the_quantizer_is_named_by_the_doctor():
    objective = objectives.Wav2Vec2(of_sound(), entries=4, negatives=5)
    with pytest.warns(callbacks.CollapseWarning, match=r"Wav2Vec2 after epoch 2: one code.*`diversity` \(0\.1\) is"):
        doctor, logs = watched(objective, lambda model: model.quantizer.bias.assign([99, 0, 0, 0, 0, 0, 0, 0]))
    assert [finding[:3] for finding in doctor.findings] == [(2, "one code", "doctor_perplexity")]
    assert doctor.before["doctor_perplexity"] > 1.75 > logs[0]["doctor_perplexity"] == pytest.approx(1, abs=1e-3)
    healthy, _ = watched(objectives.Wav2Vec2(of_sound(), entries=4, negatives=5), lambda model: None)
    assert healthy.findings == []


def test_the_threshold_of_the_perplexity_is_lower_for_small_code_books():
    for entries, below in ((2, 1.25), (4, 1.75), (64, 2.0)):
        for figure, found in ((below - 0.01, True), (below + 0.01, False)):
            figures = {"doctor_perplexity": figure}
            assert (diagnoses.diagnose(figures, figures, 8, entries) is not None) == found
    one_code, advice = diagnoses.diagnose({"doctor_perplexity": 1.0}, {"doctor_perplexity": 1.0}, 8), "; try 0.1)"
    for weight, advised in ((0.1, False), (0.01, True)):
        objective = objectives.Wav2Vec2(of_sound(), entries=4, diversity=weight)
        assert (advice in diagnoses.likely_cause(one_code, objective)) == advised


def test_the_doctor_needs_views_or_a_term_that_tells_of_a_collapse():
    doctor = callbacks.CollapseDoctor({"input": np.tile(AUDIO, (4, 1))})
    doctor.set_model(objectives.SimCLR(of_sound()))
    with pytest.raises(UserError, match=r"logs entropy or perplexity.*SimCLR"):
        doctor.on_train_begin()


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_recordings_that_cannot_be_trained_on_are_clear_errors(wav2vec2):
    with pytest.raises(UserError, match=r"at least 3 frames.*1 of 4 samples.*smaller strides"):
        wav2vec2.fit(AUDIO[:, :4], verbose=0)
    with pytest.raises(UserError, match=r"with sound.*zeros only"):
        wav2vec2.fit(np.zeros((N, 48), "float32"), verbose=0)
    broken = AUDIO.copy()
    broken[3, 5] = np.nan
    with pytest.raises(UserError, match=r"finite.*index 3"):
        wav2vec2.fit(broken, verbose=0)
    with pytest.raises(UserError, match=r"values in -1\.\.1.*-\d"):
        wav2vec2.fit(9 * AUDIO, verbose=0)
    with pytest.raises(UserError, match=r"a mask of 12 frames.*7"):
        wav2vec2.run({**BATCH, "mask": BATCH["mask"][:, :7]}, training=True)
    step = tf.function(lambda x: wav2vec2.run({"input": x}, training=True), autograph=False)
    with pytest.raises(UserError, match=r"unknown length.*pad all recordings"):
        step.get_concrete_function(tf.TensorSpec((N, None)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_ratio": 0}, "start_ratio"),
        ({"span": 0}, "span"),
        ({"negatives": 0}, "negatives"),
        ({"temperature": 0}, "temperature"),
        ({"code_temperature": 0}, "code_temperature"),
        ({"penalty": -1}, "penalty"),
        ({"groups": 3}, "3 groups divide"),
        ({"groups": 4, "entries": 320}, r"2\^31 combinations.*4 of 320.*1e\+10"),
    ],
)
def test_arguments_that_do_not_fit_are_clear_errors(arguments, message, built):
    with pytest.raises(UserError, match=message):
        objectives.Wav2Vec2(built["wav2vec2"], **arguments)


def test_an_encoder_of_something_else_is_a_clear_error():
    with pytest.raises(UserError, match=r"recordings.*for Wav2Vec2"):
        objectives.Wav2Vec2(encoders.dilated_conv(2, width=6, depth=1))


# ---- the benchmark ---------------------------------------------------------------------------------------------------


def test_the_benchmark_scores_by_draws_of_labels_and_by_speakers_left_out():
    digits, speakers = np.repeat(np.arange(10), 30), np.tile(["a", "b", "c"], 100)
    source = data.from_arrays(np.zeros((300, 8), "int16"), digits, kind="audio")
    told = np.eye(10)[digits] + 0.1 * np.random.default_rng(0).normal(size=(300, 10))
    assert speech.scores(told, source, speakers, False) == {"few": 1.0, "speaker": 1.0}
    to_choose, to_test = speech._pools(300)
    assert sorted([*to_choose, *to_test]) == list(range(300))
    unseen = told.copy()
    unseen[to_choose] = np.nan  # the test reads none of the clips that choices are made by
    assert speech.scores(unseen, source, speakers, False) == {"few": 1.0, "speaker": 1.0}
    of_two = np.eye(10)[np.where(speakers == "c", 0, digits)]  # nothing is known of the third one's digits
    found = speech.scores(of_two, source, speakers, False)
    assert found["speaker"] == pytest.approx((2 + 0.1) / 3, abs=0.05)
    assert found["few"] == pytest.approx((2 + 0.1) / 3, abs=0.1)
    figures = {"weights": 1234567, "cpu_seconds": 130.0}
    rows = {"log_mel": [found] * 2, "simclr": [{"few": few, "speaker": 0.5, "figures": figures} for few in (0.6, 0.8)]}
    text = speech.section({"rows": rows, "machine": "m", "protocol": {"version": speech.VERSION}})
    assert "| `SimCLR` on `spectrogram_conv` | 0.700 ± 0.100 | 0.500 | 1,234,567 | 2 |" in text
