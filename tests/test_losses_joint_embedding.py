"""Losses of joint-embedding methods: a value by hand, properties, and the papers' equations in plain NumPy."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import losses

RNG = np.random.default_rng(0)
Z_1, Z_2 = RNG.normal(size=(2, 6, 5)).astype("float32")


def value(loss, *arguments, **keywords):
    result = loss(*arguments, **keywords)
    assert result.shape == ()
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    return float(result)


def unit(z):
    z = np.asarray(z, "float64")
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def drawn(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# ---- dcl and info_nce ------------------------------------------------------------------------------------------------


def dcl_by_loops(z_1, z_2, t):
    z, n, total = unit(np.concatenate([z_1, z_2])), len(z_1), 0.0
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        negatives = sum(math.exp(z[i] @ z[k] / t) for k in range(2 * n) if k not in (i, j))
        total += math.log(negatives) - z[i] @ z[j] / t
    return total / (2 * n)


def test_dcl_by_hand():
    z = np.eye(2, dtype="float32")  # a positive of cosine 1, two negatives of cosine 0
    assert value(losses.dcl, z, z, temperature=0.5) == pytest.approx(math.log(2) - 2, abs=1e-6)


@settings(max_examples=15)
@given(st.integers(2, 7), st.integers(1, 6), st.floats(0.05, 5.0), st.integers(0, 1000))
def test_dcl_equals_the_loops(n, d, t, seed):
    z_1, z_2 = drawn(seed, 2, n, d)
    assert value(losses.dcl, z_1, z_2, t) == pytest.approx(dcl_by_loops(z_1, z_2, t), rel=2e-4, abs=2e-4)


def test_dcl_is_nt_xent_without_the_positive():
    assert value(losses.dcl, Z_1, Z_2, 0.5) < value(losses.nt_xent, Z_1, Z_2, 0.5)
    assert value(losses.dcl, Z_2, 3 * Z_1, 0.5) == pytest.approx(value(losses.dcl, Z_1, Z_2, 0.5), rel=1e-5)


def info_nce_by_loops(q, k, negatives, t):
    q, k, total = unit(q), unit(k), 0.0
    for i in range(len(q)):
        others = k if negatives is None else np.concatenate([k[i : i + 1], unit(negatives)])
        total += math.log(sum(math.exp(q[i] @ other / t) for other in others)) - q[i] @ k[i] / t
    return total / len(q)


def test_info_nce_by_hand():
    q = np.eye(2, dtype="float32")
    assert value(losses.info_nce, q, q, temperature=1.0) == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
    stored = np.array([[0, 1], [-1, 0]], "float32")
    expected = (math.log(1 + math.exp(-1) + math.exp(-2)) + math.log(2 + math.exp(-1))) / 2
    assert value(losses.info_nce, q, q, stored, temperature=1.0) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=15)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 5), st.floats(0.05, 5.0), st.integers(0, 1000))
def test_info_nce_equals_the_loops(n, d, m, t, seed):
    q, k = drawn(seed, 2, n, d)
    negatives = drawn(seed + 1, m, d) if m else None
    expected = info_nce_by_loops(q, k, negatives, t)
    assert value(losses.info_nce, q, k, negatives, t) == pytest.approx(expected, rel=2e-4, abs=2e-4)


def test_info_nce_does_not_depend_on_order_or_length_of_the_negatives():
    stored = drawn(3, 9, 5)
    expected = value(losses.info_nce, Z_1, Z_2, stored)
    shuffled = RNG.permutation(stored) * RNG.uniform(0.1, 9, (9, 1))
    assert value(losses.info_nce, 2 * Z_1, Z_2, shuffled) == pytest.approx(expected, rel=1e-5)
    assert value(losses.info_nce, Z_1, Z_2, np.concatenate([stored, Z_2])) > expected


# ---- barlow_twins and vicreg -----------------------------------------------------------------------------------------


def test_barlow_twins_by_hand():
    # Two dimensions over four samples: the same sign pattern in both, so C is all ones in view 1 against view 2.
    z = np.array([[1, 1], [1, 1], [-1, -1], [-1, -1]], "float32")
    assert value(losses.barlow_twins, z, z, redundancy=0.5) == pytest.approx(1.0, abs=1e-3)
    # Orthogonal patterns: C is the identity.
    z = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    assert value(losses.barlow_twins, z, z) == pytest.approx(0, abs=1e-6)
    assert value(losses.barlow_twins, z, -z) == pytest.approx(8, abs=1e-3)  # C = -1 on the diagonal


def barlow_twins_by_loops(z_1, z_2, weight):
    total = 0.0
    a, b = ((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5) for z in (np.asarray(z, "float64") for z in (z_1, z_2)))
    for i in range(a.shape[1]):
        for j in range(a.shape[1]):
            c = (a[:, i] * b[:, j]).mean()
            total += (1 - c) ** 2 if i == j else weight * c**2
    return total


@settings(max_examples=15)
@given(st.integers(2, 7), st.integers(1, 6), st.floats(0, 1), st.integers(0, 1000))
def test_barlow_twins_equals_the_loops(n, d, weight, seed):
    z_1, z_2 = drawn(seed, 2, n, d)
    expected = barlow_twins_by_loops(z_1, z_2, weight)
    assert value(losses.barlow_twins, z_1, z_2, weight) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_barlow_twins_ignores_scale_and_offset_of_a_dimension():
    expected = value(losses.barlow_twins, Z_1, Z_2)
    assert value(losses.barlow_twins, 5 * Z_1 + 3, Z_2 - 1) == pytest.approx(expected, rel=1e-3)
    assert value(losses.barlow_twins, Z_2, Z_1) == pytest.approx(expected, rel=1e-4)


def test_vicreg_by_hand():
    # Standard deviation 2 in both dimensions (unbiased), which are orthogonal: only the distance counts.
    z = np.sqrt(3) * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    assert value(losses.vicreg, z, z) == pytest.approx(0, abs=1e-5)
    assert value(losses.vicreg, z, z + 2) == pytest.approx(25 * 4, rel=1e-5)
    # All samples at one point: both hinges are at 1 - sqrt(1e-4) = 0.99.
    assert value(losses.vicreg, 0 * z, 0 * z) == pytest.approx(25 * 0.99, rel=1e-5)
    # Two equal dimensions of variance 4: covariance 4 off the diagonal, twice, over d = 2, in both views.
    same = np.repeat(z[:, :1], 2, axis=1)
    assert value(losses.vicreg, same, same) == pytest.approx(2 * (2 * 16) / 2, rel=1e-5)


def vicreg_by_loops(z_1, z_2, weights):
    z_1, z_2 = (np.asarray(z, "float64") for z in (z_1, z_2))
    total = weights[0] * ((z_1 - z_2) ** 2).mean()
    for z in (z_1, z_2):
        d = z.shape[1]
        total += weights[1] / 2 * np.maximum(0, 1 - np.sqrt(z.var(0, ddof=1) + 1e-4)).mean()
        covariance = np.atleast_2d(np.cov(z.T))
        total += weights[2] * sum(covariance[i, j] ** 2 for i in range(d) for j in range(d) if i != j) / d
    return total


@settings(max_examples=15)
@given(st.integers(2, 7), st.integers(1, 6), st.integers(0, 1000))
def test_vicreg_equals_the_loops(n, d, seed):
    z_1, z_2 = drawn(seed, 2, n, d)
    weights = (3.0, 7.0, 2.0)
    assert value(losses.vicreg, z_1, z_2, *weights) == pytest.approx(vicreg_by_loops(z_1, z_2, weights), rel=1e-4)


# ---- negative_cosine and dino ----------------------------------------------------------------------------------------


def test_negative_cosine_by_hand_and_by_numpy():
    p = np.array([[3, 4], [1, 0]], "float32")
    z = np.array([[4, 3], [0, 2]], "float32")
    assert value(losses.negative_cosine, p, z) == pytest.approx(-0.48, abs=1e-6)
    assert value(losses.negative_cosine, Z_1, Z_2) == pytest.approx(-(unit(Z_1) * unit(Z_2)).sum(-1).mean(), abs=1e-6)
    assert value(losses.negative_cosine, Z_1, 4 * Z_1) == pytest.approx(-1, abs=1e-6)


def dino_by_loops(student, teacher, center, ts, tt):
    terms = []
    for i, t in enumerate(teacher):
        for j, s in enumerate(student):
            if i != j:
                target = softmax((t.astype("float64") - center) / tt)
                terms.append(-(target * np.log(softmax(s.astype("float64") / ts))).sum(-1).mean())
    return np.mean(terms)


def test_dino_by_hand():
    flat = np.zeros((3, 4), "float32")
    center = np.zeros(4, "float32")
    assert value(losses.dino, [flat, flat], [flat, flat], center) == pytest.approx(math.log(4), abs=1e-6)


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 3), st.integers(0, 1000))
def test_dino_equals_the_loops(n, k, crops, seed):
    student, teacher, center = drawn(seed, 2 + crops, n, k), drawn(seed + 1, 2, n, k), drawn(seed + 2, k)
    found = value(losses.dino, list(student), list(teacher), center, 0.5, 0.3)
    assert found == pytest.approx(dino_by_loops(student, teacher, center, 0.5, 0.3), rel=1e-4)


def test_dino_skips_the_teachers_own_view():
    teacher = [10 * drawn(1, 4, 5), 10 * drawn(2, 4, 5)]
    center = np.zeros(5, "float32")
    swapped = value(losses.dino, teacher[::-1], teacher, center)
    assert swapped < value(losses.dino, teacher, teacher, center)


# ---- sinkhorn and swav -----------------------------------------------------------------------------------------------


def test_sinkhorn_shares_samples_equally():
    scores = drawn(0, 40, 4)
    codes = np.array(losses.sinkhorn(scores, sharpness=0.5, iterations=50))
    np.testing.assert_allclose(codes.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(codes.sum(axis=0), 10, rtol=1e-3)
    assert (softmax(scores / 0.5).sum(axis=0) > 11).any()  # unlike the plain softmax


def test_sinkhorn_equals_scaling_in_turn():
    scores = drawn(1, 7, 3)
    q = np.exp(scores.astype("float64") / 0.3)
    for _ in range(3):
        q /= q.sum(axis=0, keepdims=True)
        q /= q.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(losses.sinkhorn(scores, 0.3, 3), q, rtol=1e-4, atol=1e-6)
    assert np.isfinite(np.array(losses.sinkhorn(1000 * scores, 0.05))).all()


def test_swav_by_hand_and_by_loops():
    flat = np.zeros((3, 4), "float32")
    codes = np.full((3, 4), 0.25, "float32")
    assert value(losses.swav, [flat, flat], [codes, codes]) == pytest.approx(math.log(4), abs=1e-6)
    scores, codes = drawn(2, 4, 5, 3), softmax(drawn(3, 2, 5, 3))
    terms = [
        -(codes[i] * np.log(softmax(scores[j].astype("float64") / 0.2))).sum(-1).mean()
        for i in range(2)
        for j in range(4)
        if i != j
    ]
    found = value(losses.swav, list(scores), list(codes.astype("float32")), 0.2)
    assert found == pytest.approx(np.mean(terms), rel=1e-5)


@pytest.mark.parametrize("name", ["dcl", "info_nce", "barlow_twins", "vicreg", "negative_cosine"])
def test_losses_compute_in_single_precision(name):
    loss = getattr(losses, name)
    half = value(loss, Z_1.astype("float16"), Z_2.astype("float16"))
    assert half == pytest.approx(value(loss, Z_1, Z_2), rel=2e-2)
