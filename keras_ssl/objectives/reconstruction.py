"""Objectives that rebuild their input from its representation."""

import keras
import numpy as np
from keras import ops

from keras_ssl import decoders, heads, likelihoods, losses, transforms
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.errors import UserError
from keras_ssl.objectives import batches
from keras_ssl.objectives.objective import Objective

__all__ = ["Autoencoder", "DenoisingAutoencoder", "SparseAutoencoder", "VariationalAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class Autoencoder(Objective):
    """Rebuild the input from its representation, which is narrower.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; dense or convolutional.
        decoder: `keras.Model` from `(n, d)` to the encoder's input shape. Default: `decoders.mirror(encoder)`,
            whose output is linear, or a sigmoid where `reconstruction` is `losses.binary_cross_entropy`.
        reconstruction: Function of input and reconstruction that returns a scalar. Default: `losses.squared_error`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks".

    Departures:
        Trained end to end, not layer by layer with restricted Boltzmann machines.
    """

    def __init__(self, encoder, decoder=None, reconstruction=losses.squared_error, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        activation = "sigmoid" if reconstruction is losses.binary_cross_entropy else None
        self.decoder = decoders.mirror(encoder, activation) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, encoder.output_shape[-1])
        self.reconstruction = reconstruction

    def forward_pass(self, batch, training):
        """Encode and decode."""
        h = self.encoder(batch["input"], training=training)
        return {"input": batch["input"], "h": h, "reconstruction": self.decoder(h, training=training)}

    def loss_terms(self, outputs):
        """Compare the reconstruction with the input."""
        return {"loss": self.reconstruction(outputs["input"], outputs["reconstruction"])}

    def reconstruct(self, images):
        """Return the reconstructions of `images` `(n, …)`, floats in 0..1, as a float32 tensor of the same shape."""
        return self._rebuilt(self.as_images(images))

    def _rebuilt(self, images):
        return self.decoder(self.encoder(images, training=False), training=False)


@keras.saving.register_keras_serializable("keras_ssl")
class SparseAutoencoder(Autoencoder):
    """An autoencoder whose representation is held sparse: few of its units are active for a sample.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`, which need not be narrow. With a `target` its outputs
            must lie in 0..1: let it end with a sigmoid.
        decoder: See `Autoencoder`.
        weight: Of the sparsity in the loss, at least 0: a number, or a schedule in steps. Default 0.01.
        target: Mean activity, above 0 and below 1, to which `losses.sparsity_kl` draws each unit. Default None: the
            penalty is `losses.l1`.
        reconstruction: See `Autoencoder`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or there is a target and the encoder's outputs leave 0..1.

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.
    """

    terms = ("loss", "reconstruction", "sparsity")

    def __init__(
        self,
        encoder,
        decoder=None,
        weight=0.01,
        target=None,
        reconstruction=losses.squared_error,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("weight", weight, 0)
        self.weight = weight
        self.target = target
        if target is not None:
            check_between("target", target, above=0, below=1)
            _check_activities(encoder)

    def loss_terms(self, outputs):
        """Compare with the input, and measure the sparsity over the global batch."""
        reconstruction = super().loss_terms(outputs)["loss"]
        h = gather(outputs["h"])
        sparsity = losses.l1(h) if self.target is None else losses.sparsity_kl(h, self.target)
        return {
            "loss": reconstruction + self.at(self.weight) * sparsity,
            "reconstruction": reconstruction,
            "sparsity": sparsity,
        }


def _check_activities(encoder):
    """Raise unless an encoder's outputs lie in 0..1, as far as noise shows."""
    shape = [size or 32 for size in encoder.input_shape[1:]]
    h = ops.convert_to_numpy(encoder(np.random.default_rng(0).random((16, *shape), "float32")))
    if h.min() < 0 or h.max() > 1:
        raise UserError(
            "activities in 0..1 from the encoder, since there is a target for them",
            f"values in {h.min():.3g}..{h.max():.3g}",
            "let the encoder end with a sigmoid, such as `encoders.mlp(…, output_activation='sigmoid')`; or leave "
            "`target` out",
        )


@keras.saving.register_keras_serializable("keras_ssl")
class DenoisingAutoencoder(Autoencoder):
    """Rebuild the input from the representation of a corrupted copy.

    A batch may hold the corrupted copies under "corrupted", where they are known.

    Args:
        encoder: See `Autoencoder`; the representation need not be narrow.
        decoder: See `Autoencoder`.
        noise: Function `(x, amount, seed)` that returns a corrupted x: `transforms.gaussian_noise`,
            `transforms.masking_noise`, `transforms.salt_and_pepper` or a registered one of your own.
            Default: `transforms.masking_noise`.
        amount: Its second argument, at least 0: a number, or a schedule in steps. Default 0.3.
        reconstruction: See `Autoencoder`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `amount` is negative, or more than the noise can be.

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.

    Departures:
        Trained end to end, not layer by layer.
    """

    optional_keys = ("corrupted",)

    def __init__(
        self,
        encoder,
        decoder=None,
        noise=transforms.masking_noise,
        amount=0.3,
        reconstruction=losses.squared_error,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("amount", amount, 0)
        if isinstance(amount, int | float):
            noise(ops.zeros((1, 1)), amount, (0, 0))  # which may know more of its range
        self.noise = noise
        self.amount = amount

    def forward_pass(self, batch, training):
        """Corrupt, encode and decode."""
        corrupted = batch.get("corrupted")
        if corrupted is None:
            corrupted = self.noise(batch["input"], self.at(self.amount), self.draws(training).next())
        return {**super().forward_pass({"input": corrupted}, training), "input": batch["input"]}

    def reconstruct(self, images):
        """As `Autoencoder.reconstruct`, of corrupted images too, whose values may leave 0..1."""
        return self._rebuilt(self.as_images(images, value_range=None))


@keras.saving.register_keras_serializable("keras_ssl")
class VariationalAutoencoder(Objective):
    """Fit a model `p(z) p(x|z)` of the data, with an approximate posterior `q(z|x)` that the encoder gives.

    The encoder's vector h becomes mean and log variance of `q(z|x)` by a linear layer, so let it end with a
    nonlinearity. The representation is h; `posterior` gives z. Terms are in nats per sample: "loss" is the negative
    evidence lower bound, with the divergence times `beta`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        decoder: `keras.Model` from `(n, latent)` to the encoder's input shape, with linear output, which `likelihood`
            takes as its parameters. Default: `decoders.mirror(encoder, features=latent)`.
        latent: Dimensions of z, at least 1. Default 16.
        beta: Weight of the divergence, at least 0: a number, or a schedule in steps. Default 1, the bound itself. To
            warm up: `keras.optimizers.schedules.PolynomialDecay(0.0, steps, 1.0)`.
        likelihood: `likelihoods.Bernoulli()` for values in 0..1, the default, or `likelihoods.Gaussian(stddev)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range or the decoder does not fit; from `fit`, before training, if
            values are outside the likelihood's range.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", Eq. 10; Higgins et al. 2017, "beta-VAE", Eq. 4;
        Sønderby et al. 2016, "Ladder Variational Autoencoders", section 2.3 (warm-up).
    """

    terms = ("loss", "reconstruction", "kl")
    optional_keys = ("noise",)

    def __init__(self, encoder, decoder=None, latent=16, beta=1.0, likelihood=None, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("latent", latent, 1, whole=True)
        check_between("beta", beta, 0)
        self.latent = latent
        self.beta = beta
        self.likelihood = likelihoods.Bernoulli() if likelihood is None else likelihood
        self.decoder = decoders.mirror(encoder, features=latent) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, latent)
        self.statistics = heads.gaussian(encoder, latent)

    def posterior(self, images, training=False):
        """Return mean and log variance of `q(z|x)`, both `(n, latent)`, of `images` `(n, …)`."""
        mean, log_variance = self.statistics(self.encoder(images, training=training), training=training)
        return mean, log_variance

    def forward_pass(self, batch, training):
        """Draw z from the posterior, and decode it."""
        x = batches.check_range(self, batch["input"], self.likelihood.value_range)
        mean, log_variance = self.posterior(x, training)
        noise = batch.get("noise")
        if noise is None:
            noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.draws(training))
        parameters = self.decoder(_draw(mean, log_variance, noise), training=training)
        return {"input": x, "mean": mean, "log_variance": log_variance, "parameters": parameters}

    def loss_terms(self, outputs):
        """The negative evidence lower bound and its two parts."""
        reconstruction = -ops.mean(self.likelihood.log_prob(outputs["input"], outputs["parameters"]))
        kl = ops.mean(losses.gaussian_kl(outputs["mean"], outputs["log_variance"]))
        return {"loss": reconstruction + self.at(self.beta) * kl, "reconstruction": reconstruction, "kl": kl}

    def log_weights(self, images, noise):
        """Return `log p(x|z) p(z) / q(z|x)` at draws of z, by which the likelihood of x can be estimated.

        Args:
            images: Tensor x `(n, …)`.
            noise: Tensor ε `(k, n, latent)` of draws from N(0, 1); z = μ + σ ε.

        Returns:
            Tensor `(k, n)`, float32.

        Reference:
            Burda et al. 2016, "Importance Weighted Autoencoders", Eq. 8.
        """
        mean, log_variance = self.posterior(images)
        z = _draw(mean, log_variance, noise)
        decoded = self.decoder(ops.reshape(z, (-1, self.latent)), training=False)
        parameters = ops.reshape(decoded, (*ops.shape(z)[:2], *decoded.shape[1:]))
        # log p(z) - log q(z|x); their factors of 2π cancel
        prior_over_posterior = ops.sum(ops.square(noise) - ops.square(z) + log_variance, axis=-1) / 2
        return self.likelihood.log_prob(images, parameters) + prior_over_posterior

    def decode(self, z):
        """Return the mean of `p(x|z)` for `z` `(n, latent)`, as a float32 tensor of the images' shape."""
        return self.likelihood.mean(self.decoder(z, training=False))

    def reconstruct(self, images):
        """Return the reconstructions of `images` `(n, …)`, floats in 0..1, by way of the posterior's mean."""
        return self.decode(self.posterior(self.as_images(images))[0])

    def sample(self, count, seed=0):
        """Return `count` new images, 1 or more: the means of `p(x|z)` for z drawn from the prior by `seed`."""
        check_between("count", count, least=1, whole=True)
        return self.decode(keras.random.normal((count, self.latent), seed=seed))

    def interpolate(self, first, second, steps=8):
        """Return images on the straight lines between the posterior means of two batches of images.

        Args:
            first: Images `(n, …)`.
            second: As many.
            steps: Number of images on each line, the reconstructions at both ends among them. Default 8.

        Returns:
            Float32 tensor `(n, steps, …)`.
        """
        ends = [self.posterior(self.as_images(images))[0][:, None] for images in (first, second)]
        t = ops.reshape(ops.linspace(0.0, 1.0, steps), (1, steps, 1))
        z = (1 - t) * ends[0] + t * ends[1]
        decoded = self.decode(ops.reshape(z, (-1, self.latent)))
        return ops.reshape(decoded, (-1, steps, *decoded.shape[1:]))


def _draw(mean, log_variance, noise):
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return mean + ops.exp(log_variance / 2) * noise
