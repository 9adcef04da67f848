"""The cross-entropy of tokens: by hand, against NumPy, and its properties."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import distribute, losses


def values(logits, targets):
    result = losses.token_cross_entropy(np.asarray(logits, "float32"), np.asarray(targets))
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    return np.asarray(result)


def test_by_hand():
    # Scores of log 3 and 0 are probabilities of 3/4 and 1/4.
    found = values([[[math.log(3), 0], [math.log(3), 0]]], [[0, 1]])
    np.testing.assert_allclose(found, [[math.log(4 / 3), math.log(4)]], atol=1e-6)
    np.testing.assert_allclose(values(np.zeros((2, 3, 5)), np.full((2, 3), 4)), np.full((2, 3), math.log(5)), atol=1e-6)


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6), st.integers(0, 1000))
def test_equals_numpy(n, t, v, seed):
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(0, 3, (n, t, v)), rng.integers(0, v, (n, t))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [[-math.log(probabilities[i, j, targets[i, j]]) for j in range(t)] for i in range(n)]
    np.testing.assert_allclose(values(logits, targets), expected, rtol=1e-4, atol=1e-5)


def test_a_constant_on_all_scores_changes_nothing_and_large_scores_do_not_overflow():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 6, 4)), rng.integers(0, 4, (2, 6))
    np.testing.assert_allclose(values(logits + 7, targets), values(logits, targets), rtol=1e-4)
    np.testing.assert_allclose(values([[[1e4, 0], [1e4, 0]]], [[0, 1]]), [[0, 1e4]])
    np.testing.assert_allclose(values([[[-np.inf, 0]]], [[1]]), [[0]])
    half = keras.ops.cast(np.array([[[300.0, 0.0]]]), "float16")
    assert float(losses.token_cross_entropy(half, np.array([[1]]))[0, 0]) == 300


@pytest.mark.parametrize("jit", [False, True])
def test_an_id_outside_is_nan_and_harmless_where_its_weight_is_0(jit):
    import tensorflow as tf

    logits = tf.constant(np.random.default_rng(1).normal(size=(1, 4, 3)), tf.float32)
    targets = tf.constant([[2, -1, 3, 0]])

    @tf.function(jit_compile=jit)
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(logits)
            found = losses.token_cross_entropy(logits, targets)
            mean = distribute.mean(found, tf.constant([[1, 0, 0, 1]]))
        return found, mean, tape.gradient(mean, logits)

    found, mean, slope = (x.numpy() for x in gradient())
    assert np.isnan(found).tolist() == [[False, True, True, False]]
    assert mean == pytest.approx(found[0, [0, 3]].mean())
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope[0, 1:3], 0)
    np.testing.assert_allclose(slope.sum(axis=-1), 0, atol=1e-6)
