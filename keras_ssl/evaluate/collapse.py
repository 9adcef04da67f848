"""Signs of collapse in the representations of a data set."""

from keras_ssl import measures
from keras_ssl.evaluate.embedding import embed

__all__ = ["collapse"]


def collapse(encoder, images, limit=1000):
    """Return the collapse figures of an encoder on images.

    Args:
        encoder: `keras.Model`, objective, or None for raw pixels.
        images: `data.Source` or float array `(n, height, width, channels)` in 0..1.
        limit: Number of images, from the first on, that are looked at. Default 1000.

    Returns:
        Dict of "std" (`measures.feature_std`), "dimensions" (`measures.participation_ratio`) and "effective_rank".
    """
    h = embed(encoder, images)[:limit]
    return {
        "std": float(measures.feature_std(h)),
        "dimensions": float(measures.participation_ratio(h)),
        "effective_rank": float(measures.effective_rank(h)),
    }
