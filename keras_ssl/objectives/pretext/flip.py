"""Flip prediction."""

from typing import Any

import keras

from keras_ssl.objectives.pretext.transformation import TransformationPrediction
from keras_ssl.transforms.rearrangements import flip
from keras_ssl.typing import Tensor

__all__ = ["FlipPrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class FlipPrediction(TransformationPrediction):
    """Predict whether an image is unchanged, flipped horizontally, flipped vertically, or both (a half turn).

    For logs and warnings see `TransformationPrediction`. A batch of n images costs as much as 4n. If a horizontal flip
    cannot be seen, as in many photographs, half of the classes can only be guessed and the accuracy stays near 0.5.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.
    """

    because = "Images that are symmetric, or were already flipped at random in both directions, do not show their flip."

    def __init__(self, encoder: keras.Model, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)

    def version(self, images: Tensor, k: int) -> Tensor:
        """Return the images flipped by `transforms.flip`."""
        return flip(images, k)
