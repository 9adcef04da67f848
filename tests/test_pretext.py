"""Pretext objectives: their transformations, their predictions, and warnings about images that do not show them."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, any_size, convolutional, images, single, turnable, two_convolutions, with_attributes

from keras_ssl import data, encoders, losses, objectives
from keras_ssl.errors import UserError
from keras_ssl.objectives.pretext import ChanceWarning
from keras_ssl.transforms.rearrangements import distant_permutations

N = 8
KINDS = (objectives.RotationPrediction, objectives.FlipPrediction, objectives.JigsawPrediction)
every_kind = pytest.mark.parametrize("kind", KINDS)


def compiled(objective, rate=1e-3):
    objective.compile(keras.optimizers.Adam(rate))
    return objective


def for_digits(kind=objectives.RotationPrediction):
    return compiled(kind(encoders.conv_net(SHAPE, filters=(16, 32), pooling="flatten")))


def fit(objective, x, **keywords):
    """Fit for an epoch, and return the history and the texts of all ChanceWarnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = objective.fit(x, verbose=0, **keywords).history
    return history, [str(w.message) for w in caught if issubclass(w.category, ChanceWarning)]


def digits(count, turned=False):
    x = data.load("digits")[:count].stored
    quarters = np.random.default_rng(0).integers(0, 4, count)
    return np.stack([np.rot90(image, k) for image, k in zip(x, quarters)]) if turned else x


def blobs(count=64):
    y, x = np.mgrid[-3.5:4, -3.5:4]
    widths = np.random.default_rng(0).uniform(2, 20, (count, 1, 1))
    return np.exp(-(x**2 + y**2) / widths)[..., None].astype("float32")


# ---- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        (objectives.RotationPrediction, [lambda x, k=k: np.rot90(x, k, axes=(1, 2)) for k in range(4)]),
        (
            objectives.FlipPrediction,
            [lambda x: x, lambda x: x[:, :, ::-1], lambda x: x[:, ::-1], lambda x: x[:, ::-1, ::-1]],
        ),
    ],
)
def test_every_image_is_seen_in_all_four_versions(kind, versions):
    x = images(N, 0)
    asked, labels = (np.asarray(part) for part in kind(convolutional()).questions({"input": x}, training=True))
    assert asked.shape == (4 * N, *SHAPE)
    for k, version in enumerate(versions):
        np.testing.assert_array_equal(asked[labels == k], version(x))


def test_a_jigsaw_has_an_order_of_each_image_drawn_anew_in_training_only():
    objective = objectives.JigsawPrediction(convolutional(), grid=2, permutations=7)
    batch = {"input": images(200, 0)}
    drawn = [np.asarray(objective.questions(batch, training)[1]) for training in (True, True, False, False)]
    assert set(drawn[0]) == set(range(7))
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[2], drawn[3])


def test_a_jigsaw_takes_the_permutations_of_the_batch():
    objective = objectives.JigsawPrediction(convolutional(), grid=2)
    x, which = images(5, 0), np.array([3, 0, 23, 7, 7])
    asked, labels = objective.questions({"input": x, "permutation": which}, training=True)
    np.testing.assert_array_equal(labels, which)
    for image, shuffled, order in zip(x, np.asarray(asked), distant_permutations(24, 4)[which]):
        tiles = [image[4 * (tile // 2) :, 4 * (tile % 2) :][:4, :4] for tile in order]
        np.testing.assert_array_equal(shuffled[:4, :4], tiles[0])
        np.testing.assert_array_equal(shuffled[:4, 4:], tiles[1])
        np.testing.assert_array_equal(shuffled[4:, :4], tiles[2])
        np.testing.assert_array_equal(shuffled[4:, 4:], tiles[3])


def test_a_loaded_jigsaw_has_the_same_set_of_permutations(tmp_path):
    objective = compiled(objectives.JigsawPrediction(convolutional(), grid=4, permutations=5, seed=9))
    objective.save(tmp_path / "jigsaw.keras")
    loaded = keras.saving.load_model(tmp_path / "jigsaw.keras")
    np.testing.assert_array_equal(loaded.orders, objective.orders)
    assert loaded.orders.shape == (5, 16)


def test_terms_are_those_of_the_answers():
    objective = compiled(objectives.RotationPrediction(convolutional()))
    x = turnable(N, 0)["input"]
    logs = objective.evaluate(x, batch_size=N, return_dict=True, verbose=0)
    asked, labels = objective.questions({"input": x}, training=False)
    logits = np.asarray(objective.head(objective.encoder(asked)))
    assert logs["loss"] == pytest.approx(float(losses.cross_entropy(logits, labels)), rel=1e-5)
    assert logs["accuracy"] == pytest.approx(np.mean(logits.argmax(axis=1) == np.asarray(labels)))


@every_kind
def test_batches_whose_size_is_open_are_trained_on(kind):
    objective = compiled(kind(any_size()))
    history, _ = fit(objective, data.batches(images(10, 0), batch_size=4))
    assert np.isfinite(history["loss"]).all()
    assert int(objective.step) == 3


# ---- warnings --------------------------------------------------------------------------------------------------------


def test_upright_digits_are_told_from_turned_ones_without_a_warning():
    objective = for_digits()
    history, warned = fit(objective, digits(512), epochs=3)
    assert history["accuracy"][-1] > 0.6
    assert warned == []
    # On randomly rotated digits the accuracy cannot be above chance, whatever the network has learned.
    history, warned = fit(objective, digits(512), validation_data=digits(512, turned=True))
    assert history["accuracy"][-1] > 0.6
    assert len(warned) == 1
    assert f"is {history['val_accuracy'][-1]:.3f}; guessing gives 0.250" in warned[0]


def test_digits_that_were_turned_at_random_stay_at_chance_and_say_so():
    history, warned = fit(for_digits(), digits(512, turned=True), epochs=3)
    assert history["accuracy"][-1] < 0.35
    assert len(warned) == 1
    assert "After training, the accuracy of RotationPrediction" in warned[0]
    assert "already rotated at random" in warned[0]


@pytest.mark.parametrize("kind", KINDS[:2])
def test_round_blobs_are_told_before_training(kind):
    objective = compiled(kind(convolutional()))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ChanceWarning)
        with pytest.raises(
            ChanceWarning, match=f"100 % of the images look alike in all 4 versions that {kind.__name__}"
        ):
            objective.fit(blobs(), verbose=0)
        assert int(objective.step) == 0
    noise = np.random.default_rng(0).normal(0, 0.02, (64, *SHAPE))
    _, warned = fit(objective, np.clip(blobs() + noise, 0, 1).astype("float32"))
    assert "look alike" in warned[0]


def test_images_of_equal_tiles_are_told_before_a_jigsaw():
    tiled = np.tile(images(32, 0)[:, :4, :4], (1, 2, 2, 1))
    _, warned = fit(compiled(objectives.JigsawPrediction(convolutional())), tiled)
    assert "look alike in all 24 versions that JigsawPrediction" in warned[0]
    assert "textures" in warned[0]


@every_kind
def test_a_minority_of_such_images_is_no_warning_before_training(kind):
    mixed = np.concatenate([np.zeros((7, *SHAPE), "float32"), turnable(9, 0)["input"]])
    _, warned = fit(compiled(kind(convolutional())), mixed)
    assert not any("of the images look alike" in text for text in warned)


# ---- what does not fit -----------------------------------------------------------------------------------------------


def test_a_quarter_turn_needs_square_images():
    with pytest.raises(UserError, match=r"square images.*8 x 6 pixels.*FlipPrediction"):
        objectives.RotationPrediction(encoders.conv_net((8, 6, 1), filters=(4,)))
    with pytest.raises(UserError, match="square images"):
        compiled(objectives.RotationPrediction(any_size())).fit(images(N, 0)[:, :6], verbose=0)
    objectives.FlipPrediction(encoders.conv_net((8, 6, 1), filters=(4,)))


def test_a_jigsaw_needs_tiles_of_one_size():
    with pytest.raises(UserError, match=r"multiples of grid=3.*12 x 8 pixels.*choose grid=2 or grid=4"):
        objectives.JigsawPrediction(encoders.conv_net((12, 8, 1), filters=(4,)), grid=3)
    with pytest.raises(UserError, match=r"multiples of grid=2.*7 x 7.*`size=`"):
        objectives.JigsawPrediction(encoders.conv_net((7, 7, 1), filters=(4,)))
    with pytest.raises(UserError, match="multiples of grid=2"):
        compiled(objectives.JigsawPrediction(any_size())).fit(images(N, 0)[:, :7, :7], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"permutations": 25}, "permutations as a whole number at least 2 and at most 24"),
        ({"permutations": 1}, "permutations as a whole number at least 2"),
        ({"grid": 1}, "grid as a whole number at least 2"),
    ],
)
def test_a_jigsaw_has_no_more_permutations_than_there_are(arguments, words):
    with pytest.raises(UserError, match=words):
        objectives.JigsawPrediction(convolutional(), **arguments)


@every_kind
def test_what_is_no_image_cannot_be_transformed(kind):
    with pytest.raises(UserError, match=rf"encoder of images.*{kind.__name__}.*\(None, 5\)"):
        kind(encoders.mlp((5,), units=(4,)))


# ---- attributes ------------------------------------------------------------------------------------------------------

ATTRIBUTES = {"side": 2, "brightness": None, "any": 3}


def three_attributes(n=N):
    batch = with_attributes(n, 0)
    return batch | {"attributes": np.column_stack([batch["attributes"], np.arange(n) % 3]).astype("float32")}


def test_attributes_count_alike_in_the_loss_and_are_logged_one_by_one():
    objective = compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES))
    batch = three_attributes()
    logs = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    h = objective.encoder(batch["input"])
    side, brightness, other = (np.asarray(head(h), "float64") for head in objective.heads)
    assert [part.shape[1] for part in (side, brightness, other)] == [2, 1, 3]
    right = batch["attributes"]
    error = np.square(brightness[:, 0] - right[:, 1]).mean()
    crossed = []
    for scores, labels in ((side, right[:, 0]), (other, right[:, 2])):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        crossed.append(-np.log(p[np.arange(N), labels.astype(int)]).mean())
    assert logs["brightness_error"] == pytest.approx(error, rel=1e-4)
    assert logs["side_accuracy"] == pytest.approx((side.argmax(axis=1) == right[:, 0]).mean())
    assert logs["any_accuracy"] == pytest.approx((other.argmax(axis=1) == right[:, 2]).mean())
    assert logs["loss"] == pytest.approx((error + sum(crossed)) / 3, rel=1e-4)


def test_terms_and_order_of_attributes_survive_saving(tmp_path):
    objective = compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES))
    assert objective.terms == ("loss", "side_accuracy", "brightness_error", "any_accuracy")
    objective.save(tmp_path / "attributes.keras")
    loaded = keras.saving.load_model(tmp_path / "attributes.keras")
    assert list(loaded.attributes.items()) == list(ATTRIBUTES.items())
    assert loaded.terms == objective.terms
    results = [o.evaluate(three_attributes(), batch_size=N, return_dict=True, verbose=0) for o in (objective, loaded)]
    assert results[0] == results[1]
    assert objectives.AttributePrediction.terms == ("loss",)


def test_attributes_are_learned():
    attributes = {"side": 2, "brightness": None}
    objective = compiled(objectives.AttributePrediction(two_convolutions(), attributes), 1e-2)
    batches = tf.data.Dataset.from_tensors(with_attributes(64, 0)).repeat(20)
    history = objective.fit(batches, epochs=4, verbose=0).history
    assert history["brightness_error"][-1] < 0.3
    assert history["side_accuracy"][-1] > 0.9


@pytest.mark.parametrize(
    "attributes", [{}, None, ["side"], {"side": 1}, {"side": 0}, {"side": 2.0}, {"side": True}, {3: 2}]
)
def test_what_are_no_attributes_is_a_clear_error(attributes):
    with pytest.raises(UserError, match=r"attributes as a dict.*data\.targets"):
        objectives.AttributePrediction(convolutional(), attributes)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, 2, r"class numbers of 'side' in 0\.\.1.*2 at index 5"),
        (0, -1, r"class numbers of 'side' in 0\.\.1.*-1 at index 5"),
        (0, 0.5, "class numbers of 'side'.*fractions"),
        (1, np.nan, "finite 'attributes'.*index 5"),
        (0, np.nan, "finite 'attributes'.*index 5"),
    ],
)
def test_wrong_attributes_are_told_before_training(column, value, words):
    objective = compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES))
    batch = three_attributes()
    batch["attributes"][5, column] = value
    with pytest.raises(UserError, match=words):
        objective.fit(batch, verbose=0)
    assert int(objective.step) == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda attributes: attributes[:, :2], r"'attributes' of shape \(None, 3\).*targets="),
        (lambda attributes: attributes[:, 0], r"'attributes' of shape \(None, 3\).*targets="),
        (lambda attributes: attributes.astype("int32"), "'attributes' as floats.*cast to float32"),
    ],
)
def test_attributes_of_another_shape_or_type_are_told(spoil, words):
    objective = compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES))
    batch = three_attributes()
    with pytest.raises(UserError, match=words):
        objective.fit(batch | {"attributes": spoil(batch["attributes"])}, verbose=0)
    assert int(objective.step) == 0


def test_attributes_of_another_shape_in_a_data_set_are_told():
    objective = compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES))
    batch = three_attributes()
    wrong = batch | {"attributes": batch["attributes"][:, :2]}
    words = r"'attributes' of shape \(None, 3\) for AttributePrediction.*targets="
    with pytest.raises(UserError, match=words):
        objective.fit(tf.data.Dataset.from_tensors(wrong), verbose=0)
    assert int(objective.step) == 0


def test_batches_without_attributes_say_which_call_makes_them():
    with pytest.raises(UserError, match=r"attributes missing.*data\.batches\(source, targets="):
        compiled(objectives.AttributePrediction(convolutional(), ATTRIBUTES)).fit(single(N, 0), verbose=0)


def test_class_numbers_that_do_not_exist_make_the_loss_no_number():
    logits = np.zeros((2, 3), "float32")
    assert float(losses.cross_entropy(logits, np.array([0, 2]))) == pytest.approx(np.log(3))
    for labels in ([0, 3], [-1, 2]):
        assert np.isnan(float(losses.cross_entropy(logits, np.array(labels))))


def test_answers_are_the_most_probable_ones():
    rotation = objectives.RotationPrediction(convolutional())
    x = images(N, 0)
    scores = rotation.head(rotation.encoder(x))
    np.testing.assert_array_equal(rotation.answers(x), np.argmax(scores, axis=-1))
    objective = objectives.AttributePrediction(convolutional(), {"side": 2, "brightness": None})
    h = objective.encoder(x)
    side, brightness = (np.array(head(h)) for head in objective.heads)
    answers = objective.answers(x)
    assert list(answers) == ["side", "brightness"]
    np.testing.assert_array_equal(answers["side"], side.argmax(axis=-1))
    np.testing.assert_array_equal(answers["brightness"], brightness[:, 0])
