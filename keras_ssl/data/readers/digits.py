"""The embedded digits."""

import numpy as np

from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.pixels import resize
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError

__all__ = ["load_digits"]

_DIGITS_TRAIN = 1400


def load_digits(split: str, size: tuple[int, int] | None = None, preparation: Preparation | None = None) -> Source:
    """Load the embedded digits, which `data.load` describes.

    Args:
        split: `"train"` or `"test"`.
        size: `(height, width)` to resize the images to, or None.
        preparation: How they are brought to this size. Default: `Preparation()`.

    Returns:
        A `Source` of float images.

    Raises:
        UserError: If there is no such split.
    """
    import sklearn.datasets

    part = {"train": slice(None, _DIGITS_TRAIN), "test": slice(_DIGITS_TRAIN, None)}.get(split)
    if part is None:
        raise UserError(
            "split 'train' or 'test' of digits", repr(split), "choose one of them; `source[:100]` takes a part of it"
        )
    bundled = sklearn.datasets.load_digits()
    # NumPy guarantees that RandomState's draws never change, unlike default_rng's.
    order = np.random.RandomState(0).permutation(len(bundled.images))[part]
    images = (bundled.images[order, ..., None] / 16).astype("float32")
    labels = bundled.target[order].astype("int64")
    images, names = resize(images, size, preparation), tuple("0123456789")
    return Source(images, labels, 10, names, f"digits/{split}", preparation=preparation)
