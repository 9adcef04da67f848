"""Signs of collapse in the representations of a data set."""

import keras
import numpy as np

from keras_ssl import data, measures
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.sources import as_source

__all__ = ["collapse", "collapse_of_features"]


def collapse(
    encoder: keras.Model | None, images: data.Source | np.ndarray, limit: int | None = 1000
) -> dict[str, float]:
    """Return the collapse figures of an encoder on images.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        images: `data.Source` or float array `(n, height, width, channels)` in 0..1.
        limit: Number of images to use, from the first on; None for all. Default: 1000.

    Returns:
        See `collapse_of_features`.
    """
    return collapse_of_features(embed(encoder, as_source(images, encoder)[:limit]))


def collapse_of_features(features: np.ndarray) -> dict[str, float]:
    """Return the collapse figures of representations.

    Args:
        features: Array `(n, d)`.

    Returns:
        Dict of "std" (`measures.feature_std`), "dimensions" (`measures.participation_ratio`) and "effective_rank".
    """
    return {
        "std": float(measures.feature_std(features)),
        "dimensions": float(measures.participation_ratio(features)),
        "effective_rank": float(measures.effective_rank(features)),
    }
