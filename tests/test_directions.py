"""Unit vectors and spherical interpolation: values by hand, and properties."""

import math

import numpy as np

from keras_ssl.directions import slerp, unit

RNG = np.random.default_rng(0)


def test_unit_by_hand():
    x = np.array([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0], [1e-7, 0.0]])
    np.testing.assert_allclose(unit(x), [[0.6, 0.8], [0, -1], [0, 0], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(unit(x.T, axis=0), np.transpose(unit(x)), rtol=1e-6)


def test_slerp_by_hand():
    first, second = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    half = math.sqrt(0.5)
    np.testing.assert_allclose(slerp(first, second, 3), [[[1, 0], [half, half], [0, 1]]], atol=1e-6)


def test_slerp_keeps_both_ends_and_typical_norms():
    first, second = RNG.normal(size=(2, 7, 40))
    points = np.array(slerp(first, second, 9), "float64")
    np.testing.assert_allclose(points[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(points[:, -1], second, atol=1e-5)
    norms = np.linalg.norm(points, axis=-1)
    bounds = np.linalg.norm([first, second], axis=-1)
    assert (norms > 0.9 * bounds.min(axis=0)[:, None]).all()
    assert (norms < 1.1 * bounds.max(axis=0)[:, None]).all()


def test_slerp_between_equal_points_is_constant():
    x = RNG.normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(slerp(x, x, 4), np.repeat(x[:, None], 4, axis=1), rtol=1e-3)
