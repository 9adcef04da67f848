"""Masked autoencoders on a vision transformer."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import decoders, losses, transforms
from keras_ssl.blocks import patchify, sine_cosine, unpatchify
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import parts, pick
from keras_ssl.objectives.base import assertions
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import check_kind
from keras_ssl.typing import Batch, Tensor

__all__ = ["MaskedAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class MaskedAutoencoder(Objective):
    """Predict the pixels of hidden patches from the visible patches; the encoder's trunk sees only the visible ones.

    A batch may contain masks as "mask" `(n, length)`, True = hidden, with the share of hidden patches that `mask_ratio`
    asks for.

    Args:
        encoder: Functional `keras.Model` from `(n, height, width, channels)` to `(n, d)`, with the layers `tokens`,
            `trunk` and `pool` of `encoders.vit`.
        decoder: `keras.Model` from tokens `(n, length, d)` to the pixels of their patches
            `(n, length, patch² * channels)`. Default: `decoders.patches(encoder)`.
        mask_ratio: Share of the patches to hide, rounded to a whole number of patches. Default: 0.75.
        normalize_targets: Whether the targets are pixels minus their patch's mean, divided by its standard deviation.
            Default: True.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder does not have the three layers, its patches are not square, the decoder does not fit,
            or all or none of the patches would be hidden.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 3.

    Departures:
        The mask token and the positions have the encoder's width, and the decoder projects to its own width after they
        are added. The variance of a patch is divided by its number of pixels, not by one less.
    """

    optional_keys = ("mask",)

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        mask_ratio: float = 0.75,
        normalize_targets: bool = True,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        self.patch = _patch_side(encoder)
        self.length, width = parts(encoder).tokens.output_shape[1:]
        self.decoder = decoders.patches(encoder) if decoder is None else decoder
        _check_decoder(self.decoder, width, self.patch**2 * encoder.input_shape[-1])
        self.mask_ratio = mask_ratio
        self.hidden = _hidden(mask_ratio, self.length)
        self.normalize_targets = normalize_targets
        self.mask_token = self.add_weight(
            shape=(width,), initializer=keras.initializers.RandomNormal(stddev=0.02), name="mask_token"
        )

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Predict all patches from the visible ones."""
        x = batch["input"]
        mask = self._masks(x, self.draws(training)) if "mask" not in batch else self._counted(batch["mask"])
        return {"input": x, "mask": mask, "prediction": self._predict(x, mask, training)}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the hidden patches with their predictions."""
        targets = patchify(outputs["input"], self.patch)
        if self.normalize_targets:
            mean, deviation = _moments(targets)
            targets = (targets - mean) / deviation
        return {"loss": losses.masked_squared_error(outputs["prediction"], targets, outputs["mask"])}

    def reconstruct(self, images: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return images with the hidden patches replaced by their predictions.

        If targets are normalized, each prediction is scaled by the mean and the standard deviation of the true patch,
        which the model has not seen.

        Args:
            images: Float array `(n, height, width, channels)` in 0..1.
            mask: Boolean array `(n, length)`, True = hidden. Default: masks drawn from `seed`, always the same.

        Returns:
            Float32 tensor like `images`.

        Raises:
            UserError: If the mask does not hide the share of patches that `mask_ratio` asks for.
        """
        images = self.as_input(images)
        if mask is None:
            mask = self._masks(images, self.draws(training=False))
        self._check_mask(mask, len(images))
        patches, prediction = patchify(images, self.patch), self._predict(images, mask, training=False)
        prediction = ops.cast(prediction, "float32")
        if self.normalize_targets:
            mean, deviation = _moments(patches)
            prediction = prediction * deviation + mean
        patches = ops.where(ops.cast(mask, "bool")[..., None], prediction, patches)
        return unpatchify(patches, self.encoder.input_shape[1:], self.patch)

    def check_array(self, key: str, array: np.ndarray) -> None:
        """Check as `Objective.check_array` does, and check that masks hide the right number of patches."""
        super().check_array(key, array)
        if key == "mask":
            self._check_mask(array, len(array))

    def _masks(self, images, seeds):
        return transforms.random_mask(ops.shape(images)[0], self.length, self.hidden, seeds.next())

    def _counted(self, mask):
        """Make TensorFlow raise if a mask hides more or fewer patches, because hidden ones must not reach the trunk."""
        hidden = ops.sum(ops.cast(mask, "int32"), axis=-1)
        message = f"masks that hide {self.hidden} of {self.length} patches of each image"
        return assertions.assert_all(mask, ops.equal(hidden, self.hidden), message, "other masks", "use `mask_ratio`")

    def _check_mask(self, mask, count):
        mask = ops.convert_to_numpy(mask)
        if mask.shape != (count, self.length) or (mask.astype(bool).sum(axis=1) != self.hidden).any():
            raise UserError(
                f"a mask ({count}, {self.length}) that hides {self.hidden} patches of each image",
                f"shape {mask.shape}, {mask.astype(bool).sum()} hidden in all",
                "make it with `transforms.random_mask`, or give another `mask_ratio`",
            )

    def _predict(self, images, mask, training):
        encoder = parts(self.encoder)
        tokens, _ = encoder.embed(images, training)
        order = ops.argsort(ops.cast(mask, "int32"), axis=-1)  # the visible ones first
        visible = pick(tokens, order[:, : self.length - self.hidden])
        seen = encoder.run(visible, training=training)
        hidden = ops.zeros_like(tokens[:, : self.hidden]) + ops.cast(self.mask_token, tokens.dtype)
        tokens = pick(ops.concatenate([seen, hidden], axis=1), ops.argsort(order, axis=-1))
        return self.decoder(tokens + ops.cast(self._positions(), tokens.dtype), training=training)

    def _positions(self):
        _, height, width, _ = self.encoder.input_shape
        return sine_cosine(height // self.patch, width // self.patch, self.mask_token.shape[0])


def _moments(patches):
    mean, variance = ops.moments(patches, axes=[-1], keepdims=True)
    return mean, ops.sqrt(variance + 1e-6)


def _patch_side(encoder):
    """Return the side of the square patches that an encoder splits images into."""
    check_kind(encoder, "image", "MaskedAutoencoder")
    of_images = parts(encoder)
    shape, length = encoder.input_shape[1:], 0 if of_images.padded else of_images.tokens.output_shape[1]
    side = 0
    if None not in shape and length:
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
