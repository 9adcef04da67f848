"""Signs of collapse in the representations of a data set."""

import keras
import numpy as np

from keras_ssl import data, measures
from keras_ssl.checks import check_between
from keras_ssl.data.fitting import as_source
from keras_ssl.evaluate.embedding import embed
from keras_ssl.typing import Samples

__all__ = ["collapse", "collapse_of_features"]


def collapse(encoder: keras.Model | None, samples: data.Source | Samples, limit: int | None = 1000) -> dict[str, float]:
    """Return the collapse figures of an encoder on samples.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs.
        samples: `data.Source`, an array or a dict of arrays, as the encoder takes them.
        limit: Number of samples, from the first on, at least 2; None for all. Default: 1000.

    Returns:
        See `collapse_of_features`.

    Raises:
        UserError: If the samples do not fit, or `limit` is below 2.
    """
    if limit is not None:
        check_between("limit", limit, least=2, whole=True)
    return collapse_of_features(embed(encoder, as_source(samples, encoder)[:limit]))


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
