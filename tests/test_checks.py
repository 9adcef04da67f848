"""Checks of images and labels: what is wrong is said, what is right passes, and both are quick."""

import time

import numpy as np
import pytest

from keras_ssl.checks import check_images, check_labels
from keras_ssl.errors import UserError


def images(n=4, channels=1):
    return np.random.default_rng(0).random((n, 5, 6, channels), "float32")


def spoilt(value, at=2):
    bad = images()
    bad[at, 1, 1, 0] = value
    return bad


@pytest.mark.parametrize(
    ("bad", "options", "expected", "received", "do"),
    [
        (images()[..., 0], {}, "shape (n, height, width, channels)", "shape (4, 5, 6)", "x[..., None]"),
        (images()[0], {}, "shape (n, height, width, channels)", "shape (5, 6, 1)", "x[None]"),
        (images()[:0], {}, "at least 2 images", "0", "path"),
        (images()[:1], {}, "at least 2 images", "1", "path"),
        (images()[:, :0], {}, "pixels", "(4, 0, 6, 1)", "resized"),
        (images(channels=3), {"channels": 1}, "1 channel(s)", "which has 3", "build the encoder"),
        ((images() * 255).astype("uint8"), {}, "floats in 0..1", "uint8", "/ 255"),
        (np.ones((4, 5, 6, 1), "int64"), {}, "floats in 0..1", "int64", "divide"),
        (images(), {"dtype": "uint8"}, "uint8 in 0..255", "float32", "* 255"),
        (images() * 255, {}, "values in 0..1", "254", "divide by 255"),
        (images() * 2 - 1, {}, "values in 0..1", "-0.9", "rescale"),
        (images() * 2 - 1, {"value_range": (-0.5, 0.5)}, "values in -0.5..0.5", "-0.9", "rescale"),
        (spoilt(np.nan), {}, "finite", "NaN or Inf in 1 of 4, the first at index 2", "remove"),
        (spoilt(np.inf), {}, "finite", "NaN or Inf in 1 of 4, the first at index 2", "remove"),
        (spoilt(-np.inf, at=0), {}, "finite", "NaN or Inf in 1 of 4, the first at index 0", "remove"),
        ([np.zeros((2, 2, 1)), np.zeros((3, 2, 1))], {}, "one shape", "a list", "resize"),
    ],
)
def test_bad_images_are_told_in_three_parts(bad, options, expected, received, do):
    with pytest.raises(UserError) as caught:
        check_images(bad, **options)
    assert expected in caught.value.expected
    assert received in caught.value.received
    assert do in caught.value.do


@pytest.mark.parametrize(
    ("bad", "options", "expected", "received"),
    [
        (np.array([0.0, 1.0]), {}, "integers", "float64"),
        (np.eye(3, dtype=int), {}, "shape (n,)", "(3, 3)"),
        (np.array([0, 1, 3, 3]), {"classes": 3}, "0..2", "3 at index 2 (2 outside in all)"),
        (np.array([0, -1]), {}, "0..", "-1 at index 1"),
        (np.array([0, 1]), {"samples": 3}, "one label for each of 3 samples", "2"),
    ],
)
def test_bad_labels_are_told_in_three_parts(bad, options, expected, received):
    with pytest.raises(UserError) as caught:
        check_labels(bad, **options)
    assert expected in caught.value.expected
    assert received in caught.value.received


def test_what_is_right_passes():
    check_labels(np.array([0, 1, 2, 0]), 4, classes=3)
    check_images(images(), channels=1)
    check_images(images().astype("float64"))
    check_images(images() + 5e-4)  # what interpolation overshoots
    check_images(np.zeros((2, 1, 1, 7), "uint8"), dtype="uint8")
    check_images(images() * 2 - 1, value_range=(-1, 1))


def test_the_size_of_mnist_is_checked_in_a_moment():
    many = np.zeros((60_000, 28, 28, 1), "float32")
    start = time.perf_counter()
    check_images(many)
    assert time.perf_counter() - start < 1.0
