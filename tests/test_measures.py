"""Metrics of collapse: by hand, at their bounds, and against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import measures

Z = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
ISOTROPIC = np.concatenate([np.eye(4), -np.eye(4)]).astype("float32")
FIGURES = [measures.feature_std, measures.participation_ratio, measures.effective_rank]


def test_by_hand():
    # Of 8 points on 4 axes each coordinate has mean square 2/8, so its standard deviation is 1/2: times √4 that is 1.
    assert float(measures.feature_std(ISOTROPIC)) == pytest.approx(1, rel=1e-6)
    assert float(measures.participation_ratio(ISOTROPIC)) == pytest.approx(4, rel=1e-5)
    assert float(measures.effective_rank(ISOTROPIC)) == pytest.approx(4, rel=1e-5)
    # Two directions with variances 4 to 1: (4 + 1)² / (16 + 1); singular values 2 to 1.
    two = np.array([[2, 0], [-2, 0], [0, 1], [0, -1]], "float32")
    assert float(measures.participation_ratio(two)) == pytest.approx(25 / 17, rel=1e-5)
    p = np.array([2, 1]) / 3
    assert float(measures.effective_rank(two)) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-5)


def test_collapse_shows():
    point = np.ones((10, 4), "float32")
    assert float(measures.feature_std(point)) == pytest.approx(0, abs=1e-5)
    assert float(measures.participation_ratio(point)) == pytest.approx(0, abs=1e-5)
    line = np.outer(np.linspace(-1, 1, 10), [1, 2, 3, 4]).astype("float32")
    assert float(measures.participation_ratio(line)) == pytest.approx(1, rel=1e-5)
    assert float(measures.effective_rank(line)) == pytest.approx(1, rel=1e-3)


@settings(max_examples=10)
@given(st.integers(2, 30), st.integers(2, 8), st.integers(0, 1000))
def test_equal_numpy(n, d, seed):
    z = np.random.default_rng(seed).normal(1, 2, (n, d))
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    assert float(measures.feature_std(z)) == pytest.approx(np.sqrt(d) * unit.std(axis=0).mean(), rel=1e-4)
    eigenvalues = np.linalg.eigvalsh(np.cov(z.T))
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert float(measures.participation_ratio(z)) == pytest.approx(expected, rel=1e-3)
    singular = np.linalg.svd(z - z.mean(axis=0), compute_uv=False)
    p = singular[singular > 1e-9 * singular[0]] / singular.sum()
    assert float(measures.effective_rank(z)) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-3)


@pytest.mark.parametrize("figure", FIGURES)
def test_scale_and_order_do_not_matter(figure):
    expected = float(figure(Z))
    assert float(figure(1e4 * Z)) == pytest.approx(expected, rel=1e-4)
    assert float(figure(Z[::-1])) == pytest.approx(expected, rel=1e-5)
    assert float(figure(Z[:, ::-1])) == pytest.approx(expected, rel=1e-5)
    assert 0 <= expected <= Z.shape[1]


@pytest.mark.parametrize("figure", FIGURES[1:])
def test_an_offset_and_a_rotation_do_not_count_as_a_direction(figure):
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0].astype("float32")
    assert float(figure(Z + 3)) == pytest.approx(float(figure(Z)), rel=1e-4)
    assert float(figure(Z @ rotation)) == pytest.approx(float(figure(Z)), rel=1e-4)


def test_usage_entropy_goes_from_one_prototype_to_all():
    assert float(measures.usage_entropy(np.eye(4, dtype="float32"))) == pytest.approx(1, abs=1e-6)
    assert float(measures.usage_entropy(np.eye(4, dtype="float32")[[2, 2]])) == pytest.approx(0, abs=1e-6)
    half = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], "float32")
    assert float(measures.usage_entropy(half)) == pytest.approx(0.5, abs=1e-6)


def test_spread_is_what_objectives_log():
    found = measures.spread(Z)
    assert float(found["std"]) == float(measures.feature_std(Z))
    assert float(found["dimensions"]) == float(measures.participation_ratio(Z))
