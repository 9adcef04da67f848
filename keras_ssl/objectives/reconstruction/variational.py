"""The variational autoencoder."""

from typing import Any

import keras
from keras import ops

from keras_ssl import decoders, heads, likelihoods, losses
from keras_ssl.checks import check_between
from keras_ssl.objectives.base import assertions
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Spec, Specs, inputs_like, specs_of, without_missing
from keras_ssl.typing import Batch, Schedule, Tensor

__all__ = ["VariationalAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class VariationalAutoencoder(Objective):
    """Fit a model `p(z) p(x|z)` of the data, with an approximate posterior `q(z|x)` computed by the encoder.

    A linear layer maps the encoder's output h to the mean and log variance of `q(z|x)`, so let the encoder end with a
    nonlinearity. The representation is h; `posterior` returns the distribution of z. Terms are in nats per sample:
    "loss" is the negative evidence lower bound, with the KL divergence multiplied by `beta`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        decoder: `keras.Model` from `(n, latent_dim)` to the encoder's input shape. Its linear output is the
            parameters of `likelihood`. Default: `decoders.mirror(encoder, latent_dim=latent_dim)`.
        latent_dim: Number of dimensions of z, at least 1. Default: 16.
        beta: Weight of the KL divergence, at least 0: a number, or a schedule in steps. Default: 1, the bound itself.
            To warm up: `keras.optimizers.schedules.PolynomialDecay(0.0, steps, 1.0)`.
        likelihood: `likelihoods.Bernoulli()`, for values in 0..1, or `likelihoods.Gaussian(stddev)`. Default:
            `likelihoods.Bernoulli()`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or the decoder does not fit. `fit` raises it before training if
            values are outside the likelihood's range.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", Eq. 10; Higgins et al. 2017, "beta-VAE", Eq. 4;
        Sønderby et al. 2016, "Ladder Variational Autoencoders", section 2.3 (warm-up).
    """

    terms = ("loss", "reconstruction", "kl")
    optional_keys = ("noise",)

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        latent_dim: int = 16,
        beta: Schedule = 1.0,
        likelihood: Any = None,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("latent_dim", latent_dim, 1, whole=True)
        check_between("beta", beta, 0, schedule=True)
        self.latent_dim = latent_dim
        self.beta = beta
        self.likelihood = likelihoods.Bernoulli() if likelihood is None else likelihood
        self.decoder = decoders.mirror(encoder, latent_dim=latent_dim) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, latent_dim)
        self.statistics = heads.gaussian(encoder, latent_dim)

    def posterior(self, images: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the mean and log variance of `q(z|x)`, both `(n, latent_dim)`, of `images` `(n, …)`."""
        mean, log_variance = self.statistics(self.encoder(images, training=training), training=training)
        return mean, log_variance

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, but nothing missing: there is no loss where the input is not known."""
        return {key: without_missing(spec) for key, spec in super().batch_specs.items()}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Draw z from the posterior, and decode it."""
        what, do = f"the likelihood of {type(self).__name__}", "rescale them, or give another `likelihood`"
        x = assertions.assert_in_range(batch["input"], self.likelihood.value_range, what, do)
        mean, log_variance = self.posterior(x, training)
        noise = batch.get("noise")
        if noise is None:
            noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.draws(training))
        parameters = self.decoder(_draw(mean, log_variance, noise), training=training)
        return {"input": x, "mean": mean, "log_variance": log_variance, "parameters": parameters}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the negative evidence lower bound and its two parts."""
        reconstruction = -ops.mean(self.likelihood.log_prob(outputs["input"], outputs["parameters"]))
        kl = losses.gaussian_kl(outputs["mean"], outputs["log_variance"])
        return {"loss": reconstruction + self.at(self.beta) * kl, "reconstruction": reconstruction, "kl": kl}

    def log_weights(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return `log p(x|z) p(z) / q(z|x)` at draws of z, from which the likelihood of x can be estimated.

        Args:
            images: Tensor x `(n, …)`.
            noise: Tensor ε `(k, n, latent_dim)` of draws from N(0, 1); z = μ + σ ε.

        Returns:
            Tensor `(k, n)`, float32.

        Reference:
            Burda et al. 2016, "Importance Weighted Autoencoders", Eq. 8.
        """
        mean, log_variance = self.posterior(images)
        z = _draw(mean, log_variance, noise)
        decoded = self.decoder(ops.reshape(z, (-1, self.latent_dim)), training=False)
        parameters = ops.reshape(decoded, (*ops.shape(z)[:2], *decoded.shape[1:]))
        # log p(z) - log q(z|x); the factors of 2π cancel
        prior_over_posterior = ops.sum(ops.square(noise) - ops.square(z) + log_variance, axis=-1) / 2
        return self.likelihood.log_prob(images, parameters) + prior_over_posterior

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of `p(x|z)` for `z` `(n, latent_dim)`, as a float32 tensor of the images' shape."""
        return self.likelihood.mean(self.decoder(z, training=False))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the reconstructions of `images` `(n, …)`, floats in 0..1, decoded from the posterior mean."""
        return self.decode(self.posterior(self.as_input(images))[0])

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Return `count` new images, at least 1: the means of `p(x|z)` for z drawn from the prior.

        Args:
            count: Number of images.
            seed: Of the draws. Default: 0.
        """
        check_between("count", count, least=1, whole=True)
        return self.decode(keras.random.normal((count, self.latent_dim), seed=seed))

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", "reconstruct" (decoded from the posterior mean), and "decode" from `z`. See `Objective`.

        A client that wants new samples draws `z` from N(0, I).
        """
        inputs = inputs_like(self.encoder)
        outputs = {"reconstruction": self.decode(self.posterior(inputs)[0])}
        reconstruct = keras.Model(inputs, outputs, name="reconstruct")
        z = keras.Input((self.latent_dim,), name="z")
        decode = keras.Model(z, {"sample": self.decode(z)}, name="decode")
        return {
            **super().signatures(),
            "reconstruct": (reconstruct, specs_of(reconstruct)),
            "decode": (decode, {"z": Spec((None, self.latent_dim))}),
        }

    def interpolate(self, first: Tensor, second: Tensor, steps: int = 8) -> Tensor:
        """Return images between pairs of images, by linear interpolation of their posterior means.

        Args:
            first: Images `(n, …)`.
            second: As many.
            steps: Number of images for each pair, both reconstructions included. Default: 8.

        Returns:
            Float32 tensor `(n, steps, …)`.
        """
        ends = [self.posterior(self.as_input(images))[0][:, None] for images in (first, second)]
        t = ops.reshape(ops.linspace(0.0, 1.0, steps), (1, steps, 1))
        z = (1 - t) * ends[0] + t * ends[1]
        decoded = self.decode(ops.reshape(z, (-1, self.latent_dim)))
        return ops.reshape(decoded, (-1, steps, *decoded.shape[1:]))


def _draw(mean, log_variance, noise):
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return mean + ops.exp(log_variance / 2) * noise
