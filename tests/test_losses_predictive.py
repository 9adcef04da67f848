"""Contrastive predictive coding: values by hand, properties, and a reference in NumPy loops."""

import numpy as np
import pytest

from keras_ssl import losses

RNG = np.random.default_rng(0)
P, Z = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
KEEP = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]], bool)


def loss(p, z, keep=None, other_times=True):
    return float(losses.cpc(*losses.cpc_scores(p, z, keep, other_times), keep))


def reference(p, z, keep, other_times):
    """Equation 4, a prediction at a time."""
    values = []
    for i, t in np.argwhere(keep):
        candidates = [(j, t) for j in range(len(z)) if j != i and keep[j, t]]
        candidates += [(i, s) for s in range(z.shape[1]) if s != t and keep[i, s]] if other_times else []
        f = [np.exp(p[i, t] @ z[where]) for where in [(i, t), *candidates]]
        values.append(-np.log(f[0] / sum(f)))
    return np.mean(values)


def test_by_hand():
    one_each = np.array([[[1.0, 0.0]], [[0.0, 1.0]]], "float32")  # two samples of one frame
    positives, negatives = losses.cpc_scores(one_each, one_each, other_times=False)
    np.testing.assert_array_equal(positives, [[1], [1]])
    np.testing.assert_array_equal(negatives, [[[-1e9, 0]], [[0, -1e9]]])
    assert float(losses.cpc(positives, negatives)) == pytest.approx(np.log(1 + np.exp(-1)))
    assert float(losses.cpc(np.zeros((2, 3)), np.zeros((2, 3, 7)))) == pytest.approx(np.log(8))


@pytest.mark.parametrize("other_times", [True, False])
@pytest.mark.parametrize("keep", [KEEP, np.ones_like(KEEP)])
def test_it_equals_loops_over_predictions(keep, other_times):
    assert loss(P, Z, keep, other_times) == pytest.approx(reference(P, Z, keep, other_times), rel=1e-5)


def test_without_keep_all_are_kept():
    assert loss(P, Z) == pytest.approx(loss(P, Z, np.ones_like(KEEP)))


def test_padding_and_the_order_of_samples_do_not_matter():
    other = np.where(KEEP[..., None], Z, 50)
    assert loss(P, other, KEEP) == pytest.approx(loss(P, Z, KEEP), rel=1e-6)
    order = [2, 0, 1]
    assert loss(P[order], Z[order], KEEP[order]) == pytest.approx(loss(P, Z, KEEP), rel=1e-5)


def test_one_constant_on_all_scores_changes_nothing_and_large_ones_stay_finite():
    positives, negatives = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3, 4))
    before = float(losses.cpc(positives, negatives))
    assert float(losses.cpc(positives + 5, negatives + 5)) == pytest.approx(before, rel=1e-5)
    assert float(losses.cpc(positives + 900, negatives)) == 0
    assert float(losses.cpc(positives - 900, negatives)) == pytest.approx(900, rel=0.01)
