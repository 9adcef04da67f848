"""Representations of a whole data set."""

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source, labeled
from keras_ssl.evaluate.raw_inputs import raw_features
from keras_ssl.networks import check_finite_weights, embedder, predict_in_batches
from keras_ssl.typing import Progress, Samples

__all__ = ["embed", "embed_labeled"]


def embed(
    encoder: keras.Model | None,
    samples: Source | Samples,
    batch_size: int = 256,
    progress: Progress | None = None,
    like: keras.Model | None = None,
) -> np.ndarray:
    """Check the values and shapes of samples, and return their representations.

    Args:
        encoder: `keras.Model` from `(n, …)` to `(n, d)`, an objective (whose embedder is used), or None for
            `raw_features`, such as the pixels of images.
        samples: `data.Source`, or an array or a dict of arrays, as the encoder takes them: images are floats in 0..1.
        batch_size: Samples at a time; only these are read and converted. Default: 256.
        progress: Called as `progress(done, total)` after each batch, or None.
        like: Without an encoder, the model for which these raw features are a baseline: it knows what arrays are, and
            the vocabulary of ids. Default: None.

    Returns:
        Float32 array `(n, d)`.

    Raises:
        UserError: If the samples are not finite, out of range, or do not fit the encoder; if it does not return one
            vector for each; or if a weight is not finite.
    """
    source = as_source(samples, like if encoder is None else encoder)
    encoder = embedder(encoder)
    check_finite_weights(encoder)
    wanted = source.specs if like is None else specs.specs_of(embedder(like))
    parts = []
    for begin in range(0, len(source), batch_size):
        end = min(begin + batch_size, len(source))
        inputs = source.inputs(np.arange(begin, end))
        parts.append(raw_features(inputs, wanted) if encoder is None else predict_in_batches(encoder, inputs))
        specs.check_vectors(parts[-1].shape, getattr(encoder, "name", "raw inputs"))
        if progress:
            progress(end, len(source))
    return np.concatenate(parts)


def embed_labeled(
    encoder: keras.Model | None, train: Source, test: Source
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what a probe takes: representations and labels of `train`, then those of `test`.

    Args:
        encoder: See `embed`.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.

    Raises:
        UserError: If a source has no labels, or see `embed`.
    """
    (train_labels, _), (test_labels, _) = labeled(train), labeled(test)  # before anything is computed
    return embed(encoder, train), train_labels, embed(encoder, test), test_labels
