"""Inpainting against a discriminator: the context encoder with its adversarial loss."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ssl import heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.masked.inpainting import Inpainting
from keras_ssl.typing import Batch, Tensor

__all__ = ["AdversarialInpainting"]


@keras.saving.register_keras_serializable("keras_ssl")
class AdversarialInpainting(Adversarial, Inpainting):
    """Inpainting whose predictions a discriminator should not be able to tell from real images. TensorFlow only.

    The discriminator sees whole images and whole predictions. Each step updates it first, with the second optimizer of
    `compile`. The terms are "loss", its two parts "reconstruction" and "adversarial", and "discriminator_loss".

    Args:
        encoder: See `Inpainting`.
        discriminator: `keras.Model` from the images to a logit `(n, 1)`. Default: `heads.discriminator(encoder)`.
        decoder: See `Inpainting`.
        area: See `Inpainting`.
        ratio: See `Inpainting`.
        adversarial_weight: Weight of the adversarial term, at least 0; the reconstruction's is 1. Default: 0.001.
        adversarial_loss: See `GAN`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or decoder or discriminator do not fit.

    Reference:
        Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", Eqs. 1 to 3.

    Departures:
        See `Inpainting`.
    """

    terms = ("loss", "reconstruction", "adversarial", "discriminator_loss")

    def __init__(
        self,
        encoder: keras.Model,
        discriminator: keras.Model | None = None,
        decoder: keras.Model | None = None,
        area: tuple[float, float] = (0.1, 0.3),
        ratio: tuple[float, float] = (0.5, 2.0),
        adversarial_weight: float = 0.001,
        adversarial_loss: Callable[[Tensor, Tensor], Tensor] = losses.non_saturating,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, area, ratio, seed=seed, **kwargs)
        check_between("adversarial_weight", adversarial_weight, 0)
        self.discriminator = heads.discriminator(encoder) if discriminator is None else discriminator
        _check_discriminator(self.discriminator, encoder)
        self.adversarial_weight = adversarial_weight
        self.adversarial_loss = adversarial_loss

    @property
    def discriminators(self) -> list[keras.layers.Layer]:
        """The discriminator."""
        return [self.discriminator]

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Hide a box of each image, predict the image, and discriminate."""
        outputs = super().forward_pass(batch, training)
        return outputs | {
            "real": self.discriminator(outputs["input"], training=training),
            "generated": self.discriminator(outputs["prediction"], training=training),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the hidden pixels with their predictions, and compute both adversarial losses."""
        real, generated = outputs["real"], outputs["generated"]
        reconstruction = super().loss_terms(outputs)["loss"]
        adversarial = self.adversarial_loss(generated, real)
        return {
            "loss": reconstruction + self.adversarial_weight * adversarial,
            "reconstruction": reconstruction,
            "adversarial": adversarial,
            "discriminator_loss": self.adversarial_loss(real, generated),
        }


def _check_discriminator(discriminator, encoder):
    wanted, found = (encoder.input_shape, (None, 1)), (discriminator.input_shape, discriminator.output_shape)
    if tuple(map(tuple, found)) != tuple(map(tuple, wanted)):
        raise UserError(
            f"a discriminator from images {wanted[0]} to logits {wanted[1]}",
            f"one from {found[0]} to {found[1]}",
            "leave it out, or put a `keras.layers.Dense(1)` on an encoder of these images",
        )
