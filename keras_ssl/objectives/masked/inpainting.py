"""Inpainting: the context encoder."""

import math

import keras
from keras import ops

from keras_ssl import decoders, losses, transforms
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.base.objective import Objective

__all__ = ["Inpainting"]


def _check_range(name, value, most=math.inf):
    pair = isinstance(value, tuple | list) and len(value) == 2
    if not pair or not 0 < value[0] <= value[1] <= most:
        bounds = "above 0" + f" and at most {most}" * math.isfinite(most)
        raise UserError(f"{name} as (lowest, highest), both {bounds}", f"{value}", f"give another `{name}`")


@keras.saving.register_keras_serializable("keras_ssl")
class Inpainting(Adversarial):
    """Predict what a box hides from what is around it: the context encoder.

    The box is filled with 0.5, the middle of the range. A batch may hold its masks as "mask" `(n, height, width)`, True
    = hidden.

    With a discriminator, which looks at whole images and at whole predictions, the latter are made to look real too.
    It is trained first in each step, with the second optimizer of `compile`, on TensorFlow only; terms are then, beside
    "loss", its two parts "reconstruction" and "adversarial", and "discriminator_loss".

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        decoder: `keras.Model` from `(n, d)` to the images. Default: `decoders.mirror(encoder)`.
        area: Lowest and highest area of the box, as fractions of the image's, in 0..1. Default `(0.1, 0.3)`.
        ratio: Lowest and highest width / height of the box, above 0. Default `(0.5, 2.0)`.
        discriminator: `keras.Model` from the images to a logit `(n, 1)`. Default None: the error alone.
        adversarial_weight: Of the adversarial term, beside the reconstruction's 1, at least 0. Default 0.001.
        adversarial_loss: See `GAN`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or decoder or discriminator do not fit.

    Reference:
        Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", Eqs. 1 to 3.

    Departures:
        The error is the mean over an image's hidden pixels, not the sum, so that large and small boxes count alike. The
        box has any place and shape, as random erasing draws it; the paper's is in the centre, or of arbitrary form.
    """

    optional_keys = ("mask",)

    def __init__(
        self,
        encoder,
        decoder=None,
        area=(0.1, 0.3),
        ratio=(0.5, 2.0),
        discriminator=None,
        adversarial_weight=0.001,
        adversarial_loss=losses.non_saturating,
        seed=0,
        **kwargs,
    ):
        if discriminator is None:  # one player, like any other objective
            self.terms = self.minimised = ("loss",)
        else:
            self.terms = ("loss", "reconstruction", "adversarial", "discriminator_loss")
        super().__init__(encoder, seed=seed, **kwargs)
        _check_range("area", area, most=1)
        _check_range("ratio", ratio)
        check_between("adversarial_weight", adversarial_weight, 0)
        self.decoder = decoders.mirror(encoder) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, encoder.output_shape[-1])
        if discriminator is not None:
            _check_discriminator(discriminator, encoder)
        self.area = tuple(area)  # Keras reads tuples back as lists
        self.ratio = tuple(ratio)
        self.discriminator = discriminator
        self.adversarial_weight = adversarial_weight
        self.adversarial_loss = adversarial_loss

    @property
    def discriminators(self):
        """The discriminator, if there is one."""
        return [] if self.discriminator is None else [self.discriminator]

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Compile as `Adversarial` with a discriminator, and as `Objective` without."""
        if self.discriminator is None:
            Objective.compile(self, optimizer, **kwargs)
        else:
            super().compile(optimizer, discriminator_optimizer, **kwargs)

    def forward_pass(self, batch, training):
        """Hide a box of each image, predict the image, and judge it."""
        x = batch["input"]
        mask = self._masks(x, self.draws(training)) if "mask" not in batch else batch["mask"]
        outputs = {"input": x, "mask": mask, "prediction": self._predict(x, mask, training)}
        if self.discriminator is not None:
            outputs["real"] = self.discriminator(x, training=training)
            outputs["generated"] = self.discriminator(outputs["prediction"], training=training)
        return outputs

    def loss_terms(self, outputs):
        """Compare the hidden pixels with their predictions, and all predictions with real images."""
        error = losses.masked_squared_error(outputs["input"], outputs["prediction"], outputs["mask"])
        if self.discriminator is None:
            return {"loss": error}
        real, generated = outputs["real"], outputs["generated"]
        adversarial = self.adversarial_loss(generated, real)
        return {
            "loss": error + self.adversarial_weight * adversarial,
            "reconstruction": error,
            "adversarial": adversarial,
            "discriminator_loss": self.adversarial_loss(real, generated),
        }

    def reconstruct(self, images, mask=None):
        """Return images whose hidden pixels are the prediction, and whose visible ones are those of the input.

        Args:
            images: Float array `(n, height, width, channels)` in 0..1.
            mask: Boolean array `(n, height, width)`, True = hidden. Default: always the same boxes, by `seed`.

        Returns:
            Float32 tensor like `images`.
        """
        images = self.as_images(images)
        mask = self._masks(images, self.draws(training=False)) if mask is None else mask
        prediction = ops.cast(self._predict(images, mask, training=False), "float32")
        return ops.where(ops.cast(mask, "bool")[..., None], prediction, images)

    def _masks(self, images, seeds):
        count, height, width, _ = ops.shape(images)
        return transforms.block_mask(count, height, width, self.area, self.ratio, seeds.next())

    def _predict(self, images, mask, training):
        context = ops.where(ops.cast(mask, "bool")[..., None], ops.cast(0.5, images.dtype), images)
        return self.decoder(self.encoder(context, training=training), training=training)


def _check_discriminator(discriminator, encoder):
    wanted, found = (encoder.input_shape, (None, 1)), (discriminator.input_shape, discriminator.output_shape)
    if tuple(map(tuple, found)) != tuple(map(tuple, wanted)):
        raise UserError(
            f"a discriminator from images {wanted[0]} to logits {wanted[1]}",
            f"one from {found[0]} to {found[1]}",
            "put a `keras.layers.Dense(1)` on an encoder of these images",
        )
