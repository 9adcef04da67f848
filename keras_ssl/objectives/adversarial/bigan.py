"""Bidirectional generative adversarial networks."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ssl import decoders, heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.adversarial.interpolation import interpolate_latents
from keras_ssl.specs import check_kind, specs_of
from keras_ssl.typing import Batch, Tensor

__all__ = ["BiGAN"]


@keras.saving.register_keras_serializable("keras_ssl")
class BiGAN(Adversarial):
    """Learn an encoder that inverts a generator: the discriminator sees an image and a latent vector together.

    The discriminator must tell pairs of a real image and its representation from pairs of a generated image and its
    latent vector. At the optimum, encoder and generator are each other's inverses. Besides the losses, the terms are
    the shares of encoded and of generated pairs that the discriminator classifies correctly.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; its output should match draws from N(0, I), so
            make it linear.
        generator: `keras.Model` from `(n, d)` to images in 0..1 of the encoder's input shape. Default:
            `decoders.generator(shape, d)`.
        discriminator: `keras.Model` from `[image, latent]` to a logit `(n, 1)`. Default:
            `heads.pair_discriminator(encoder)`.
        adversarial_loss: See `GAN`. There is no gradient penalty here: with `losses.wasserstein`, give a discriminator
            that is Lipschitz by its construction.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If generator or discriminator do not fit, or if there is no generator and the encoder does not take
            images of known size.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", Eqs. 2 and 3.
    """

    terms = ("loss", "discriminator_loss", "encoded_right", "generated_right")
    optional_keys = ("noise",)

    def __init__(
        self,
        encoder: keras.Model,
        generator: keras.Model | None = None,
        discriminator: keras.Model | None = None,
        adversarial_loss: Callable[[Tensor, Tensor], Tensor] = losses.non_saturating,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        if generator is None and isinstance(specs_of(encoder), dict):
            check_kind(encoder, "image", "the default generator")
        width = encoder.output_shape[-1]
        self.generator = decoders.generator(encoder.input_shape[1:], width) if generator is None else generator
        decoders.check_mirrors(self.generator, encoder, width)
        self.discriminator = heads.pair_discriminator(encoder) if discriminator is None else discriminator
        _check_pair_discriminator(self.discriminator, encoder)
        self.adversarial_loss = adversarial_loss

    @property
    def discriminators(self) -> list[keras.layers.Layer]:
        """The discriminator."""
        return [self.discriminator]

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Encode the real images, generate as many, and discriminate the pairs."""
        x, noise = batch["input"], batch.get("noise")
        if noise is None:
            shape = (ops.shape(x)[0], self.encoder.output_shape[-1])
            noise = keras.random.normal(shape, dtype="float32", seed=self.draws(training))
        h = self.encoder(x, training=training)
        generated = self.generator(noise, training=training)
        return {
            "encoded": self.discriminator([x, h], training=training),
            "generated": self.discriminator([generated, noise], training=training),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute both losses, which differ in which pairs count as real, and the discriminator's accuracies."""
        encoded, generated = outputs["encoded"], outputs["generated"]
        return {
            "loss": self.adversarial_loss(generated, encoded),
            "discriminator_loss": self.adversarial_loss(encoded, generated),
            "encoded_right": ops.mean(ops.cast(encoded > 0, "float32")),
            "generated_right": ops.mean(ops.cast(generated < 0, "float32")),
        }

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the generator's images for the representations of `images` `(n, …)`, floats in 0..1."""
        return self.generator(self.encoder(self.as_input(images), training=False), training=False)

    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Return `count` new images, at least 1, from random latent vectors; see `GAN.sample`."""
        check_between("count", count, least=1, whole=True)
        return self.generator(keras.random.normal((count, self.encoder.output_shape[-1]), seed=seed), training=False)

    def interpolate(self, first: Tensor, second: Tensor, steps: int = 8) -> Tensor:
        """Return images between pairs of latent vectors; see `GAN.interpolate`."""
        return interpolate_latents(self.generator, first, second, steps)


def _check_pair_discriminator(discriminator, encoder):
    """Raise unless a network maps an image and its representation to a logit."""
    wanted = [tuple(encoder.input_shape), tuple(encoder.output_shape)], (None, 1)
    shapes = discriminator.input_shape
    found = (
        [tuple(shape) for shape in shapes] if isinstance(shapes, list) else shapes,
        tuple(discriminator.output_shape),
    )
    if found != wanted:
        raise UserError(
            f"a discriminator from {wanted[0]}, an image and its representation, to {wanted[1]}",
            f"'{discriminator.name}' from {found[0]} to {found[1]}",
            "give one that fits, such as `heads.pair_discriminator(encoder)`",
        )
