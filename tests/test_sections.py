"""Which pictures a report has, and that each is drawn from what the run knows."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_ssl import data, networks, views
from keras_ssl.runs import sections
from keras_ssl.runs.sections.encoders import of_neighbors
from keras_ssl.runs.sections.samples import pictures_or_texts

RNG = np.random.default_rng(0)
IMAGES = data.from_arrays(RNG.random((16, 8, 8, 1)).astype("float32"), np.arange(16) % 2, class_names=("cat", "dog"))
SERIES = data.from_arrays(RNG.normal(size=(16, 20, 2)).astype("float32"), kind="series")
SOUNDS = data.from_arrays(RNG.uniform(-1, 1, (4, 800)).astype("float32"), kind="audio", rate=8000)
CLIPS = data.from_arrays(RNG.random((4, 6, 8, 8, 1)).astype("float32"), kind="video")
FLIP = views.pair(views.Policy([views.flip()]))
LOUDER = views.Policy([views.gain()], kind="audio")


def flat(units=None):
    """A network of images without weights, or with a softmax."""
    inputs = keras.Input((8, 8, 1), name="image")
    outputs = keras.layers.Flatten()(inputs)
    if units:
        outputs = keras.layers.Dense(units, "softmax", name="probabilities")(outputs)
    return keras.Model(inputs, outputs)


def recipe(source, policy=None):
    return SimpleNamespace(source=source, views=policy, seed=0)


def objective(**can):
    """Something that can do this, in place of an objective."""
    return SimpleNamespace(**{"optional_keys": (), "embedder": flat()} | can)


def hidden(batch, training):
    assert not training
    return {"hidden": np.arange(5) % 2 == np.zeros((len(batch["input"]), 1))}


def imputed(batch, training):
    assert not training
    return {"prediction": batch["input"], "hidden": np.ones(batch["input"].shape, bool)}


@pytest.mark.parametrize(
    ("made", "titles"),
    [
        ((recipe(IMAGES, FLIP), objective()), ["Views", "Nearest neighbors"]),
        ((recipe(IMAGES), objective(reconstruct=lambda x: x / 2)), ["Reconstructions", "Nearest neighbors"]),
        ((recipe(IMAGES), objective(sample=lambda n, seed: np.ones((n, 8, 8, 1)))), ["Samples", "Nearest neighbors"]),
        ((recipe(SERIES), objective(horizon=3, forecast=lambda x: 0 * x[:, -3:])), ["Series", "Forecasts"]),
        ((recipe(SERIES), objective(impute=None, forward_pass=imputed)), ["Series", "Imputed steps"]),
        ((recipe(SOUNDS, LOUDER), objective()), ["Views"]),
        ((recipe(SOUNDS), objective(optional_keys=("mask",), forward_pass=hidden)), ["Hidden spans"]),
        ((recipe(CLIPS), objective(past=2, next_frames=lambda x, n: np.repeat(x[:, -1:], n, 1))), ["Predicted frames"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_pretraining_has_the_pictures_that_fit_its_samples_and_what_the_objective_can_do(made, titles):
    found = sections.of_pretraining(*made, {"loss": [2.0, 1.0]})
    assert [section.title for section in found] == ["Loss", *titles]
    for section in found:
        assert section.figure().axes


def test_samples_are_shown_from_everywhere():
    np.testing.assert_array_equal(sections.some(IMAGES, 4).labels, IMAGES.labels[[0, 5, 10, 15]])
    assert len(sections.some(IMAGES, 100)) == 16


def test_neighbors_of_the_same_class_are_ticked_and_none_is_its_own():
    rows = np.eye(8, dtype="float32")[np.arange(16) // 2].reshape(16, 8, 1, 1)  # pairs of equal samples
    twins = data.from_arrays(np.repeat(np.clip(rows, 0, 1), 8, axis=2), np.arange(16) // 2)
    (section,) = of_neighbors(twins, lambda: twins.inputs().reshape(16, -1), "test")
    figure = section.figure()
    asked = np.linspace(0, 15, 6).astype(int)
    lonely = sum(k ^ 1 in asked for k in asked)  # whose twin is asked about, too
    assert figure.get_label().endswith(f"the nearest is right for {6 - lonely} of 6")
    assert of_neighbors(twins[:5], None, "test") == []  # too few


def test_texts_are_read_back_by_their_tokenizer():
    source = data.from_arrays(np.array([[1, 2, 0], [2, 0, 0]]), kind="ids")
    assert pictures_or_texts(source) is None
    words = SimpleNamespace(text=lambda ids: " ".join("?ab"[k] for k in ids), vocabulary=3)
    object.__setattr__(source, "tokenizer", words)
    assert pictures_or_texts(source) == ["a b", "b"]


def test_a_classifier_of_images_shows_classes_calibration_mistakes_and_saliency():
    keras.utils.set_random_seed(0)
    classifier = flat(units=2)
    p = networks.predict_in_batches(classifier, IMAGES.inputs())
    found = sections.of_classifier(classifier, IMAGES, p)
    assert [section.title for section in found] == [
        "Classes",
        "What is taken for what",
        "Can the probabilities be believed?",
        "The surest mistakes",
        "What the decisions depend on",
    ]
    for section in found:
        assert section.figure().axes


def test_mistakes_of_a_classifier_of_texts_are_a_table():
    source = data.from_arrays(np.array([[1, 2], [2, 0], [1, 0]]), [0, 1, 1], kind="ids", class_names=("cat", "dog"))
    object.__setattr__(source, "tokenizer", SimpleNamespace(text=lambda ids: " ".join("?ab"[k] for k in ids)))
    p = np.array([[0.4, 0.6], [0.2, 0.8], [0.9, 0.1]])
    found = sections.of_classifier(None, source, p)[-1]
    assert found.table.rows == (("a", "cat", 0.9, "dog"), ("a b", "dog", 0.6, "cat"))
