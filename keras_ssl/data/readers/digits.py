"""The embedded digits."""

import numpy as np

from keras_ssl.data.readers.pixels import resize
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError

__all__ = ["load_digits_set"]


_DIGITS_TRAIN = 1400


def load_digits_set(split, size=None):
    """Load the embedded digits. See `data.load`, which describes them.

    Args:
        split: `"train"` or `"test"`.
        size: `(height, width)` to bring the images to, or None.

    Returns:
        A `Source` of float images.

    Raises:
        UserError: If there is no such split.
    """
    from sklearn.datasets import load_digits

    part = {"train": slice(None, _DIGITS_TRAIN), "test": slice(_DIGITS_TRAIN, None)}.get(split)
    if part is None:
        raise UserError(
            "split 'train' or 'test' of digits", repr(split), "choose one of them; `source[:100]` takes a part of it"
        )
    bundled = load_digits()
    # RandomState's stream is frozen for good, unlike that of default_rng.
    order = np.random.RandomState(0).permutation(len(bundled.images))[part]
    images = (bundled.images[order, ..., None] / 16).astype("float32")
    labels = bundled.target[order].astype("int64")
    return Source(resize(images, size), labels, 10, tuple("0123456789"), f"digits/{split}")
