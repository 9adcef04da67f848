"""Inpainting: the context encoder."""

from typing import Any

import keras
from keras import ops

from keras_ssl import decoders, losses, transforms
from keras_ssl.checks import check_range
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import check_kind
from keras_ssl.typing import Batch, Tensor

__all__ = ["Inpainting"]


@keras.saving.register_keras_serializable("keras_ssl")
class Inpainting(Objective):
    """Predict the pixels in a hidden box from those around it: the context encoder without its adversarial loss.

    The box is filled with 0.5, the middle of the range. A batch may contain masks as "mask" `(n, height, width)`, True
    = hidden. `AdversarialInpainting` adds a discriminator.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        decoder: `keras.Model` from `(n, d)` to the images. Default: `decoders.mirror(encoder)`.
        area: Lowest and highest area of the box, as fractions of the image's, 1e-4..1. Default: `(0.1, 0.3)`.
        ratio: Lowest and highest width / height of the box, 0.01..100. Default: `(0.5, 2.0)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or the decoder does not fit.

    Reference:
        Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", Eq. 1.

    Departures:
        The error is the mean over an image's hidden pixels, not the sum, so that large and small boxes have the same
        weight. The box has a random place and shape, as in random erasing; the paper hides the center, random blocks or
        random regions.
    """

    optional_keys = ("mask",)

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        area: tuple[float, float] = (0.1, 0.3),
        ratio: tuple[float, float] = (0.5, 2.0),
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "image", type(self).__name__)
        self.area = check_range("area", area, 1e-4, 1.0)
        self.ratio = check_range("ratio", ratio, 1e-2, 1e2)
        self.decoder = decoders.mirror(encoder) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, encoder.output_shape[-1])

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Hide a box of each image, and predict the image."""
        x = batch["input"]
        mask = self._masks(x, self.draws(training)) if "mask" not in batch else batch["mask"]
        return {"input": x, "mask": mask, "prediction": self._predict(x, mask, training)}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the hidden pixels with their predictions."""
        return {"loss": losses.masked_squared_error(outputs["prediction"], outputs["input"], outputs["mask"])}

    def reconstruct(self, images: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return images with the hidden pixels replaced by their predictions.

        Args:
            images: Float array `(n, height, width, channels)` in 0..1.
            mask: Boolean array `(n, height, width)`, True = hidden. Default: boxes drawn from `seed`, always the same.

        Returns:
            Float32 tensor like `images`.
        """
        images = self.as_input(images)
        mask = self._masks(images, self.draws(training=False)) if mask is None else mask
        prediction = ops.cast(self._predict(images, mask, training=False), "float32")
        return ops.where(ops.cast(mask, "bool")[..., None], prediction, images)

    def _masks(self, images, seeds):
        count, height, width, _ = ops.shape(images)
        return transforms.block_mask(count, height, width, self.area, self.ratio, seeds.next())

    def _predict(self, images, mask, training):
        context = ops.where(ops.cast(mask, "bool")[..., None], ops.cast(0.5, images.dtype), images)
        return self.decoder(self.encoder(context, training=training), training=training)
