"""Generative adversarial networks."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ssl import decoders, heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.adversarial.interpolation import interpolate_latents
from keras_ssl.specs import Spec, Specs, check_kind, specs_of
from keras_ssl.typing import Batch, Tensor

__all__ = ["GAN"]

_NORMALIZATION = keras.layers.BatchNormalization


@keras.saving.register_keras_serializable("keras_ssl")
class GAN(Adversarial):
    """Generate images that a discriminator cannot tell from real ones; the discriminator's trunk is the encoder.

    Each step updates the discriminator first, then the generator on new samples. Use an encoder without batch
    normalization (`encoders.conv_net(…, normalize=False)`): batch normalization makes the output for a sample depend on
    the rest of its batch, and its moving statistics mix real and generated images. The gradient penalty does not allow
    it at all. `blocks.spectrally_normalized(encoder)` bounds the Lipschitz constant of the encoder, though not of its
    linear head, which stabilizes training (Miyato et al. 2018). Besides the losses, the terms are the shares of real
    and of generated images that the discriminator classifies correctly.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        generator: `keras.Model` from `(n, latent_dim)` to images in 0..1 of the encoder's input shape. Default:
            `decoders.generator(shape, latent_dim)`.
        latent_dim: Number of dimensions of the latent vector, which is drawn from N(0, I); at least 1. Default: 64.
        adversarial_loss: `losses.non_saturating`, `losses.wasserstein`, or your own registered function of the
            discriminator's outputs for real and for generated images. Default: `losses.non_saturating`.
        gradient_penalty: Weight of `losses.gradient_penalty`, at least 0. Default: 0; use 10 with
            `losses.wasserstein` (Gulrajani et al. 2017).
        discriminator_steps: Updates of the discriminator for each update of the generator, on the same real images, at
            least 1. Default: 1; use 5 with `losses.wasserstein`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range; if the generator does not fit; if there is none and the encoder
            does not take images of known size; or if there is a gradient penalty and the encoder has batch
            normalization.

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets"; Radford et al. 2016, "Unsupervised Representation
        Learning with Deep Convolutional Generative Adversarial Networks" (the discriminator's features).

    Departures:
        All updates of the discriminator in a step see the same real images; Gulrajani et al. 2017 draw new images for
        each.
    """

    terms = ("loss", "discriminator_loss", "real_right", "generated_right")
    optional_keys = ("noise", "mix")

    def __init__(
        self,
        encoder: keras.Model,
        generator: keras.Model | None = None,
        latent_dim: int = 64,
        adversarial_loss: Callable[[Tensor, Tensor], Tensor] = losses.non_saturating,
        gradient_penalty: float = 0.0,
        discriminator_steps: int = 1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        if generator is None and isinstance(specs_of(encoder), dict):
            check_kind(encoder, "image", "the default generator")
        check_between("latent_dim", latent_dim, 1, whole=True)
        check_between("gradient_penalty", gradient_penalty, 0)
        check_between("discriminator_steps", discriminator_steps, 1, whole=True)
        if gradient_penalty and any(isinstance(layer, _NORMALIZATION) for layer in all_layers(encoder)):
            raise UserError(
                "an encoder without batch normalization, since the penalty needs the gradient of each sample alone",
                f"'{encoder.name}' with it",
                "use `encoders.conv_net(…, normalize=False)`, or leave `gradient_penalty` out",
            )
        self.latent_dim = latent_dim
        self.generator = decoders.generator(encoder.input_shape[1:], latent_dim) if generator is None else generator
        decoders.check_mirrors(self.generator, encoder, latent_dim)
        self.adversarial_loss = adversarial_loss
        self.gradient_penalty = gradient_penalty
        self.discriminator_steps = discriminator_steps
        self.head = heads.linear(encoder, 1, name="discriminator_head")

    @property
    def discriminators(self) -> list[keras.layers.Layer]:
        """The discriminator: the encoder and its head."""
        return [self.encoder, self.head]

    def discriminate(self, images: Tensor, training: bool = False) -> Tensor:
        """Return logits `(n, 1)` for `images` `(n, …)`: the higher, the more real."""
        return self.head(self.encoder(images, training=training), training=training)

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Generate as many images as there are real ones, and discriminate both."""
        x, draws = batch["input"], self.draws(training)
        noise = batch.get("noise")
        if noise is None:
            noise = keras.random.normal((ops.shape(x)[0], self.latent_dim), dtype="float32", seed=draws)
        generated = self.generator(noise, training=training)
        outputs = {"real": self.discriminate(x, training), "generated": self.discriminate(generated, training)}
        if self.gradient_penalty:
            mix = batch.get("mix")
            if mix is None:
                mix = keras.random.uniform((ops.shape(x)[0],), dtype="float32", seed=draws)
            outputs["gradient_norm"] = self._gradient_norm(x, generated, mix, training)
        return outputs

    def _gradient_norm(self, x, generated, mix, training):
        """Return the norm of the discriminator's gradient at a point between each real and generated image."""
        import tensorflow as tf

        mix = ops.reshape(mix, (-1, *[1] * (len(x.shape) - 1)))
        between = mix * ops.cast(x, "float32") + (1 - mix) * ops.cast(generated, "float32")
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = ops.sum(self.discriminate(between, training))
        gradient = ops.reshape(tape.gradient(scores, between), (ops.shape(x)[0], -1))
        return ops.sqrt(ops.sum(ops.square(gradient), axis=-1) + 1e-12)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the generator's and the discriminator's loss, and the discriminator's accuracies."""
        real, generated = outputs["real"], outputs["generated"]
        penalty = losses.gradient_penalty(outputs["gradient_norm"]) if self.gradient_penalty else 0.0
        return {
            "loss": self.adversarial_loss(generated, real),
            "discriminator_loss": self.adversarial_loss(real, generated) + self.gradient_penalty * penalty,
            "real_right": ops.mean(ops.cast(real > 0, "float32")),
            "generated_right": ops.mean(ops.cast(generated < 0, "float32")),
        }

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Return `count` new images, at least 1, from random latent vectors.

        Args:
            count: Number of images.
            seed: Of the draws. Default: 0.
        """
        check_between("count", count, least=1, whole=True)
        return self.generator(keras.random.normal((count, self.latent_dim), seed=seed), training=False)

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "sample" from `z`, draws from N(0, I), to `sample`. See `Objective`."""
        z = keras.Input((self.latent_dim,), name="z")
        sample = keras.Model(z, {"sample": self.generator(z)}, name="sample")
        return {**super().signatures(), "sample": (sample, {"z": Spec((None, self.latent_dim))})}

    def interpolate(self, first: Tensor, second: Tensor, steps: int = 8) -> Tensor:
        """Return images between pairs of latent vectors, by spherical interpolation.

        Args:
            first: Vectors `(n, latent_dim)`, such as draws from N(0, I).
            second: As many.
            steps: Number of images for each pair, both ends included, at least 2. Default: 8.

        Returns:
            Float32 tensor `(n, steps, …)`.
        """
        return interpolate_latents(self.generator, first, second, steps)
