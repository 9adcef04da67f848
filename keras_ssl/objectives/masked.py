"""Objectives that hide a part of the input and predict it from the rest."""

import math

import keras
from keras import ops

from keras_ssl import decoders, losses, transforms
from keras_ssl.blocks import patchify, sine_cosine, unpatchify
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives import batches
from keras_ssl.objectives.adversarial import Adversarial
from keras_ssl.objectives.objective import Objective

__all__ = ["Inpainting", "MaskedAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class MaskedAutoencoder(Objective):
    """Predict the pixels of hidden patches from the visible ones, which are all that the encoder's trunk sees.

    A batch may hold its masks as "mask" `(n, length)`, True = hidden, which hide as many patches of each image as
    `mask_ratio` says.

    Args:
        encoder: Functional `keras.Model` from `(n, height, width, channels)` to `(n, d)`, with the layers `tokens`,
            `trunk` and `pool` of `encoders.vit`.
        decoder: `keras.Model` from tokens `(n, length, d)` to the pixels of their patches
            `(n, length, patch² * channels)`. Default: `decoders.patches(encoder)`.
        mask_ratio: Share of the patches that is hidden, rounded to a whole number of them. Default 0.75.
        normalise_targets: Whether to predict pixels less their patch's mean, over its standard deviation. Default True.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder has not the three layers, its patches are no squares, the decoder does not fit them,
            or all or none of them would be hidden.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 3.

    Departures:
        Mask token and positions are added in the encoder's width, before the decoder narrows it. The variance of a
        patch is divided by its number of pixels.
    """

    optional_keys = ("mask",)

    def __init__(self, encoder, decoder=None, mask_ratio=0.75, normalise_targets=True, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        batches.check_token_encoder(encoder)
        self.patch = _patch_side(encoder)
        self.length, width = encoder.get_layer("tokens").output_shape[1:]
        self.decoder = decoders.patches(encoder) if decoder is None else decoder
        _check_decoder(self.decoder, width, self.patch**2 * encoder.input_shape[-1])
        self.mask_ratio = mask_ratio
        self.hidden = _hidden(mask_ratio, self.length)
        self.normalise_targets = normalise_targets
        self.mask_token = self.add_weight(
            shape=(width,), initializer=keras.initializers.RandomNormal(stddev=0.02), name="mask_token"
        )

    def forward_pass(self, batch, training):
        """Predict all patches from the visible ones."""
        x = batch["input"]
        mask = self._masks(x, self.draws(training)) if "mask" not in batch else self._counted(batch["mask"])
        return {"input": x, "mask": mask, "prediction": self._predict(x, mask, training)}

    def loss_terms(self, outputs):
        """Compare the hidden patches with their predictions."""
        targets = patchify(outputs["input"], self.patch)
        if self.normalise_targets:
            mean, deviation = _moments(targets)
            targets = (targets - mean) / deviation
        return {"loss": losses.masked_squared_error(targets, outputs["prediction"], outputs["mask"])}

    def reconstruct(self, images, mask=None):
        """Return images whose hidden patches are the prediction, and whose visible ones are those of the input.

        Where targets are normalised, predictions are given back the mean and the standard deviation of the patch that
        they stand for, which the model has not seen.

        Args:
            images: Float array `(n, height, width, channels)` in 0..1.
            mask: Boolean array `(n, length)`, True = hidden. Default: always the same ones, by `seed`.

        Returns:
            Float32 tensor like `images`.

        Raises:
            UserError: If the mask does not hide what `mask_ratio` says of each image.
        """
        images = self.as_images(images)
        if mask is None:
            mask = self._masks(images, self.draws(training=False))
        self._check_mask(mask, len(images))
        patches, prediction = patchify(images, self.patch), self._predict(images, mask, training=False)
        prediction = ops.cast(prediction, "float32")
        if self.normalise_targets:
            mean, deviation = _moments(patches)
            prediction = prediction * deviation + mean
        patches = ops.where(ops.cast(mask, "bool")[..., None], prediction, patches)
        return unpatchify(patches, self.encoder.input_shape[1:], self.patch)

    def fit(self, x=None, **kwargs):
        """Train, as `Objective.fit`, which see, after a check of the masks where `x` is a dict of arrays."""
        if isinstance(x, dict) and hasattr(x.get("mask"), "__array__"):
            self._check_mask(x["mask"], len(x["mask"]))
        return super().fit(x, **kwargs)

    def _masks(self, images, seeds):
        return transforms.random_mask(ops.shape(images)[0], self.length, self.hidden, seeds.next())

    def _counted(self, mask):
        """Have TensorFlow raise where a mask hides more or fewer patches; what is hidden must not reach the trunk."""
        hidden = ops.sum(ops.cast(mask, "int32"), axis=-1)
        message = f"masks that hide {self.hidden} of {self.length} patches of each image"
        return batches.check_all(mask, ops.equal(hidden, self.hidden), message, "other masks", "use `mask_ratio`")

    def _check_mask(self, mask, count):
        mask = ops.convert_to_numpy(mask)
        if mask.shape != (count, self.length) or (mask.astype(bool).sum(axis=1) != self.hidden).any():
            raise UserError(
                f"a mask ({count}, {self.length}) that hides {self.hidden} patches of each image",
                f"shape {mask.shape}, {mask.astype(bool).sum()} hidden in all",
                "make it with `transforms.random_mask`, or give another `mask_ratio`",
            )

    def _predict(self, images, mask, training):
        tokens = self.encoder.get_layer("tokens")(images, training=training)
        order = ops.argsort(ops.cast(mask, "int32"), axis=-1)  # the visible ones first
        visible = _pick(tokens, order[:, : self.length - self.hidden])
        seen = self.encoder.get_layer("trunk")(visible, training=training)
        hidden = ops.zeros_like(tokens[:, : self.hidden]) + ops.cast(self.mask_token, tokens.dtype)
        tokens = _pick(ops.concatenate([seen, hidden], axis=1), ops.argsort(order, axis=-1))
        return self.decoder(tokens + ops.cast(self._positions(), tokens.dtype), training=training)

    def _positions(self):
        _, height, width, _ = self.encoder.input_shape
        return sine_cosine(height // self.patch, width // self.patch, self.mask_token.shape[0])


def _pick(tokens, places):
    """Return the tokens `(n, k, width)` at `places` `(n, k)` of `(n, length, width)`.

    By rows of one matrix, which with its gradient takes a fifth of the time of `ops.take_along_axis` on a CPU.
    """
    n, length, width = ops.shape(tokens)
    rows = places + length * ops.arange(n, dtype=places.dtype)[:, None]
    return ops.take(ops.reshape(tokens, (-1, width)), rows, axis=0)


def _moments(patches):
    mean, variance = ops.moments(patches, axes=[-1], keepdims=True)
    return mean, ops.sqrt(variance + 1e-6)


def _patch_side(encoder):
    """Side of the square patches that an encoder's tokens stand for."""
    shape, length = encoder.input_shape[1:], encoder.get_layer("tokens").output_shape[1]
    side = 0
    if len(shape) == 3 and None not in shape and length:
        side = math.isqrt(shape[0] * shape[1] // length)
    if not side or shape[0] % side or shape[1] % side or side**2 * length != shape[0] * shape[1]:
        raise UserError(
            "an encoder of images with one token for each square patch",
            f"input shape {encoder.input_shape} and {length} tokens",
            "use `encoders.vit`",
        )
    return side


def _check_decoder(decoder, width, pixels):
    if decoder.input_shape[-1] != width or decoder.output_shape[-1] != pixels:
        raise UserError(
            f"a decoder from tokens (n, length, {width}) to the pixels of their patches (n, length, {pixels})",
            f"one from {decoder.input_shape} to {decoder.output_shape}",
            "leave `decoder` out, or make one with `decoders.patches(encoder)`",
        )


def _hidden(mask_ratio, length):
    check_between("mask_ratio", mask_ratio, above=0, below=1)
    hidden = round(mask_ratio * length)
    if not 0 < hidden < length:
        raise UserError(
            f"a mask_ratio that hides some of {length} patches, and not all",
            f"{mask_ratio}, which hides {hidden}",
            "give another `mask_ratio`; the paper's is 0.75",
        )
    return hidden


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
