"""Rotation prediction."""

from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.objectives.pretext.transformation import TransformationPrediction
from keras_ssl.transforms.rearrangements import rot90
from keras_ssl.typing import Tensor

__all__ = ["RotationPrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class RotationPrediction(TransformationPrediction):
    """Predict by how many quarter turns an image is rotated; every step sees all four rotations of each image.

    For logs and warnings see `TransformationPrediction`. A batch of n images costs as much as 4n.

    Args:
        encoder: Built `keras.Model` from `(n, side, side, channels)` to `(n, d)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If images are not square.

    Reference:
        Gidaris et al. 2018, "Unsupervised Representation Learning by Predicting Image Rotations", section 2.

    Departures:
        The head is on the encoder's representation; the paper transfers an earlier layer of a deeper network.
    """

    because = "Images that are round, or were already rotated at random, do not show their rotation."

    def __init__(self, encoder: keras.Model, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        self.check_size(*encoder.input_shape[1:3])

    def check_size(self, height: int | None, width: int | None) -> None:
        """Raise `UserError` unless images are square."""
        if height != width:
            raise UserError(
                "square images for RotationPrediction, since a quarter turn swaps height and width",
                f"{height} x {width} pixels",
                "load the images with `size=`, or use FlipPrediction",
            )

    def version(self, images: Tensor, k: int) -> Tensor:
        """Return the images rotated by k quarter turns."""
        return rot90(images, k)
