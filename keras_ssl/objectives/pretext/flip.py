"""Flip prediction."""

import keras

from keras_ssl.objectives.pretext.transformation import TransformationPrediction
from keras_ssl.transforms.rearrangements import flip

__all__ = ["FlipPrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class FlipPrediction(TransformationPrediction):
    """Predict whether an image is upright, mirrored left and right, upside down, or both (a half turn).

    Logs and warns as `TransformationPrediction` says. A batch of n images costs as much as 4n. Where left and right
    look alike, as in many photographs, half of the answers are guesses and the accuracy stays near 0.5.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.
    """

    because = "Content that is symmetric, or that was mirrored both ways at random already, has no upright form."

    def __init__(self, encoder, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)

    def version(self, images, k):
        """Return the images as `transforms.flip` makes them."""
        return flip(images, k)
