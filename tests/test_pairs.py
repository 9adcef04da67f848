"""Images and texts: the losses, `CLIP`, retrieval, and what is drawn and found about them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, captioned
from scipy.special import log_expit, log_softmax, softmax
from test_bad_input import refused

from keras_ssl import callbacks, data, encoders, evaluate, export, losses, objectives, tokenizers, views
from keras_ssl.errors import UserError
from keras_ssl.evaluate import embed_pairs, retrieval
from keras_ssl.export import deployment
from keras_ssl.export.clients import Sends
from keras_ssl.export.signatures import servings

WORDS = tokenizers.words(["a red circle", "a blue circle", "a red square", "a blue square"])
TEXTS = ["a red circle", "a blue square", "a red square"]


def of_images(size=8):
    return encoders.mlp((size, size, 3), units=(12,))


def of_texts(vocabulary=WORDS.vocabulary):
    """Make the mean of the vectors of ids."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    keep = keras.ops.cast(keras.ops.not_equal(ids, 0), "float32")[..., None]
    vectors = keras.layers.Embedding(vocabulary, 8, keras.initializers.RandomNormal(stddev=1.0), name="vectors")(ids)
    mean = keras.ops.sum(vectors * keep, axis=1) / keras.ops.maximum(keras.ops.sum(keep, axis=1), 1.0)
    return keras.Model(ids, mean, name="text_net")


def built(**kwargs):
    keras.utils.set_random_seed(0)
    return objectives.CLIP(of_images(), of_texts(), **kwargs)


@pytest.fixture(scope="module")
def clip():
    return built()


PICTURES = np.random.default_rng(0).random((3, 8, 8, 3)).astype("float32")
Z_1, Z_2 = np.random.default_rng(1).normal(size=(2, 6, 4)).astype("float32")


def cosines(one, other):
    one, other = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (one.astype("float64"), other))
    return one @ other.T


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_clip_by_hand():
    """Two pairs at right angles: at temperature 1 each of four choices costs log(e + 1) - 1."""
    z = np.array([[2.0, 0.0], [0.0, 3.0]], "float32")
    assert float(losses.clip(z, z, 1.0)) == pytest.approx(np.log(np.e + 1) - 1)
    assert float(losses.clip(z, z[::-1], 1.0)) == pytest.approx(np.log(np.e + 1))
    assert float(losses.clip(np.ones((5, 3)), np.ones((5, 3)), 0.07)) == pytest.approx(np.log(5))


def test_siglip_by_hand():
    """Of four possible pairs two are right, with the logit 1/t + b = 1, and two wrong, with -1, so all are sure."""
    z = np.array([[2.0, 0.0], [0.0, 3.0]], "float32")
    assert float(losses.siglip(z, z, 0.5, -1.0)) == pytest.approx(2 * np.log(1 + np.exp(-1)))
    assert float(losses.siglip(z, z[::-1], 0.5, -1.0)) == pytest.approx(2 * np.log(1 + np.exp(1)))


def test_losses_of_pairs_equal_numpy():
    s = cosines(Z_1, Z_2)
    rows, columns = (-log_softmax(s / 0.2, axis=axis).diagonal().mean() for axis in (1, 0))
    assert float(losses.clip(Z_1, Z_2, 0.2)) == pytest.approx((rows + columns) / 2, rel=1e-5)
    y = np.where(np.eye(6), 1, -1)
    expected = -log_expit(y * (s / 0.2 - 3)).sum() / 6
    assert float(losses.siglip(Z_1, Z_2, 0.2, -3.0)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [losses.clip, losses.siglip])
def test_losses_of_pairs_do_not_change_with_order_length_or_sides(loss):
    expected = float(loss(Z_1, Z_2, 0.2))
    order = [3, 1, 0, 5, 4, 2]
    for one, other in ((Z_1[order], Z_2[order]), (3 * Z_1, 0.1 * Z_2), (Z_2, Z_1)):
        assert float(loss(one, other, 0.2)) == pytest.approx(expected, rel=1e-5)
    assert float(loss(Z_1[order], Z_2, 0.2)) != pytest.approx(expected, rel=1e-2)


# ---- the objective ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contrast", "start"), [("softmax", 0.07), ("sigmoid", 0.1)])
def test_the_loss_is_that_of_the_projections_and_the_temperature_is_trained(contrast, start):
    model = built(contrast=contrast)
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    batch = {"image": PICTURES, "ids": WORDS.encode(TEXTS)}
    terms = model.evaluate(batch, batch_size=3, return_dict=True, verbose=0)
    s = model.embed_image(PICTURES) @ model.embed_text(TEXTS, WORDS).T
    if contrast == "softmax":
        expected = -np.mean([log_softmax(s / start, axis=axis).diagonal().mean() for axis in (0, 1)])
    else:
        expected = -log_expit(np.where(np.eye(3), 1, -1) * (s / start - 10)).sum() / 3
    assert terms["loss"] == pytest.approx(expected, rel=1e-4)
    assert terms["accuracy"] == pytest.approx((s.argmax(axis=1) == np.arange(3)).mean())
    assert terms["temperature"] == pytest.approx(start, rel=1e-5)
    model.train_on_batch(batch)
    moved = {"log_scale": -np.log(start), "shift": -10}
    for weight in (w for w in model.trainable_variables if w.name in moved):
        assert abs(float(weight) - moved[weight.name]) > 1e-4, weight.name
    assert hasattr(model, "shift") == (contrast == "sigmoid")


def test_the_temperature_does_not_fall_below_a_hundredth_and_rises_from_there():
    model = built(temperature=0.01)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.log_scale.assign(9.0)
    model.after_step({})
    assert float(model.log_scale) == pytest.approx(np.log(100))
    right = {"image": PICTURES, "ids": WORDS.encode(TEXTS)}
    s = model.embed_image(PICTURES) @ model.embed_text(TEXTS, WORDS).T
    assert (s.argmax(axis=1) != np.arange(3)).any()  # so the loss asks for a higher temperature
    assert model.train_on_batch(right, return_dict=True)["temperature"] == pytest.approx(0.01)
    assert float(model.log_scale) < np.log(100) - 1e-3


def test_squares_and_their_places_are_matched_and_the_doctor_is_content():
    """In twelve steps the right text becomes the nearest for some of 32 images, and not for one as by chance."""
    keras.utils.set_random_seed(1)
    model = objectives.CLIP(encoders.mlp(SHAPE, (32,)), of_texts(20))
    model.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    batch = captioned(32, 0)
    doctor = callbacks.CollapseDoctor(batch)
    doctor.set_model(model)
    doctor.on_train_begin()
    first = model.train_on_batch(batch, return_dict=True)
    for _ in range(12):
        model.train_on_batch(batch)
    for epoch in range(2):
        doctor.on_epoch_end(epoch)
    last = model.test_on_batch(batch, return_dict=True)
    assert last["loss"] < 0.7 * first["loss"]
    assert last["accuracy"] > 0.12
    assert doctor.findings == []
    assert model.predict_on_batch(batch["image"]).shape == (32, 32)


def test_the_doctor_names_a_collapse_of_pairs():
    model = built()
    model.projector.set_weights([np.ones_like(w) for w in model.projector.get_weights()])
    rng = np.random.default_rng(0)
    batch = {"image": rng.random((33, 8, 8, 3), "float32"), "ids": WORDS.encode(TEXTS * 11)}
    doctor = callbacks.CollapseDoctor(batch)
    doctor.set_model(model)
    model.stop_training = False  # as `fit` begins
    doctor.on_train_begin()
    doctor.on_epoch_end(0)
    with pytest.warns(callbacks.CollapseWarning, match="the temperature is too high"):
        doctor.on_epoch_end(1)
    assert doctor.findings[0].diagnosis in ("one point", "few dimensions")  # all lie on one line
    wrong = callbacks.CollapseDoctor({f"view_{k}": batch["image"] for k in (1, 2)})
    wrong.set_model(model)
    refused(wrong.on_train_begin, "an objective of two views", "CLIP")


def test_texts_are_embedded_with_their_tokenizer_alone(clip):
    ids = WORDS.encode(TEXTS, length=6)
    np.testing.assert_allclose(clip.embed_text(ids), clip.embed_text(TEXTS, WORDS), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(clip.embed_text(ids), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(clip.embed_image(PICTURES), clip.embed_image(PICTURES, batch_size=2), atol=1e-6)
    refused(lambda: clip.embed_text(TEXTS, tokenizers.words(["other words"])), "a model that takes the", "")
    refused(lambda: clip.embed_text(["a red circle", ""], WORDS), "texts of at least one token", "index 1")
    learned = encoders.transformer(WORDS.vocabulary, width=4, depth=1, heads=1, positions="learned", max_length=2)
    short = objectives.CLIP(of_images(), learned)
    np.testing.assert_array_equal(short.embed_text(TEXTS, WORDS), short.embed_text(WORDS.encode(TEXTS)[:, :2]))


def test_a_classifier_is_made_of_the_names_of_classes(clip):
    templates = ["a {} circle", "a {} square"]
    classifier = clip.zero_shot(["red", "blue"], WORDS, templates)
    texts = clip.embed_text([one.replace("{}", name) for name in ("red", "blue") for one in templates], WORDS)
    vectors = texts.reshape(2, 2, -1).mean(axis=1)
    logits = cosines(clip.embed_image(PICTURES), vectors) / 0.07
    np.testing.assert_allclose(classifier(PICTURES), softmax(logits, axis=1), atol=1e-5)
    before = clip.embed_image(PICTURES)
    for weight in classifier.weights:
        weight.assign(weight * 2)
    np.testing.assert_array_equal(clip.embed_image(PICTURES), before)  # its weights are its own
    for classes, given in ((["red"], templates), (["red", "red"], templates), ("red", templates), (["a", "b"], ["a"])):
        with pytest.raises(UserError, match=r"Expected (at least two classes|a list of templates)"):
            clip.zero_shot(classes, WORDS, given)
    with pytest.raises(UserError, match="'red' and 'red ', of the same ids"):
        clip.zero_shot(["red", "red "], WORDS)


def test_both_sides_are_served_and_the_tokenizer_may_be_of_either(clip, tmp_path, monkeypatch):
    image, text = servings(clip, Sends())
    assert (image.name, image.aliases, text.name) == ("serving_default", ("embed",), "embed_text")
    np.testing.assert_allclose(image.answer(PICTURES)["embedding"], clip.embed_image(PICTURES), atol=1e-6)
    ids = WORDS.encode(TEXTS)
    np.testing.assert_allclose(text.answer(ids)["embedding"], clip.embed_text(ids), atol=1e-6)
    other = tokenizers.words(["other words"])
    refused(lambda: export.deploy(clip, tmp_path / "clip", tokenizer=other), "ids of the tokenizer")

    def written(*_):
        raise InterruptedError

    monkeypatch.setattr(deployment, "write_saved_model", written)
    with pytest.raises(InterruptedError):  # all was right up to here
        export.deploy(clip, tmp_path / "clip", tokenizer=WORDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contrast": "cosine"}, "contrast among softmax, sigmoid"),
        ({"temperature": 0.001}, "temperature at least 0.01"),
        ({"text_encoder": of_images()}, "an encoder of rows of ids"),
        ({"encoder": of_texts()}, "an encoder of images"),
        ({"text_projector": keras.Sequential([keras.Input((8,)), keras.layers.Dense(5)])}, "vectors of 128 numbers"),
    ],
)
def test_what_is_no_clip_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        objectives.CLIP(**{"encoder": of_images(), "text_encoder": of_texts()} | arguments)


@pytest.mark.parametrize("in_a_data_set", [False, True])
def test_one_text_for_all_and_empty_ones_are_refused_before_a_step(clip, in_a_data_set):
    clip.compile("adam", run_eagerly=True)
    for ids, message in (
        (WORDS.encode(["a red circle"] * 3), "texts that tell images apart"),
        (WORDS.encode(["a red circle", "", "a"]), "texts of the images of at least one token"),
    ):
        batch = {"image": PICTURES, "ids": ids}
        with pytest.raises(UserError, match=message):
            clip.fit(tf.data.Dataset.from_tensors(batch) if in_a_data_set else batch, verbose=0)
    assert int(clip.step) == 0


# ---- views -----------------------------------------------------------------------------------------------------------


def test_views_change_images_and_keep_texts(clip):
    source = data.from_pairs(PICTURES, TEXTS, WORDS)
    flipped = views.captioned(views.Policy([views.flip(horizontal=1.0)]))
    for policy in (views.captioned(), flipped):
        (batch,) = (
            data.batches(source, views=policy, batch_size=3, shuffle=False)
            if policy is not flipped
            else (flipped(source.inputs(), (0, 0)),)
        )
        np.testing.assert_array_equal(batch["ids"], WORDS.encode(TEXTS))
        np.testing.assert_allclose(batch["image"], PICTURES if policy is not flipped else PICTURES[:, :, ::-1])
    refused(lambda: views.captioned()(PICTURES, (0, 0)), "pairs of 'image' and 'ids'", "one tensor")
    refused(lambda: views.captioned("flip"), "a policy", "'flip'")
    clip.compile("adam", run_eagerly=True)
    refused(lambda: clip.train_on_batch({"input": source.inputs()}), "keys ('image', 'ids')", "image, ids missing")


# ---- retrieval -------------------------------------------------------------------------------------------------------


def test_retrieval_by_hand():
    """Of image 2 the own text is second, and of all others first; text 0 has two images that are as near."""
    images_ = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0.2, 1.1]])
    texts = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0.01]])
    found = retrieval(images_, texts)
    assert found["image_to_text"]["recall_at_1"] == pytest.approx(1.0)
    assert found["text_to_image"]["recall_at_1"] == pytest.approx(2 / 3)  # text 2 is nearer to image 0
    assert found["text_to_image"]["median_rank"] == 1
    assert found["chance_image_to_text"] == pytest.approx(
        {"recall_at_1": 1 / 3, "recall_at_5": 1, "recall_at_10": 1, "median_rank": 2}
    )


def test_retrieval_equals_sorting_and_groups_have_several_answers():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(20, 5)), rng.normal(size=(30, 5))
    groups, others = rng.permutation(20) % 10, rng.permutation(30) % 10
    found = retrieval(one, other, groups, others)
    order = np.argsort(-cosines(one, other), axis=1)
    ranks = [1 + int(np.argmax(others[row] == group)) for row, group in zip(order, groups)]
    assert found["image_to_text"]["median_rank"] == np.median(ranks)
    assert found["image_to_text"]["recall_at_5"] == np.mean(np.array(ranks) <= 5)
    drawn = [1 + np.argmax(rng.permutation(others) == 0) for _ in range(4000)]
    assert found["chance_image_to_text"]["recall_at_5"] == pytest.approx(np.mean(np.array(drawn) <= 5), abs=0.04)
    named = retrieval(one, other, [f"g{k}" for k in groups], [f"g{k}" for k in others])
    assert named == found
    sets = retrieval(one, other, [{k, "other"} for k in groups], [[k, "another"] for k in others])
    assert sets == found


def test_vectors_that_are_alike_are_as_good_as_chance():
    found = retrieval(np.ones((40, 3)), np.ones((40, 3)))
    assert found["image_to_text"] == {"recall_at_1": 0, "recall_at_5": 0, "recall_at_10": 0, "median_rank": 20.5}
    assert found["chance_image_to_text"]["median_rank"] == 20


def test_what_cannot_be_retrieved_is_refused(clip):
    ones = np.ones((3, 2))
    for call, expected in (
        (lambda: retrieval(ones, np.ones((4, 2))), "one text for each image"),
        (lambda: retrieval(ones, np.ones((3, 5))), "vectors of the same width"),
        (lambda: retrieval(ones, ones, [0, 1, 2], [0, 1, 1]), "a right answer for each query"),
        (lambda: retrieval(ones * np.nan, ones), "finite"),
        (lambda: embed_pairs(clip, data.from_arrays(PICTURES)), "a source of pairs"),
        (lambda: embed_pairs(clip.encoder, data.from_arrays(PICTURES)), "a model with a method `embed_image`"),
    ):
        with pytest.raises(UserError, match=expected):
            call()


def test_pairs_are_embedded_batch_by_batch(clip):
    source = data.from_pairs(PICTURES, TEXTS, WORDS)
    found = embed_pairs(clip, source, batch_size=2)
    for one, other in zip(found, (clip.embed_image(PICTURES), clip.embed_text(TEXTS, WORDS))):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert evaluate.retrieval(*found)["chance_text_to_image"]["recall_at_1"] == pytest.approx(1 / 3)
