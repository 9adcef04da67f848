"""Attributes of images, the targets made of them, and the batches that hold them beside the right images."""

import keras
import numpy as np
import pytest

from keras_ssl import data, encoders, objectives
from keras_ssl.data.plan import Plan
from keras_ssl.data.python_batches import PythonBatches
from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream
from keras_ssl.views import pair


def numbered(n=10, **columns):
    """Images whose only gray value is their number; columns by name."""
    images = (np.arange(n)[:, None, None, None] * np.ones((1, 4, 4, 1))).astype("uint8")
    return data.from_arrays(images, np.arange(n) % 3, columns=columns or None)


def number(images):
    return images[:, 0, 0, 0] * 255


# ---- attributes ------------------------------------------------------------------------------------------------------


def test_brightness_is_the_mean():
    images = np.random.default_rng(0).random((5, 3, 4, 2))
    np.testing.assert_allclose(data.brightness(images), [image.mean() for image in images])


PURE = {
    "gray": (0.5, 0.5, 0.5),
    "red": (1, 0, 0),
    "yellow": (0.8, 0.8, 0.1),
    "green": (0, 0.9, 0.1),
    "cyan": (0.1, 0.7, 0.7),
    "blue": (0, 0, 0.3),
    "magenta": (1, 0.1, 1),
}


def test_pure_colors_are_named():
    images = np.ones((7, 2, 2, 3)) * np.array([PURE[name] for name in data.COLORS])[:, None, None]
    assert data.dominant_color(images).tolist() == list(range(7))
    assert data.dominant_color(images[:, :, ::-1] * 0.9).tolist() == list(range(7))
    black_and_white = np.zeros((1, 2, 2, 3))
    black_and_white[:, 0] = 1
    assert data.dominant_color(black_and_white).tolist() == [0]


def test_the_strongest_color_wins_not_the_commonest():
    image = np.full((1, 2, 2, 3), (0.5, 0.5, 0.6))
    image[0, 0, 0] = (1, 0, 0)
    assert data.COLORS[data.dominant_color(image)[0]] == "red"
    image[0, 0, 0] = (0.5, 0.5, 0.5)
    assert data.COLORS[data.dominant_color(image)[0]] == "gray"  # its mean chroma is below 0.1


def test_a_gray_image_has_no_colors():
    with pytest.raises(UserError, match="three channels"):
        data.dominant_color(np.zeros((2, 4, 4, 1)))


def test_orientations_are_those_in_which_lines_run():
    y, x = np.mgrid[:12, :12].astype("float64")
    waves = [np.sin(y), np.sin(0.7 * (y + x)), np.sin(x), np.sin(0.7 * (y - x))]
    images = np.stack(waves)[..., None] * 0.5 + 0.5
    assert [data.ORIENTATIONS[k] for k in data.edge_orientation(images)] == list(data.ORIENTATIONS)
    turned = np.rot90(images, axes=(1, 2))
    assert data.edge_orientation(turned).tolist() == [2, 3, 0, 1]
    assert data.edge_orientation(1 - images).tolist() == [0, 1, 2, 3]
    line = np.zeros((1, 9, 9, 1))
    line[0, np.arange(9), 8 - np.arange(9)] = 1  # from the lower left to the upper right
    assert data.ORIENTATIONS[data.edge_orientation(line)[0]] == "rising"


# ---- targets ---------------------------------------------------------------------------------------------------------


def test_targets_are_functions_columns_labels_and_arrays():
    source = numbered(shape=np.arange(10) % 4, size=np.linspace(0, 1, 10))
    known = data.targets(
        source,
        {
            "number": number,
            "shape": "shape",
            "size": "size",
            "class": "label",
            "odd": np.arange(10) % 2 == 1,
            "half": lambda images: (images[:, 0, 0, 0] * 255 > 4.5).astype(int),
        },
    )
    assert known.attributes == {"number": None, "shape": 4, "size": None, "class": 3, "odd": 2, "half": 2}
    assert list(known.attributes) == ["number", "shape", "size", "class", "odd", "half"]
    assert known.values.dtype == np.float32
    assert len(known) == 10
    for column, expected in (
        (1, np.arange(10) % 4),
        (3, source.labels),
        (4, np.arange(10) % 2),
        (5, np.arange(10) > 4),
    ):
        np.testing.assert_array_equal(known.values[:, column], expected)
    np.testing.assert_allclose(known.values[:, [0, 2]].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(known.values[:, [0, 2]].std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(known.values[:, 0] * known.std[0] + known.mean[0], np.arange(10), atol=1e-5)
    assert known.mean[[1, 3, 4, 5]].tolist() == [0] * 4
    assert known.std[[1, 3, 4, 5]].tolist() == [1] * 4


def test_functions_of_this_package_have_all_their_classes():
    images = np.zeros((4, 6, 6, 3), "float32")
    images[:2, ..., 0] = 1
    images[2:, :3] = 1
    images[3] = images[3].transpose(1, 0, 2)
    known = data.targets(images, {"color": data.dominant_color, "edges": data.edge_orientation})
    assert known.attributes == {"color": 7, "edges": 4}
    assert known.values.tolist() == [[1, 0], [1, 0], [0, 0], [0, 2]]


def test_images_are_looked_at_once_in_chunks_of_floats():
    seen = []

    def mean(images):
        seen.append((len(images), images.dtype, float(images.max())))
        return images.mean(axis=(1, 2, 3))

    images = np.random.default_rng(0).integers(0, 256, (2500, 2, 2, 1), "uint8")
    known = data.targets(images, {"mean": mean, "labels": np.arange(2500) % 2})
    assert [count for count, *_ in seen] == [1024, 1024, 452]
    assert {dtype for _, dtype, _ in seen} == {np.dtype("float32")}
    assert max(highest for *_, highest in seen) <= 1
    raw = images.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(known.values[:, 0], (raw - raw.mean()) / raw.std(), atol=1e-4)


BAD = {
    "NaN": (lambda x: np.where(np.arange(len(x)) == 3, np.nan, 1.0), r"finite values of 'a'.*1 of 10.*index 3"),
    "Inf": (np.r_[np.inf, np.arange(9.0)], r"finite values of 'a'.*index 0"),
    "one class": (lambda x: np.zeros(len(x), int), "at least 2 classes of 'a'.*class 0 everywhere"),
    "one boolean": (np.ones(10, bool), "at least 2 classes of 'a'.*class 1 everywhere"),
    "constant": (np.full(10, 0.1), "values of 'a' that differ.*0.1 everywhere"),
    "too few": (np.arange(9.0), r"one value of 'a' for each of 10 samples.*\(9,\)"),
    "too few returned": (lambda x: x[:-1, 0, 0, 0], r"one value of 'a' for each of 10 samples.*\(9,\)"),
    "two axes": (lambda x: x[:, 0, 0], r"one value of 'a' for each of 10 samples.*\(10, 1\)"),
    "negative": (np.arange(10) - 1, "class numbers of 'a' from 0.*-1"),
    "words": (np.array(list("abcdefghij")), "numbers as 'a'.*np.unique"),
    "unknown column": ("sahpe", r"a column of arrays for 'a': label, shape, size.*'sahpe'"),
    "too many classes": (np.arange(10) * 100, "no more classes than samples.*901 classes, 10 samples"),
}


@pytest.mark.parametrize("which", BAD)
def test_attributes_that_cannot_be_predicted_are_told(which):
    what, words = BAD[which]
    source = numbered(shape=np.arange(10) % 2, size=np.linspace(0, 1, 10))
    with pytest.raises(UserError, match=words):
        data.targets(source, {"a": what})
    with pytest.raises(UserError, match=words):
        data.batches(source, batch_size=4, targets={"number": number, "a": what})


@pytest.mark.parametrize("attributes", [{}, [number], "label", {3: number}])
def test_targets_are_a_dict_of_names(attributes):
    with pytest.raises(UserError, match="a dict of names and attributes"):
        data.targets(numbered(), attributes)


def test_a_source_without_columns_says_so():
    with pytest.raises(UserError, match=r"there are none.*columns=…"):
        data.targets(np.zeros((4, 2, 2, 1)), {"a": "shape"})
    with pytest.raises(UserError, match="at least 2 images"):
        data.targets(np.zeros((0, 2, 2, 1)), {"a": number})


# ---- columns ---------------------------------------------------------------------------------------------------------


def test_columns_follow_their_samples():
    source = numbered(20, size=np.linspace(0, 1, 20), twice=2 * np.arange(20))
    for part in (source[3:7], source[np.array([9, 2])], source[source.labels == 1], *source.split(0.5)):
        numbers = part.stored[:, 0, 0, 0].astype(int)
        np.testing.assert_array_equal(part.columns["twice"], 2 * numbers)
        np.testing.assert_allclose(part.columns["size"], numbers / 19)
    assert numbered()[:3].columns is None
    with pytest.raises(UserError, match=r"column 'size' for each of 10 images.*\(9,\)"):
        numbered(size=np.arange(9))


def test_only_named_sets_have_columns_to_load(tmp_path):
    for where in ("digits", tmp_path):
        with pytest.raises(UserError, match=r"TensorFlow Datasets only.*shape of .*columns="):
            data.load(where, columns="shape")


# ---- batches ---------------------------------------------------------------------------------------------------------


def slightly_brighter(images, seed):
    """Views that differ by less than their numbers do."""
    return images + keras.random.uniform((), 0, 0.5 / 255, seed=SeedStream(seed))


def batches_of(backend, source, known, views=None, shuffle=True, drop=None):
    if backend == "tensorflow":
        return data.batches(source, views, 4, seed=1, shuffle=shuffle, drop_remainder=drop, targets=known)
    drop = views is not None if drop is None else drop
    return PythonBatches(Plan(10, 4, 1, shuffle, drop), source, views and pair(views), 0, {"attributes": known.values})


@pytest.mark.parametrize("backend", ["tensorflow", "others"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop", [True, False])
def test_attributes_are_those_of_the_images_beside_them(backend, shuffle, drop):
    source = numbered()
    known = data.targets(source, {"number": np.arange(10.0), "class": "label"})
    dataset = batches_of(backend, source, known, shuffle=shuffle, drop=drop)
    for _ in range(2):
        found = [{key: np.asarray(value) for key, value in batch.items()} for batch in dataset]
        assert [len(batch["attributes"]) for batch in found] == ([4, 4] if drop else [4, 4, 2])
        for batch in found:
            assert set(batch) == {"input", "attributes"}
            assert batch["attributes"].dtype == np.float32
            numbers = number(batch["input"]).round()
            np.testing.assert_allclose(batch["attributes"][:, 0] * known.std[0] + known.mean[0], numbers, atol=1e-5)
            np.testing.assert_array_equal(batch["attributes"][:, 1], numbers % 3)


@pytest.mark.parametrize("backend", ["tensorflow", "others"])
def test_attributes_come_beside_views_too(backend):
    source = numbered()
    known = data.targets(source, {"number": np.arange(10.0)})
    for batch in batches_of(backend, source, known, views=slightly_brighter):
        assert set(batch) == {"view_1", "view_2", "attributes"}
        numbers = np.floor(number(np.asarray(batch["view_1"])) + 0.1)
        attributes = np.asarray(batch["attributes"])[:, 0]
        np.testing.assert_allclose(attributes * known.std[0] + known.mean[0], numbers, atol=1e-4)


def test_a_dict_is_computed_and_an_objective_learns_of_it():
    source = numbered(32)
    known = data.targets(source, {"number": number, "class": "label"})
    dataset = data.batches(source, batch_size=8, targets={"number": number, "class": "label"})
    assert dataset.element_spec["attributes"].shape == (None, 2)
    objective = objectives.AttributePrediction(encoders.mlp((4, 4, 1), units=(4,)), known.attributes)
    objective.compile("adam")
    history = objective.fit(dataset, verbose=0).history
    assert set(history) == {"loss", "number_error", "class_accuracy"}
    assert int(objective.step) == 4


def test_targets_of_another_source_are_told():
    known = data.targets(numbered(9), {"number": number})
    with pytest.raises(UserError, match=r"targets of the 10 samples.*Received 9"):
        data.batches(numbered(10), batch_size=4, targets=known)


def test_those_that_are_validated_on_are_standardized_like_those_that_are_trained_on():
    images = np.random.default_rng(0).random((40, 6, 6, 3), "float32")
    names = {"brightness": data.brightness, "color": data.dominant_color}
    known = data.targets(images[:30], names)
    other = data.targets(images[30:] / 2, names, like=known)
    brightness = (images[30:] / 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(other.values[:, 0], (brightness - known.mean[0]) / known.std[0], atol=1e-4)
    assert other.attributes == known.attributes
    for wrong in ({"color": data.dominant_color}, {"brightness": data.dominant_color, "color": data.brightness}):
        with pytest.raises(UserError, match="attributes like"):
            data.targets(images[30:], wrong, like=known)
    few = data.targets(images[:30], {"class": np.arange(30) % 2})
    alike = data.targets(images[30:], {"class": np.ones(10, int)}, like=few)  # nothing is learned from these
    assert alike.attributes == {"class": 2}
    many = data.targets(images[:30], {"class": np.arange(30) % 10})
    assert data.targets(images[30:33], {"class": np.array([9, 8, 9])}, like=many).attributes == {"class": 10}
    with pytest.raises(UserError, match="attributes like"):
        data.targets(images[30:], {"class": np.arange(10) % 3}, like=few)
