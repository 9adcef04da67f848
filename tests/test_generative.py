"""Figures of generators: similarity, Fréchet distance, modes and likelihood, each against values known otherwise."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg, ndimage, stats

from keras_ssl import data, evaluate, runs
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)


def images(n=3, height=16, width=14, channels=1, seed=0):
    return np.random.default_rng(seed).random((n, height, width, channels), "float32")


# ---- structural similarity -------------------------------------------------------------------------------------------


def reference_ssim(x, y):
    """By SciPy's Gaussian filter, whose windows at the border are cut off."""

    def mean(image):
        return ndimage.gaussian_filter(image.astype("float64"), 1.5, radius=5)[5:-5, 5:-5]

    values = []
    for a, b in zip(np.moveaxis(x, -1, 1).reshape(-1, *x.shape[1:3]), np.moveaxis(y, -1, 1).reshape(-1, *x.shape[1:3])):
        a, b = a.astype("float64"), b.astype("float64")
        ma, mb = mean(a), mean(b)
        va, vb, vab = mean((a - 0.5) ** 2) - (ma - 0.5) ** 2, mean(b * b) - mb**2, mean(a * b) - ma * mb
        top = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4)
        values.append(np.mean(top / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))))
    return np.mean(values)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_what_a_gaussian_filter_gives(channels):
    x = images(channels=channels)
    for y in (images(channels=channels, seed=1), np.clip(x + 0.1 * images(channels=channels, seed=2), 0, 1), 1 - x):
        assert evaluate.ssim(x, y) == pytest.approx(reference_ssim(x, y), abs=1e-9)


def test_ssim_by_hand():
    # constant images have no structure: (2 a b + c1) / (a² + b² + c1)
    x, y = np.full((1, 11, 11, 1), 0.2, "float32"), np.full((1, 11, 11, 1), 0.6, "float32")
    assert evaluate.ssim(x, y) == pytest.approx((0.24 + 1e-4) / (0.4 + 1e-4), rel=1e-5)


def test_ssim_of_equal_images_is_one_and_it_is_symmetric():
    x, y = images(), images(seed=1)
    assert evaluate.ssim(x, x) == pytest.approx(1, abs=1e-12)
    assert evaluate.ssim(x, y) == pytest.approx(evaluate.ssim(y, x), abs=1e-12)
    assert evaluate.ssim(x, 1 - x) < 0 < evaluate.ssim(x, 0.9 * x + 0.1 * y) < 1
    assert evaluate.ssim(x, y) == pytest.approx(np.mean([evaluate.ssim(a[None], b[None]) for a, b in zip(x, y)]))


def test_ssim_refuses_what_it_cannot_compare():
    with pytest.raises(UserError, match="11x11 pixels"):
        evaluate.ssim(images(height=10), images(height=10))
    with pytest.raises(UserError, match="images of one shape"):
        evaluate.ssim(images(), images(n=2))
    with pytest.raises(UserError, match="divide by 255"):
        evaluate.ssim(255 * images(), images())
    with pytest.raises(UserError, match="finite"):
        evaluate.ssim(images(), np.full_like(images(), np.nan))


# ---- reconstruction --------------------------------------------------------------------------------------------------


class Darker:
    """A model that can only reconstruct."""

    def __init__(self):
        self.sizes = []

    def reconstruct(self, x):
        self.sizes.append(len(x))
        return keras.ops.convert_to_tensor(x) * 0.5


def test_reconstruction_error_is_a_mean_over_all_images_whatever_the_batches():
    x, model, seen = images(5), Darker(), []
    stored = data.from_arrays((255 * x).round().astype("uint8"))
    figures = evaluate.reconstruction_error(model, stored, batch_size=2, progress=lambda *done: seen.append(done))
    x = stored.inputs()
    assert figures["mse"] == pytest.approx(np.mean((0.5 * x) ** 2), rel=1e-5)
    assert figures["ssim"] == pytest.approx(evaluate.ssim(x, 0.5 * x), rel=1e-5)
    assert model.sizes == [2, 2, 1]
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert evaluate.reconstruction_error(model, x) == pytest.approx(figures, rel=1e-6)


def test_images_smaller_than_the_window_have_no_similarity():
    assert set(evaluate.reconstruction_error(Darker(), images(height=8, width=8))) == {"mse"}


def test_reconstruction_error_needs_a_model_that_reconstructs_and_images_that_fit():
    with pytest.raises(UserError, match=r"a method `reconstruct`. Received object"):
        evaluate.reconstruction_error(object(), images())
    with pytest.raises(UserError, match="divide by"):
        evaluate.reconstruction_error(Darker(), 255 * images())


# ---- Fréchet distance ------------------------------------------------------------------------------------------------


def gaussian(mean, deviations):
    """Samples whose mean and covariance are exactly these, with `deviations` along the axes."""
    d = len(deviations)
    corners = np.concatenate([np.eye(d), -np.eye(d)])  # of covariance 2 / (2d - 1)
    return np.asarray(mean) + corners * np.asarray(deviations) * math.sqrt((2 * d - 1) / 2)


def reference_frechet(a, b):
    """By SciPy's root of a matrix."""
    covariance_a, covariance_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(covariance_a @ covariance_b).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(covariance_a + covariance_b - 2 * root)


def test_frechet_distance_by_hand():
    # in one dimension (μ_a - μ_b)² + (σ_a - σ_b)²
    assert evaluate.frechet_distance(gaussian([1], [2]), gaussian([4], [6])) == pytest.approx(9 + 16)
    assert evaluate.frechet_distance([[0.0], [2.0]], [[3.0], [3.0]]) == pytest.approx(4 + 2)
    # of independent coordinates the sum of these
    a, b = gaussian([0, 1, 2], [1, 2, 3]), gaussian([0, 3, 5], [3, 2, 1])
    assert evaluate.frechet_distance(a, b) == pytest.approx((4 + 9) + (4 + 0 + 4))


@pytest.mark.parametrize(("n", "m", "d"), [(50, 80, 6), (200, 60, 20)])
def test_frechet_distance_is_what_the_root_of_the_covariances_gives(n, m, d):
    a = RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d))
    b = RNG.normal(size=(m, d)) @ RNG.normal(size=(d, d)) + 0.5
    assert evaluate.frechet_distance(a, b) == pytest.approx(reference_frechet(a, b), rel=1e-8)


def test_frechet_distance_is_symmetric_zero_for_itself_and_the_same_after_a_rotation():
    a, b = RNG.normal(size=(60, 8)), 2 * RNG.normal(size=(40, 8)) + 1
    distance = evaluate.frechet_distance(a, b)
    assert evaluate.frechet_distance(b, a) == pytest.approx(distance, rel=1e-10)
    assert evaluate.frechet_distance(a, a) == pytest.approx(0, abs=1e-10)
    assert evaluate.frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-10)
    rotation = stats.ortho_group.rvs(8, random_state=0)
    assert evaluate.frechet_distance(a @ rotation, b @ rotation) == pytest.approx(distance, rel=1e-10)
    assert evaluate.frechet_distance(3 * a, 3 * b) == pytest.approx(9 * distance, rel=1e-10)


def test_fewer_samples_than_features_are_no_special_case():
    a, b = RNG.normal(size=(5, 9)), RNG.normal(size=(3, 9))
    wide = np.pad(a, ((0, 0), (0, 4)))  # features that are always 0 change nothing
    assert evaluate.frechet_distance(wide, np.pad(b, ((0, 0), (0, 4)))) == pytest.approx(
        evaluate.frechet_distance(a, b), rel=1e-10
    )
    covariance_a, covariance_b = np.cov(a.T), np.cov(b.T)
    overlap = np.sqrt(np.maximum(np.linalg.eigvals(covariance_a @ covariance_b).real, 0)).sum()
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(covariance_a + covariance_b) - 2 * overlap
    assert evaluate.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_the_floor_is_small_repeats_itself_and_falls_with_more_samples():
    x = RNG.normal(size=(4001, 4))
    floor = evaluate.frechet_floor(x)
    assert floor == evaluate.frechet_floor(x)
    assert floor != evaluate.frechet_floor(x, seed=1)
    assert 0 < floor < evaluate.frechet_floor(x[:200]) / 4
    assert floor < evaluate.frechet_distance(x, x + 0.3) / 10
    sorted_by_value = np.sort(x, axis=0)  # the halves are drawn at random
    assert evaluate.frechet_floor(sorted_by_value) < 0.1


def test_features_that_make_no_gaussian_are_refused():
    a = RNG.normal(size=(5, 3))
    with pytest.raises(UserError, match=r"at least 2 samples. Received shape \(1, 3\)"):
        evaluate.frechet_distance(a, a[:1])
    with pytest.raises(UserError, match="Received shape"):
        evaluate.frechet_distance(a[:, 0], a)
    with pytest.raises(UserError, match="widths 3 and 2"):
        evaluate.frechet_distance(a, a[:, :2])
    with pytest.raises(UserError, match="finite features"):
        evaluate.frechet_distance(a, np.where(a > 0, a, np.nan))
    with pytest.raises(UserError, match="at least 4 samples"):
        evaluate.frechet_floor(a[:3])


# ---- modes and the classifier that sees them -------------------------------------------------------------------------


def test_modes_are_counted_class_by_class():
    np.testing.assert_array_equal(evaluate.mode_counts([0, 3, 3, 1], 5), [1, 1, 0, 2, 0])
    np.testing.assert_array_equal(evaluate.mode_counts(np.array([], int), 2), [0, 0])
    with pytest.raises(UserError, match=r"predictions in 0..2. Received 3"):
        evaluate.mode_counts([0, 3], 3)
    with pytest.raises(UserError, match="classes as a whole number at least 1"):
        evaluate.mode_counts([0], 0)


def three_classes(n, seed=0):
    x, labels = 0.6 * images(n, 8, 8, seed=seed), np.arange(n) % 3
    x[np.arange(n), labels] += 0.4  # a brighter row
    return data.from_arrays(x, labels, 3)


@pytest.fixture(scope="module")
def yardstick():
    return evaluate.feature_classifier(three_classes(300), epochs=8)


def test_the_feature_classifier_learns_and_its_features_are_those_before_the_softmax(yardstick):
    source = three_classes(60, seed=1)
    assert np.mean(yardstick.classes(source) == source.labels) > 0.9
    h = yardstick.features(source)
    assert (h.shape, h.dtype) == ((60, 64), np.float32)
    kernel, bias = yardstick.model.layers[-1].get_weights()
    np.testing.assert_array_equal((h @ kernel + bias).argmax(-1), yardstick.classes(source.inputs()))
    assert (h < 0).any()  # linear
    noise = data.from_arrays(images(60, 8, 8, seed=2))
    real = yardstick.features(three_classes(60, seed=3))
    assert evaluate.frechet_distance(h, real) < evaluate.frechet_distance(yardstick.features(noise), real)


def test_the_fingerprint_is_that_of_the_weights_and_survives_saving(yardstick, tmp_path):
    path = runs.save_model(yardstick.model, tmp_path / "yardstick.keras", fingerprint=yardstick.fingerprint)
    loaded = evaluate.FeatureClassifier(runs.load_model(path))
    assert loaded.fingerprint == yardstick.fingerprint == runs.about(path)["fingerprint"]
    assert len(yardstick.fingerprint) == 64
    source = three_classes(20)
    np.testing.assert_array_equal(loaded.features(source), yardstick.features(source))
    kernel = loaded.model.layers[-1].kernel
    kernel.assign(kernel + 1e-3)
    assert evaluate.FeatureClassifier(loaded.model).fingerprint != yardstick.fingerprint


def test_the_same_seed_makes_the_same_feature_classifier_and_leaves_the_generators_alone():
    before = np.random.get_state()[1].tolist()
    prints = [evaluate.feature_classifier(three_classes(12), 1, seed).fingerprint for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]
    assert np.random.get_state()[1].tolist() == before


def test_the_feature_classifier_needs_labels_and_an_epoch():
    with pytest.raises(UserError, match="labeled"):
        evaluate.feature_classifier(data.from_arrays(images()))
    with pytest.raises(UserError, match="epochs as a whole number at least 1"):
        evaluate.feature_classifier(three_classes(9), epochs=0)


# ---- likelihood ------------------------------------------------------------------------------------------------------


class LinearGaussian:
    """x = W z + σ ε, whose likelihood is known: N(0, W Wᵀ + σ² 1). `widen` and `shift` make q other than p(z|x)."""

    latent_dim = 2

    def __init__(self, widen=1.0, shift=0.0):
        self.w = np.random.default_rng(5).normal(size=(6, 2)).astype("float32")
        self.variance = 0.3
        self.precision = (self.w.T @ self.w / self.variance + np.eye(2)).astype("float32")
        deviations = widen * np.linalg.cholesky(np.linalg.inv(self.precision))
        self.root, self.shift = deviations.astype("float32"), shift
        self.traced = 0

    def log_weights(self, x, noise):
        self.traced += 1
        x = keras.ops.reshape(keras.ops.convert_to_tensor(x), (-1, 6))
        mean = x @ self.w @ np.linalg.inv(self.precision).astype("float32") / self.variance + self.shift
        z = mean + noise @ self.root.T

        def log_normal(residual, log_determinant):
            squares = keras.ops.sum(keras.ops.square(residual), axis=-1)
            return -0.5 * (squares + log_determinant + residual.shape[-1] * math.log(2 * math.pi))

        likelihood = log_normal((x - z @ self.w.T) / self.variance**0.5, 6 * math.log(self.variance))
        posterior = log_normal(noise, 2 * np.log(np.abs(np.linalg.det(self.root))).astype("float32"))
        return likelihood + log_normal(z, 0.0) - posterior

    def exact(self, x):
        covariance = self.w @ self.w.T + self.variance * np.eye(6)
        return -stats.multivariate_normal(np.zeros(6), covariance).logpdf(x.reshape(-1, 6)).mean()


X = images(7, 3, 2, seed=4)


def test_with_the_true_posterior_one_sample_gives_the_exact_likelihood():
    vae = LinearGaussian()
    for samples in (1, 5):
        assert evaluate.importance_weighted_nll(vae, X, samples) == pytest.approx(vae.exact(X), abs=1e-4)
        assert evaluate.negative_elbo(vae, X, samples) == pytest.approx(vae.exact(X), abs=1e-4)


def test_with_another_posterior_the_estimate_falls_to_the_exact_likelihood():
    vae = LinearGaussian(widen=1.6, shift=0.3)
    exact = vae.exact(X)
    # the means over many seeds stand for the expectation
    bounds = [
        np.mean([evaluate.importance_weighted_nll(vae, np.tile(X, (60, 1, 1, 1)), k, seed=s) for s in range(3)])
        for k in (1, 4, 16)
    ]
    assert bounds[0] > bounds[1] + 0.05 > bounds[2] + 0.05 > exact
    assert evaluate.importance_weighted_nll(vae, X, 20_000, chunk=4000) == pytest.approx(exact, abs=0.02)


def test_the_bound_of_the_evidence_lies_above_by_the_divergence_of_the_posteriors():
    widen, shift = 1.6, 0.3
    vae = LinearGaussian(widen, shift)
    # KL of N(m + s, c²Σ) from N(m, Σ) in two dimensions
    divergence = 0.5 * (2 * widen**2 + shift**2 * vae.precision.sum() - 2 - 4 * math.log(widen))
    bound = evaluate.negative_elbo(vae, X, samples=4000, chunk=1000)
    assert bound == pytest.approx(vae.exact(X) + divergence, abs=0.05)


def test_the_log_weights_are_averaged_as_the_definition_says():
    class Known:
        latent_dim = 1

        def log_weights(self, x, noise):
            self.noise.append(np.array(noise))
            return noise[..., 0] - 2000.0  # exp(-2000) is 0 in any float

    model = Known()
    model.noise = []
    tf.config.run_functions_eagerly(True)
    try:
        nll = evaluate.importance_weighted_nll(model, X, samples=5, chunk=2, batch_size=4, seed=3)
    finally:
        tf.config.run_functions_eagerly(False)
    assert [part.shape for part in model.noise] == [(2, 4, 1), (2, 4, 1), (1, 4, 1), (2, 3, 1), (2, 3, 1), (1, 3, 1)]
    drawn = [np.concatenate(model.noise[k : k + 3])[..., 0].astype("float64") for k in (0, 3)]
    expected = np.concatenate([-np.log(np.exp(part).mean(axis=0)) for part in drawn]).mean() + 2000
    assert nll == pytest.approx(expected, abs=1e-3)
    values = np.concatenate([part.ravel() for part in drawn])
    assert len(np.unique(values)) == 5 * 7  # no chunk repeats the draws of another


def test_estimates_repeat_themselves_and_follow_their_seed():
    vae, seen = LinearGaussian(widen=1.5), []
    arguments = {"samples": 5, "chunk": 2, "batch_size": 4}
    first = evaluate.importance_weighted_nll(vae, X, **arguments, progress=lambda *done: seen.append(done))
    assert vae.traced == 4  # once for each shape: 2 and 1 samples of 4 and 3 images
    assert seen == [(8, 35), (16, 35), (20, 35), (26, 35), (32, 35), (35, 35)]
    assert first == evaluate.importance_weighted_nll(vae, data.from_arrays(X), **arguments)
    assert first != evaluate.importance_weighted_nll(vae, X, **arguments, seed=1)
    assert evaluate.negative_elbo(vae, X) == evaluate.negative_elbo(vae, X)
    assert evaluate.negative_elbo(vae, X) != evaluate.negative_elbo(vae, X, seed=1)


@pytest.mark.parametrize("figure", [evaluate.negative_elbo, evaluate.importance_weighted_nll])
def test_a_likelihood_needs_a_model_that_has_one_samples_and_images(figure):
    with pytest.raises(UserError, match="a method `log_weights`"):
        figure(Darker(), X)
    for name in ("samples", "chunk", "batch_size"):
        with pytest.raises(UserError, match=f"{name} as a whole number at least 1"):
            figure(LinearGaussian(), X, **{name: 0})
    with pytest.raises(UserError, match="divide by 255"):
        figure(LinearGaussian(), 200 * X)
