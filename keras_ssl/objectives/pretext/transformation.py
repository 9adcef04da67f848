"""The base of objectives that transform an image and predict what was done to it."""

import functools
import warnings

import numpy as np
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective

__all__ = ["ChanceWarning", "TransformationPrediction"]


_AT_CHANCE = 1.4  # times what guessing gives


_ALIKE = 0.05  # of an image's variance


_LOOKED_AT = 256  # images


class ChanceWarning(UserWarning):
    """What an objective is asked to predict cannot be seen in the images."""


class TransformationPrediction(Objective):
    """Predict which of a fixed list of transformations an image went through; the base of those that do.

    Logs, beside the loss, `accuracy`.

    A subclass says what the `version` of an image of each class is, and `because`, what images all versions of which
    look alike. Before training on arrays a `ChanceWarning` says so where most of (up to 256 of) the images are such:
    every version differs from the first by at most 5 % of the image's variance (of digits and clothes none does). After
    training one says so where the accuracy of the last epoch is below 1.4 times what guessing gives, 0.35 of four
    classes: 512 digits that had been turned at random reach 0.32 in four epochs, by memory, and upright ones 0.81. The
    more epochs, the more is memorized; give `validation_data`, whose accuracy counts then.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        classes: Number of transformations. Default 4.
        seed: See `Objective`.
        **kwargs: See `Objective`.
    """

    terms = ("loss", "accuracy")
    because = ""
    """What makes the classes of images look alike, for the warnings."""

    def __init__(self, encoder, classes=4, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        if len(encoder.input_shape) != 4:
            raise UserError(
                f"an encoder of images (n, height, width, channels) for {type(self).__name__}",
                f"input shape {encoder.input_shape}",
                "give one with that input",
            )
        self.classes = classes
        self.head = heads.linear(encoder, classes, name="head")

    def check_size(self, height, width):
        """Raise `UserError` unless images of this size can be transformed; an open side is None."""

    def version(self, images, k):
        """Return `images` `(n, height, width, channels)` as class k shows them, a tensor of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} must define version(images, k).")

    def questions(self, batch, training):
        """Return transformed images and their classes `(m,)`: here, every image in all versions, m = n * classes."""
        images, classes = batch["input"], self.classes
        versions = ops.stack([self.version(images, k) for k in range(classes)], axis=1)
        labels = ops.tile(ops.arange(classes, dtype="int32"), [ops.shape(images)[0]])
        return ops.reshape(versions, (-1, *images.shape[1:])), labels

    def forward_pass(self, batch, training):
        """Transform the images and score the classes."""
        self.check_size(*batch["input"].shape[1:3])
        images, labels = self.questions(batch, training)
        h = self.encoder(images, training=training)
        return {"logits": self.head(h, training=training), "labels": labels}

    def answers(self, images):
        """Return the most probable transformations of `images` `(n, height, width, channels)`, integers `(n,)`."""
        h = self.encoder(self.as_images(images), training=False)
        return ops.argmax(self.head(h, training=False), axis=-1)

    def loss_terms(self, outputs):
        """Compare the scores with the right classes."""
        logits, labels = outputs["logits"], outputs["labels"]
        return {"loss": losses.cross_entropy(logits, labels), "accuracy": measures.accuracy(logits, labels)}

    @functools.wraps(Objective.fit, assigned=())
    def fit(self, *args, **kwargs):
        """Train as `Objective.fit`, and warn where what is predicted cannot be seen in the images."""
        history = super().fit(*args, **kwargs)
        accuracy = history.history.get("val_accuracy", history.history.get("accuracy"))
        chance = 1 / self.classes
        if accuracy and accuracy[-1] < _AT_CHANCE * chance:
            warnings.warn(
                f"After training, the accuracy of {type(self).__name__} is {accuracy[-1]:.3f}; guessing gives "
                f"{chance:.3f}. {self.because} Where that is not the case, train longer or with another learning rate.",
                ChanceWarning,
                stacklevel=2,
            )
        return history

    def check_array(self, key, array):
        """Check as `Objective.check_array`, and warn where all versions of most images look alike."""
        super().check_array(key, array)
        if array.ndim != 4 or array.shape[1:3] != self.encoder.input_shape[1:3]:
            return  # the first batch says so
        images = array[:: -(-len(array) // _LOOKED_AT)].astype("float32")
        alike = _variation(images - images.mean(axis=(1, 2, 3), keepdims=True)) * _ALIKE
        versions = (np.asarray(self.version(images, k)) for k in range(self.classes))
        first = next(versions)
        changed = np.max([_variation(other - first) for other in versions], axis=0)
        if np.mean(changed <= alike) > 0.5:
            warnings.warn(
                f"{100 * np.mean(changed <= alike):.0f} % of the images look alike in all "
                f"{self.classes} versions that {type(self).__name__} tells apart. {self.because}",
                ChanceWarning,
                stacklevel=3,
            )


def _variation(x):
    return np.square(x).sum(axis=(1, 2, 3))
