"""Inpainting against a discriminator: the context encoder with its adversarial loss."""

import keras

from keras_ssl import heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.masked.inpainting import Inpainting

__all__ = ["AdversarialInpainting"]


@keras.saving.register_keras_serializable("keras_ssl")
class AdversarialInpainting(Adversarial, Inpainting):
    """Inpainting whose predictions a discriminator must not tell from real images. TensorFlow only.

    The discriminator sees whole images and whole predictions, and is updated first in each step, with the second
    optimizer of `compile`. Terms beside "loss" are its two parts, "reconstruction" and "adversarial", and
    "discriminator_loss".

    Args:
        encoder: See `Inpainting`.
        discriminator: `keras.Model` from the images to a logit `(n, 1)`. Default: `heads.discriminator(encoder)`.
        decoder: See `Inpainting`.
        area: See `Inpainting`.
        ratio: See `Inpainting`.
        adversarial_weight: Of the adversarial term, beside the reconstruction's 1, at least 0. Default 0.001.
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
        encoder,
        discriminator=None,
        decoder=None,
        area=(0.1, 0.3),
        ratio=(0.5, 2.0),
        adversarial_weight=0.001,
        adversarial_loss=losses.non_saturating,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, decoder, area, ratio, seed=seed, **kwargs)
        check_between("adversarial_weight", adversarial_weight, 0)
        self.discriminator = heads.discriminator(encoder) if discriminator is None else discriminator
        _check_discriminator(self.discriminator, encoder)
        self.adversarial_weight = adversarial_weight
        self.adversarial_loss = adversarial_loss

    @property
    def discriminators(self):
        """The discriminator."""
        return [self.discriminator]

    def forward_pass(self, batch, training):
        """Hide a box of each image, predict the image, and discriminate."""
        outputs = super().forward_pass(batch, training)
        return outputs | {
            "real": self.discriminator(outputs["input"], training=training),
            "generated": self.discriminator(outputs["prediction"], training=training),
        }

    def loss_terms(self, outputs):
        """Compare the hidden pixels with their predictions, and all predictions with real images."""
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
