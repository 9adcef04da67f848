"""The cross-entropy of classes: by hand, against NumPy, and its properties."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import losses, measures


def value(logits, labels):
    result = losses.cross_entropy(np.asarray(logits, "float32"), np.asarray(labels))
    assert result.shape == ()
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    return float(result)


def test_by_hand():
    # Scores of log 3 and 0 are probabilities of 3/4 and 1/4.
    assert value([[math.log(3), 0]], [0]) == pytest.approx(math.log(4 / 3), abs=1e-6)
    assert value([[math.log(3), 0], [math.log(3), 0]], [0, 1]) == pytest.approx(math.log(16 / 3) / 2, abs=1e-6)
    assert value(np.zeros((3, 5)), [0, 4, 2]) == pytest.approx(math.log(5), abs=1e-6)


@settings(max_examples=15)
@given(st.integers(1, 9), st.integers(2, 6), st.integers(0, 1000))
def test_equals_numpy(n, k, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(0, 3, (n, k)), rng.integers(0, k, n)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(probabilities[np.arange(n), labels]).mean()
    assert value(logits, labels) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert value(logits, labels.astype("float32")) == value(logits, labels)
    right = (logits.argmax(axis=1) == labels).mean()
    assert float(measures.accuracy(logits, labels.astype("float32"))) == pytest.approx(right)


def test_a_constant_on_all_scores_changes_nothing_and_large_scores_do_not_overflow():
    logits, labels = np.random.default_rng(0).normal(size=(6, 4)), [0, 1, 2, 3, 0, 1]
    assert value(logits + 7, labels) == pytest.approx(value(logits, labels), rel=1e-5)
    assert value(logits[::-1], labels[::-1]) == pytest.approx(value(logits, labels), rel=1e-5)
    assert value([[1e4, 0.0]], [0]) == 0
    assert value([[1e4, 0.0]], [1]) == pytest.approx(1e4)
    half = keras.ops.cast(np.array([[300.0, 0.0]]), "float16")
    assert float(losses.cross_entropy(half, np.array([1]))) == 300


def test_accuracy_by_hand():
    logits = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert float(measures.accuracy(logits, np.array([0, 1, 1, 0]))) == 0.75
