"""Autoencoders of all kinds, beyond the contract that all objectives share."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, convolutional, dense, images

from keras_ssl import decoders, encoders, likelihoods, losses, objectives, transforms
from keras_ssl.errors import UserError

N = 8


def active():
    """Make two dense layers that end with a nonlinearity."""
    return encoders.mlp(SHAPE, units=(32, 24), output_activation="relu")


def evaluated(objective, batch, **arguments):
    objective.compile("sgd", run_eagerly=True, **arguments)
    return objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)


def trained(objective, x, steps=150, rate=1e-2):
    objective.compile(keras.optimizers.Adam(rate))
    objective.fit(tf.data.Dataset.from_tensors(x).repeat(steps), verbose=0)
    return objective


# ---- sparse ----------------------------------------------------------------------------------------------------------


def test_sparse_terms_are_those_of_the_representation():
    objective = objectives.SparseAutoencoder(dense(), weight=0.5)
    x = images(N, 0)
    logs = evaluated(objective, x)
    assert logs["sparsity"] == pytest.approx(float(losses.l1(objective(x))), rel=1e-5)
    assert logs["loss"] == pytest.approx(logs["reconstruction"] + 0.5 * logs["sparsity"], rel=1e-5)


def test_a_weight_makes_the_representation_sparse():
    x = images(32, 0)
    magnitudes = []
    for weight in (0.0, 0.1):
        keras.utils.set_random_seed(0)
        objective = trained(objectives.SparseAutoencoder(active(), weight=weight), x)
        magnitudes.append(np.abs(objective(x)).mean())
    assert magnitudes[1] < 0.5 * magnitudes[0]


def test_a_target_draws_mean_activities_to_it():
    x = images(32, 0)
    encoder = encoders.mlp(SHAPE, (32, 16), output_activation="sigmoid")
    before = np.array(encoder(x)).mean(axis=0)
    trained(objectives.SparseAutoencoder(encoder, weight=1.0, target=0.1), x)
    after = np.array(encoder(x)).mean(axis=0)
    assert np.abs(after - 0.1).max() < 0.1 < np.abs(before - 0.1).max()


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, 2])
def test_a_target_outside_0_to_1_is_refused(target):
    with pytest.raises(UserError, match="target above 0 and below 1"):
        objectives.SparseAutoencoder(encoders.mlp(SHAPE, (4,), output_activation="sigmoid"), target=target)


def test_a_target_for_unbounded_activities_is_refused():
    with pytest.raises(UserError, match="sigmoid"):
        objectives.SparseAutoencoder(dense(), target=0.1)


# ---- denoising -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [transforms.gaussian_noise, transforms.masking_noise, transforms.salt_and_pepper])
def test_what_is_clean_is_rebuilt_from_what_is_noisy(noise):
    keras.utils.set_random_seed(1)
    x = images(32, 0)
    objective = objectives.DenoisingAutoencoder(active(), noise=noise, amount=0.3)
    trained(objective, x, steps=300)
    noisy = np.array(noise(x, 0.3, np.array([1, 2])))
    assert np.square(objective.reconstruct(noisy) - x).mean() < 0.5 * np.square(noisy - x).mean()


def test_denoising_compares_with_the_clean_input():
    objective = objectives.DenoisingAutoencoder(dense())
    x, noisy = images(N, 0), images(N, 1)
    logs = evaluated(objective, {"input": x, "corrupted": noisy})
    assert logs["loss"] == pytest.approx(np.square(x - objective.reconstruct(noisy)).mean(), rel=1e-5)


def test_noise_follows_its_amount_and_its_schedule():
    x = images(N, 0)
    still = objectives.DenoisingAutoencoder(dense(), amount=0.0)
    assert evaluated(still, x)["loss"] == pytest.approx(np.square(x - still.reconstruct(x)).mean(), rel=1e-5)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.0, 1.0])
    objective = objectives.DenoisingAutoencoder(dense(), amount=schedule)
    quiet = evaluated(objective, x)["loss"]
    assert quiet == pytest.approx(np.square(x - objective.reconstruct(x)).mean(), rel=1e-5)
    objective.step.assign(1)
    blind = evaluated(objective, x)["loss"]
    assert blind == pytest.approx(np.square(x - objective.reconstruct(np.zeros_like(x))).mean(), rel=1e-5)


def test_an_amount_that_no_noise_has_is_refused():
    with pytest.raises(UserError, match="amount at least 0"):
        objectives.DenoisingAutoencoder(dense(), amount=-0.1)
    with pytest.raises(UserError, match="rate at least 0 and at most 1"):
        objectives.DenoisingAutoencoder(dense(), amount=30)
    objectives.DenoisingAutoencoder(dense(), noise=transforms.gaussian_noise, amount=30)


# ---- variational -----------------------------------------------------------------------------------------------------


def test_variational_terms_are_the_bound():
    objective = objectives.VariationalAutoencoder(convolutional(), latent_dim=3, beta=0.25)
    x, noise = images(N, 0), np.random.default_rng(0).normal(size=(N, 3)).astype("float32")
    logs = evaluated(objective, {"input": x, "noise": noise})
    mean, log_variance = (np.array(part) for part in objective.posterior(x))
    z = mean + np.exp(log_variance / 2) * noise
    log_prob = likelihoods.Bernoulli().log_prob(x, objective.decoder(z))
    assert logs["reconstruction"] == pytest.approx(-np.mean(log_prob), rel=1e-5)
    assert logs["kl"] == pytest.approx(float(losses.gaussian_kl(mean, log_variance)), rel=1e-5)
    assert logs["loss"] == pytest.approx(logs["reconstruction"] + 0.25 * logs["kl"], rel=1e-5)


def test_beta_warms_up():
    schedule = keras.optimizers.schedules.PolynomialDecay(0.0, 2, 1.0)
    objective = objectives.VariationalAutoencoder(dense(), latent_dim=2, beta=schedule)
    shares = []
    for step in range(3):
        objective.step.assign(step)
        logs = evaluated(objective, images(N, 0))
        shares.append((logs["loss"] - logs["reconstruction"]) / logs["kl"])
    assert shares == pytest.approx([0, 0.5, 1], abs=1e-3)


@pytest.mark.exhaustive
def test_a_large_beta_leaves_the_posterior_at_the_prior():
    x = images(32, 0)
    kls = []
    for beta in (0.1, 100.0):
        keras.utils.set_random_seed(0)
        objective = trained(objectives.VariationalAutoencoder(active(), latent_dim=4, beta=beta), x)
        kls.append(float(losses.gaussian_kl(*objective.posterior(x))))
    assert kls[1] < 0.1 < 1 < kls[0]


def test_log_weights_are_what_their_definition_says():
    objective = objectives.VariationalAutoencoder(dense(), latent_dim=3, likelihood=likelihoods.Gaussian(0.5))
    x, noise = images(4, 0), np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    mean, log_variance = (np.array(part, "float64") for part in objective.posterior(x))
    z = mean + np.exp(log_variance / 2) * noise
    log_prior = -(z**2 + np.log(2 * np.pi)).sum(-1) / 2
    log_posterior = -(noise**2 + log_variance + np.log(2 * np.pi)).sum(-1) / 2
    log_prob = [likelihoods.Gaussian(0.5).log_prob(x, objective.decoder(row.astype("float32"))) for row in z]
    expected = np.array(log_prob) + log_prior - log_posterior
    np.testing.assert_allclose(objective.log_weights(x, noise), expected, rtol=1e-4)


def test_one_draw_of_the_log_weights_is_the_bound_on_average():
    objective = trained(objectives.VariationalAutoencoder(active(), latent_dim=3), images(N, 0), steps=20)
    x = images(N, 0)
    noise = np.random.default_rng(0).normal(size=(4000, N, 3)).astype("float32")
    mean, log_variance = objective.posterior(x)
    kl = [float(losses.gaussian_kl(mean[k : k + 1], log_variance[k : k + 1])) for k in range(N)]
    z = np.array(mean) + np.exp(np.array(log_variance) / 2) * noise
    log_prob = [likelihoods.Bernoulli().log_prob(x, objective.decoder(row)) for row in z[:400]]
    bound = np.mean(log_prob, axis=0) - kl
    np.testing.assert_allclose(np.mean(objective.log_weights(x, noise), axis=0), bound, atol=0.5)


def test_samples_repeat_and_lines_join_reconstructions():
    objective = objectives.VariationalAutoencoder(convolutional(), latent_dim=3)
    one, same, other = (np.array(objective.sample(5, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape == (5, *SHAPE)
    assert 0 < one.min() <= one.max() < 1
    assert not np.allclose(one, other)
    first, second = images(4, 0), images(4, 1)
    line = np.array(objective.interpolate(first, second, steps=3))
    assert line.shape == (4, 3, *SHAPE)
    np.testing.assert_allclose(line[:, 0], objective.reconstruct(first), atol=1e-6)
    np.testing.assert_allclose(line[:, -1], objective.reconstruct(second), atol=1e-6)
    middle = (objective.posterior(first)[0] + objective.posterior(second)[0]) / 2
    np.testing.assert_allclose(line[:, 1], objective.decode(middle), atol=1e-5)


@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan])
@pytest.mark.parametrize("eager", [False, True])
def test_pixels_outside_the_likelihoods_range_stop_a_bare_data_set_at_a_later_batch(value, eager):
    x = np.stack([images(N, 0), images(N, 0)])  # the first batch is looked at anyway
    x[1, 3, 2, 2] = value
    objective = objectives.VariationalAutoencoder(dense(), latent_dim=2)
    objective.compile(keras.optimizers.SGD(0.0), run_eagerly=eager)
    before = [np.array(weight) for weight in objective.trainable_weights]
    with pytest.raises((UserError, tf.errors.InvalidArgumentError), match=r"values in 0\.\.1 for the likelihood"):
        objective.fit(tf.data.Dataset.from_tensor_slices(x), verbose=0)
    for a, b in zip(before, objective.trainable_weights):
        np.testing.assert_array_equal(a, b)


def test_a_gaussian_takes_any_values_of_rows():
    encoder = encoders.mlp((6,), (8, 4))
    objective = objectives.VariationalAutoencoder(encoder, latent_dim=2, likelihood=likelihoods.Gaussian())
    objective.compile("adam")
    rows = 5 * np.random.default_rng(0).random((N, 6), "float32") - 3
    history = objective.fit(tf.data.Dataset.from_tensors(rows), verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"latent_dim": 0}, "latent_dim as a whole number at least 1"),
        ({"latent_dim": 1.5}, "latent_dim as a whole"),
        ({"beta": -1}, "beta"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        objectives.VariationalAutoencoder(dense(), **arguments)


@pytest.mark.parametrize("kind", [objectives.Autoencoder, objectives.VariationalAutoencoder])
def test_a_decoder_of_another_shape_is_refused(kind):
    other = decoders.mirror(encoders.mlp((6, 6, 1), (8, 4)))
    with pytest.raises(UserError, match=r"\(None, 8, 8, 1\).*\(None, 6, 6, 1\)"):
        kind(dense(), other)
