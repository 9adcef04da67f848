"""Every loss: a value worked by hand, its properties, and an independent reference in plain NumPy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import losses

RNG = np.random.default_rng(0)
Z_1, Z_2 = RNG.normal(size=(2, 6, 5)).astype("float32")
X = RNG.random((4, 3, 3, 2), "float32")
R = RNG.uniform(0.05, 0.95, X.shape).astype("float32")


def value(loss, *arguments, **keywords):
    result = loss(*arguments, **keywords)
    assert result.shape == ()
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    return float(result)


# ---- nt_xent ---------------------------------------------------------------------------------------------------------


def nt_xent_by_loops(z_1, z_2, temperature):
    """Equation 1 of the paper, term by term, in float64."""
    n = len(z_1)
    z = [np.asarray(row, "float64") for row in (*z_1, *z_2)]

    def sim(i, k):
        return z[i] @ z[k] / math.sqrt(z[i] @ z[i]) / math.sqrt(z[k] @ z[k])

    total = 0.0
    for i in range(2 * n):
        j = i + n if i < n else i - n
        others = sum(math.exp(sim(i, k) / temperature) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(sim(i, j) / temperature) / others)
    return total / (2 * n)


def test_nt_xent_by_hand():
    # Two samples on two axes, both views alike: one positive of cosine 1, two negatives of cosine 0.
    z = np.eye(2, dtype="float32")
    assert value(losses.nt_xent, z, z, temperature=0.5) == pytest.approx(math.log(1 + 2 * math.exp(-2)), abs=1e-6)
    # Views exchanged between the samples: the positive has cosine 0, one of the negatives 1.
    assert value(losses.nt_xent, z, z[::-1], temperature=1.0) == pytest.approx(math.log(2 + math.e), abs=1e-6)


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(1, 6), st.floats(0.05, 5.0), st.integers(0, 1000))
def test_nt_xent_equals_the_loops(n, d, temperature, seed):
    z_1, z_2 = np.random.default_rng(seed).normal(size=(2, n, d)).astype("float32")
    expected = nt_xent_by_loops(z_1, z_2, temperature)
    assert value(losses.nt_xent, z_1, z_2, temperature) == pytest.approx(expected, rel=2e-4, abs=2e-5)


def test_nt_xent_does_not_depend_on_order_or_norms():
    expected = value(losses.nt_xent, Z_1, Z_2)
    order = RNG.permutation(len(Z_1))
    assert value(losses.nt_xent, Z_2, Z_1) == pytest.approx(expected, rel=1e-6)
    assert value(losses.nt_xent, Z_1[order], Z_2[order]) == pytest.approx(expected, rel=1e-6)
    assert value(losses.nt_xent, 7 * Z_1, Z_2 * RNG.uniform(0.1, 9, (6, 1))) == pytest.approx(expected, rel=1e-5)


def test_nt_xent_depends_on_which_view_belongs_to_which():
    assert value(losses.nt_xent, Z_1, Z_1) < value(losses.nt_xent, Z_1, np.roll(Z_1, 1, axis=0)) - 0.5


def test_nt_xent_at_its_bounds():
    assert value(losses.nt_xent, Z_1, Z_2, temperature=1e6) == pytest.approx(math.log(2 * 6 - 1), abs=1e-4)
    assert value(losses.nt_xent, Z_1[:1], Z_2[:1]) == pytest.approx(0, abs=1e-6)
    constant = np.ones((4, 3), "float32")
    assert value(losses.nt_xent, constant, constant) == pytest.approx(math.log(7), abs=1e-5)


def test_a_representation_of_zero_has_no_gradient():
    z_1 = tf.Variable(Z_1)
    z_1[2].assign(np.zeros(5))
    with tf.GradientTape() as tape:
        loss = losses.nt_xent(z_1, Z_2)
    gradient = np.array(tape.gradient(loss, z_1))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[2], 0)
    assert (np.abs(gradient[[0, 1, 3, 4, 5]]).max(axis=1) > 1e-4).all()


def test_nt_xent_survives_a_small_temperature_and_half_precision():
    assert value(losses.nt_xent, Z_1, Z_1, temperature=1e-3) == pytest.approx(0, abs=1e-5)
    half = value(losses.nt_xent, Z_1.astype("float16"), Z_2.astype("float16"))
    assert half == pytest.approx(value(losses.nt_xent, Z_1, Z_2), rel=2e-3)


# ---- reconstruction --------------------------------------------------------------------------------------------------

REFERENCES = {
    "squared_error": lambda x, r: (x - r) ** 2,
    "absolute_error": lambda x, r: abs(x - r),
    "binary_cross_entropy": lambda x, r: (
        -math.log(r if x == 1 else 1 - r) if x in (0, 1) else -(x * math.log(r) + (1 - x) * math.log(1 - r))
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_reconstruction_losses_equal_the_mean_over_elements(name):
    terms = [REFERENCES[name](float(x), float(r)) for x, r in zip(X.ravel(), R.ravel())]
    assert value(getattr(losses, name), R, X) == pytest.approx(sum(terms) / len(terms), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("squared_error", 0.25),
        ("absolute_error", 0.5),
        ("binary_cross_entropy", (2 * math.log(2) - math.log(0.75)) / 3),
    ],
)
def test_reconstruction_losses_by_hand(name, expected):
    x, r = np.array([[0.0, 1.0, 1.0]]), np.array([[0.5, 0.5, 0.75]])
    if name != "binary_cross_entropy":
        x, r = x[:, :2], r[:, :2]
    assert value(getattr(losses, name), r, x) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", REFERENCES)
def test_reconstruction_losses_do_not_depend_on_the_order_of_samples_or_pixels(name):
    loss = getattr(losses, name)
    expected = value(loss, R, X)
    assert value(loss, R[::-1], X[::-1]) == pytest.approx(expected, rel=1e-6)
    assert value(loss, R[:, ::-1], X[:, ::-1]) == pytest.approx(expected, rel=1e-6)
    assert value(loss, R.reshape(4, -1), X.reshape(4, -1)) == pytest.approx(expected, rel=1e-6)


def test_errors_are_symmetric_zero_at_equality_and_scale():
    for loss, power in ((losses.squared_error, 2), (losses.absolute_error, 1)):
        assert value(loss, X, X) == 0
        assert value(loss, X, R) == pytest.approx(value(loss, R, X), rel=1e-6)
        assert value(loss, 3 * X, 3 * R) == pytest.approx(3**power * value(loss, R, X), rel=1e-5)


def test_binary_cross_entropy_is_lowest_at_the_input_and_finite_at_the_ends():
    own = value(losses.binary_cross_entropy, X, X)
    assert own < value(losses.binary_cross_entropy, R, X)
    assert own < value(losses.binary_cross_entropy, np.clip(X + 0.05, 0, 1), X)
    worst = value(losses.binary_cross_entropy, np.zeros((2, 2)), np.ones((2, 2)))
    assert worst == pytest.approx(-math.log(1e-7), rel=1e-3)
    assert value(losses.binary_cross_entropy, np.ones((2, 2)), np.ones((2, 2))) == pytest.approx(0, abs=1e-6)


def test_losses_are_found_by_name_in_keras_files():
    functions = [name for name in losses.__all__ if not isinstance(getattr(losses, name), type)]
    for name in functions:  # `WhereKnown`, a class, is tested beside its values
        config = keras.saving.serialize_keras_object(getattr(losses, name))
        assert keras.saving.deserialize_keras_object(config) is getattr(losses, name)
