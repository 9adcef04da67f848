"""Sources, the embedded digits, and the few labels drawn from a source."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_ssl import data
from keras_ssl.errors import UserError


def source(per_class=(6, 4, 5), dtype="uint8"):
    labels = np.repeat(np.arange(len(per_class)), per_class)
    images = np.arange(len(labels), dtype=dtype)[:, None, None, None] * np.ones((1, 2, 3, 1), dtype)
    return data.from_arrays(images if dtype == "uint8" else images / 255, labels, class_names=("ant", "bee", "cat"))


def test_digits_are_split_once_and_for_all():
    train, test = data.load("digits"), data.load("digits", split="test")
    assert (len(train), len(test)) == (1400, 397)
    assert train.shape == (8, 8, 1)
    assert train.stored.dtype == np.float32
    assert (train.stored.min(), train.stored.max()) == (0, 1)
    assert train.classes == 10
    bundled = load_digits()
    # The order is part of every published figure: these are the first of RandomState(0).permutation(1797).
    assert np.random.RandomState(0).permutation(1797)[:3].tolist() == [1081, 1707, 927]
    np.testing.assert_array_equal(train.stored[0, ..., 0] * 16, bundled.images[1081])
    assert train.labels[0] == bundled.target[1081]
    together = np.concatenate([train.stored, test.stored])[..., 0] * 16
    assert sorted(map(tuple, together.reshape(1797, -1))) == sorted(map(tuple, bundled.images.reshape(1797, -1)))
    assert np.bincount(train.labels).min() > 120
    assert np.bincount(test.labels).min() > 30


def test_digits_have_two_splits_and_any_size():
    with pytest.raises(UserError, match="'train' or 'test'"):
        data.load("digits", split="train[:100]")
    assert data.load("digits", size=12).stored.shape == (1400, 12, 12, 1)
    with pytest.raises(UserError, match="a size in pixels"):
        data.load("digits", size=(8, 8, 1))


def test_labeled_samples_are_split_class_by_class():
    labels = np.r_[np.zeros(50), np.ones(10), np.full(5, 2)].astype(int)
    whole = data.from_arrays(np.random.default_rng(0).random((65, 2, 2, 1)), labels)
    for seed in range(5):
        first, rest = whole.split(0.8, seed)
        assert np.bincount(first.labels).tolist() == [40, 8, 4]
        assert np.bincount(rest.labels).tolist() == [10, 2, 1]
        both = np.concatenate([first.stored, rest.stored]).reshape(65, -1)
        assert len(np.unique(both, axis=0)) == 65
    assert not np.array_equal(whole.split(0.8, 0)[1].stored, whole.split(0.8, 1)[1].stored)
    small = data.from_arrays(np.zeros((55, 2, 2, 1)), np.r_[np.zeros(50), [1, 1, 2, 2, 3]].astype(int))
    first, rest = small.split(0.8)
    assert np.bincount(first.labels).tolist() == [40, 1, 1, 1]
    assert np.bincount(rest.labels).tolist() == [10, 1, 1]


def test_a_source_is_sliced_indexed_and_split():
    whole = source()
    assert len(whole[:4]) == 4
    assert whole[np.array([14, 0])].labels.tolist() == [2, 0]
    assert whole[whole.labels == 1].stored[:, 0, 0, 0].tolist() == [6, 7, 8, 9]
    assert whole[:4].classes == 3
    first, rest = whole.split(0.2, seed=1)
    assert (len(first), len(rest)) == (3, 12)
    assert sorted(np.concatenate([first.stored, rest.stored])[:, 0, 0, 0]) == list(range(15))
    np.testing.assert_array_equal(first.stored, whole.split(0.2, seed=1)[0].stored)
    with pytest.raises(UserError, match="slice"):
        whole[3]
    with pytest.raises(UserError, match="fraction"):
        whole.split(1.0)
    assert "15 images of shape (2, 3, 1), uint8, 3 classes" in repr(whole)


def test_the_stored_dtype_is_kept_and_floats_are_in_0_to_1():
    stored = data.from_arrays(np.full((2, 1, 1, 1), 51, "uint8"))
    assert stored.stored.dtype == np.uint8
    assert stored.inputs().dtype == np.float32
    np.testing.assert_allclose(stored.inputs(), 0.2, rtol=1e-6)
    wide = data.from_arrays(np.full((2, 1, 1, 1), 0.2))
    assert wide.stored.dtype == np.float64
    assert wide.inputs().dtype == np.float32


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 2, 2)), None, "height, width, channels"),
        (np.zeros((3, 2, 2, 1), "int32"), None, "dtype int32"),
        (np.zeros((3, 2, 2, 1)), [0, 1], "one label for each of 3"),
        (np.zeros((3, 2, 2, 1)), [0.0, 1.0, 2.0], "dtype float64"),
        (np.zeros((3, 2, 2, 1)), [0, -1, 2], "-1 at index 1"),
        ([np.zeros((2, 2, 1)), np.zeros((3, 2, 1))], None, "of one shape"),
    ],
)
def test_arrays_that_are_no_images_are_refused(images, labels, message):
    with pytest.raises(UserError, match=message):
        data.from_arrays(images, labels)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_few_draws_the_same_number_of_each_class(dtype):
    images, labels = data.few(source(dtype=dtype), labels_per_class=4, seed=3)
    assert images.shape == (12, 2, 3, 1)
    assert images.dtype == np.float32
    assert np.bincount(labels).tolist() == [4, 4, 4]
    drawn = (images[:, 0, 0, 0] * 255).round().astype(int)
    assert len(set(drawn)) == 12
    np.testing.assert_array_equal(source().labels[drawn], labels)


def test_few_is_seeded_and_nested():
    draws = {k: set(data.few(source(), k, seed=5)[0][:, 0, 0, 0]) for k in (1, 2, 4)}
    assert draws[1] < draws[2] < draws[4]
    assert draws[2] == set(data.few(source(), 2, seed=5)[0][:, 0, 0, 0])
    assert any(draws[2] != set(data.few(source(), 2, seed=seed)[0][:, 0, 0, 0]) for seed in range(3))


def test_few_says_what_it_lacks():
    with pytest.raises(UserError, match=r"4 of class 1 \(bee\)"):
        data.few(source(), 5)
    with pytest.raises(UserError, match="with labels"):
        data.few(data.from_arrays(np.zeros((3, 2, 2, 1))), 1)
    with pytest.raises(UserError, match="labels_per_class as a whole number at least 1"):
        data.few(source(), 0)
    with pytest.raises(UserError, match="from_arrays"):
        data.few(np.zeros((3, 2, 2, 1)), 1)
    with pytest.raises(UserError, match="0 of class 2"):
        data.few(data.from_arrays(np.zeros((3, 2, 2, 1)), [0, 1, 1], classes=3), 1)
    with pytest.raises(UserError, match="finite"):
        data.few(data.from_arrays(np.full((3, 2, 2, 1), np.nan), [0, 1, 1]), 1)
