"""Losses of generative models and likelihoods: values by hand, properties, independent references."""

import math

import keras
import numpy as np
import pytest
from scipy import stats

from keras_ssl import likelihoods, losses
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
MEAN, LOG_VARIANCE = RNG.normal(size=(2, 5, 3)).astype("float32")
REAL, GENERATED = RNG.normal(size=(2, 6, 1)).astype("float32")
X = RNG.random((4, 3, 3, 2), "float32")
LOGITS = RNG.normal(size=X.shape).astype("float32")


# ---- gaussian_kl -----------------------------------------------------------------------------------------------------


def test_gaussian_kl_by_hand():
    # one dimension at the prior, one a mean of 2 away, one of variance e
    mean, log_variance = np.array([[0.0, 2.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    assert float(losses.gaussian_kl(mean, log_variance)) == pytest.approx(2.0 + (math.e - 2) / 2, rel=1e-6)


def test_gaussian_kl_equals_the_integral():
    grid = np.linspace(-12, 12, 40_001)

    def one(mean, log_variance):
        q = stats.norm(mean, math.exp(log_variance / 2))
        return np.trapezoid(q.pdf(grid) * (q.logpdf(grid) - stats.norm.logpdf(grid)), grid)

    expected = [sum(one(m, v) for m, v in zip(*rows)) for rows in zip(MEAN, LOG_VARIANCE)]
    for k, kl in enumerate(expected):
        assert float(losses.gaussian_kl(MEAN[k : k + 1], LOG_VARIANCE[k : k + 1])) == pytest.approx(kl, rel=1e-4)
    assert float(losses.gaussian_kl(MEAN, LOG_VARIANCE)) == pytest.approx(np.mean(expected), rel=1e-4)


def test_gaussian_kl_is_lowest_at_the_prior():
    assert float(losses.gaussian_kl(0 * MEAN, 0 * MEAN)) == 0
    for k in range(len(MEAN)):
        assert float(losses.gaussian_kl(MEAN[k : k + 1], LOG_VARIANCE[k : k + 1])) > 0


# ---- sparsity --------------------------------------------------------------------------------------------------------


def test_l1_by_hand():
    assert float(losses.l1(np.array([[1.0, -3.0], [0.0, 2.0]]))) == 1.5


def test_sparsity_kl_by_hand_and_by_scipy():
    h = np.array([[0.25, 0.9], [0.75, 0.1], [0.5, 0.2]])  # means 0.5 and 0.4
    expected = np.mean([stats.entropy([0.1, 0.9], [p, 1 - p]) for p in (0.5, 0.4)])
    assert float(losses.sparsity_kl(h, 0.1)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.sparsity_kl(h[:, :1], 0.5)) == pytest.approx(0.0, abs=1e-7)


def test_sparsity_kl_looks_at_means_only_and_is_finite_for_dead_units():
    h = RNG.random((8, 3))
    assert float(losses.sparsity_kl(h, 0.1)) == pytest.approx(float(losses.sparsity_kl(h[::-1], 0.1)))
    assert 0 < float(losses.sparsity_kl(0 * h, 0.1)) < 10


# ---- adversarial -----------------------------------------------------------------------------------------------------


def test_non_saturating_by_hand():
    zeros = np.zeros((3, 1))
    assert float(losses.non_saturating(zeros, zeros)) == pytest.approx(2 * math.log(2))
    assert float(losses.non_saturating(zeros + 50, zeros - 50)) == pytest.approx(0, abs=1e-12)
    assert float(losses.non_saturating(zeros - 50, zeros + 50)) == pytest.approx(100)


def test_non_saturating_is_the_cross_entropy_of_two_classes():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x.astype("float64")))

    expected = -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(GENERATED)).mean()
    assert float(losses.non_saturating(REAL, GENERATED)) == pytest.approx(expected, rel=1e-5)


def test_wasserstein_is_a_difference_of_means():
    assert float(losses.wasserstein(np.array([[3.0], [5.0]]), np.array([[1.0], [2.0]]))) == -2.5
    assert float(losses.wasserstein(REAL, GENERATED)) == pytest.approx(-float(losses.wasserstein(GENERATED, REAL)))
    shifted = float(losses.wasserstein(REAL + 7, GENERATED + 7))
    assert shifted == pytest.approx(float(losses.wasserstein(REAL, GENERATED)), abs=1e-5)


def test_gradient_penalty_by_hand():
    assert float(losses.gradient_penalty(np.array([1.0, 3.0, 0.0]))) == pytest.approx(5 / 3)


# ---- likelihoods -----------------------------------------------------------------------------------------------------


def test_bernoulli_by_hand_and_by_scipy():
    even = likelihoods.Bernoulli().log_prob(np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))
    np.testing.assert_allclose(even, [-4 * math.log(2)], rtol=1e-6)
    x = np.round(X)
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    expected = stats.bernoulli(p).logpmf(x).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(likelihoods.Bernoulli().log_prob(x, LOGITS), expected, rtol=1e-5)
    np.testing.assert_allclose(likelihoods.Bernoulli().mean(LOGITS), p, rtol=1e-5)


def test_bernoulli_is_finite_for_any_logit():
    x = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(likelihoods.Bernoulli().log_prob(x, np.array([[1e4, -1e4]])), [-2e4], rtol=1e-6)


def test_gaussian_by_hand_and_by_scipy():
    at_mean = likelihoods.Gaussian(1.0).log_prob(X, X)
    np.testing.assert_allclose(at_mean, np.full(4, -18 * math.log(math.sqrt(2 * math.pi))), rtol=1e-6)
    expected = stats.norm(LOGITS, 0.3).logpdf(X).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(likelihoods.Gaussian(0.3).log_prob(X, LOGITS), expected, rtol=1e-4)
    np.testing.assert_array_equal(likelihoods.Gaussian(0.3).mean(LOGITS), LOGITS)


@pytest.mark.parametrize("likelihood", [likelihoods.Bernoulli(), likelihoods.Gaussian(0.2)])
def test_likelihoods_broadcast_over_several_draws_and_serialize(likelihood):
    several = np.stack([LOGITS, LOGITS + 1, LOGITS * 2])
    one_by_one = np.stack([likelihood.log_prob(X, logits) for logits in several])
    np.testing.assert_allclose(likelihood.log_prob(X, several), one_by_one, rtol=1e-5)
    config = keras.saving.serialize_keras_object(likelihood)
    assert keras.saving.deserialize_keras_object(config) == likelihood


def test_a_gaussian_without_width_is_refused():
    with pytest.raises(UserError, match="stddev above 0"):
        likelihoods.Gaussian(0.0)
