"""The base class of objectives that transform an image and predict the transformation."""

import functools
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import check_kind
from keras_ssl.typing import Batch, Tensor

__all__ = ["ChanceWarning", "TransformationPrediction"]


_AT_CHANCE = 1.4  # times the accuracy of guessing
_ALIKE = 0.05  # fraction of an image's variance
_CHECKED_IMAGES = 256


class ChanceWarning(UserWarning):
    """The transformation that an objective predicts cannot be seen in the images."""


class TransformationPrediction(Objective):
    """The base class of objectives that predict which of a fixed list of transformations was applied to an image.

    Besides the loss it logs `accuracy`. A subclass defines `version`, which transforms images, and `because`, which
    tells users which images do not show their transformation.

    Before training on arrays, `fit` checks up to 256 images. It gives a `ChanceWarning` if most of them look alike in
    all versions: no version differs from the first by more than 5 % of the image's variance. (Of digits and clothes no
    image does.) After training, `fit` gives a `ChanceWarning` if the accuracy of the last epoch is below 1.4 times that
    of guessing, 0.35 for four classes. Of 512 digits, randomly rotated ones reach 0.32 in four epochs, by memorization,
    and upright ones 0.81. More epochs memorize more, so pass `validation_data`: its accuracy is checked instead.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        classes: Number of transformations. Default: 4.
        seed: See `Objective`.
        **kwargs: See `Objective`.
    """

    terms = ("loss", "accuracy")
    because: str = ""
    """A sentence for the warnings: which images do not show their transformation."""

    def __init__(self, encoder: keras.Model, classes: int = 4, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("classes", classes, least=2, whole=True)
        check_kind(encoder, "image", type(self).__name__)
        self.classes = classes
        self.head = heads.linear(encoder, classes, name="head")

    def check_size(self, height: int | None, width: int | None) -> None:
        """Raise `UserError` unless images of this size can be transformed.

        Args:
            height: In pixels, or None if unknown.
            width: In pixels, or None if unknown.
        """

    def version(self, images: Tensor, k: int) -> Tensor:
        """Return `images` `(n, height, width, channels)` with transformation k applied, in the same shape."""
        raise NotImplementedError(f"{type(self).__name__} must define version(images, k).")

    def questions(self, batch: Batch, training: bool) -> tuple[Tensor, Tensor]:
        """Return transformed images and their classes `(m,)`. Default: all versions of each image, m = n * classes."""
        images, classes = batch["input"], self.classes
        versions = ops.stack([self.version(images, k) for k in range(classes)], axis=1)
        labels = ops.tile(ops.arange(classes, dtype="int32"), [ops.shape(images)[0]])
        return ops.reshape(versions, (-1, *images.shape[1:])), labels

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Transform the images and compute logits of the classes."""
        self.check_size(*batch["input"].shape[1:3])
        images, labels = self.questions(batch, training)
        h = self.encoder(images, training=training)
        return {"logits": self.head(h, training=training), "labels": labels}

    def answers(self, images: Tensor) -> Tensor:
        """Return the most probable classes of `images` `(n, height, width, channels)`, integers `(n,)`."""
        h = self.encoder(self.as_input(images), training=False)
        return ops.argmax(self.head(h, training=False), axis=-1)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the logits with the true classes."""
        logits, labels = outputs["logits"], outputs["labels"]
        return {"loss": losses.cross_entropy(logits, labels), "accuracy": measures.accuracy(logits, labels)}

    @functools.wraps(Objective.fit, assigned=())  # for the signature
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as `Objective.fit` does, and warn if the accuracy is near that of guessing.

        Args:
            *args: See `Objective.fit`.
            **kwargs: See `Objective.fit`.
        """
        history = super().fit(*args, **kwargs)
        accuracy = history.history.get("val_accuracy", history.history.get("accuracy"))
        chance = 1 / self.classes
        if accuracy and accuracy[-1] < _AT_CHANCE * chance:
            warnings.warn(
                f"After training, the accuracy of {type(self).__name__} is {accuracy[-1]:.3f}; guessing gives "
                f"{chance:.3f}. {self.because} If yours do, train longer or with another learning rate.",
                ChanceWarning,
                stacklevel=2,
            )
        return history

    def check_array(self, key: str, array: np.ndarray) -> None:
        """Check as `Objective.check_array` does, and warn if most images look alike in all versions.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.
        """
        super().check_array(key, array)
        if key not in self.batch_keys:
            return
        self.check_size(*array.shape[1:3])
        images = array[:: -(-len(array) // _CHECKED_IMAGES)].astype("float32")
        threshold = _ALIKE * _variation(images - images.mean(axis=(1, 2, 3), keepdims=True))
        versions = (np.asarray(self.version(images, k)) for k in range(self.classes))
        first = next(versions)
        changed = np.max([_variation(other - first) for other in versions], axis=0)
        if np.mean(changed <= threshold) > 0.5:
            warnings.warn(
                f"{100 * np.mean(changed <= threshold):.0f} % of the images look alike in all "
                f"{self.classes} versions that {type(self).__name__} must tell apart. {self.because}",
                ChanceWarning,
                stacklevel=4,
            )


def _variation(x):
    """Return the sum of squares of each sample."""
    return np.square(x).sum(axis=(1, 2, 3))
