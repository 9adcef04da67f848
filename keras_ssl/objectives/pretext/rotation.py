"""Rotation prediction."""

import keras

from keras_ssl.errors import UserError
from keras_ssl.objectives.pretext.transformation import TransformationPrediction
from keras_ssl.transforms.rearrangements import rot90

__all__ = ["RotationPrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class RotationPrediction(TransformationPrediction):
    """Predict by how many quarters an image is turned; every step sees all four rotations of each image.

    Logs and warns as `TransformationPrediction` says. A batch of n images costs as much as 4n.

    Args:
        encoder: Built `keras.Model` from `(n, side, side, channels)` to `(n, d)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If images are not square.

    Reference:
        Gidaris et al. 2018, "Unsupervised Representation Learning by Predicting Image Rotations", section 2.

    Departures:
        The head reads the encoder's representation; there, later layers are left out of what is transferred.
    """

    because = "Content that is round, or that was turned at random already, has no upright position to be learned."

    def __init__(self, encoder, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        self.check_size(*encoder.input_shape[1:3])

    def check_size(self, height, width):
        """Raise `UserError` unless images are square."""
        if height != width:
            raise UserError(
                "square images for RotationPrediction, since a quarter turn exchanges height and width",
                f"{height} x {width} pixels",
                "load the images with `size=`, or use FlipPrediction",
            )

    def version(self, images, k):
        """Return the images turned by k quarters."""
        return rot90(images, k)
