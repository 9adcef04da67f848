"""Samples as feature vectors without a network: the baseline of every figure."""

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.specs import Spec, Specs
from keras_ssl.typing import Samples

__all__ = ["raw_features"]


def raw_features(samples: Samples, specs: Specs) -> np.ndarray:
    """Return samples as feature vectors: floats flattened, with 0 for what is missing, and ids as a bag of words.

    Args:
        samples: Array `(n, …)`, or a dict of arrays, whose features are concatenated. Masks are left out.
        specs: What they are: a `specs.Spec`, or a dict of them.

    Returns:
        Float32 array `(n, d)`. A bag of words is the square roots of the shares of each id but 0, the padding: the
        Hellinger representation, in which documents of any length have length 1.

    Raises:
        UserError: If there are ids without a vocabulary, whose number of features is unknown.
    """
    if isinstance(specs, Spec):
        return _features(samples, specs)
    kept = {name: spec for name, spec in specs.items() if spec.kind != "mask"}
    return np.concatenate([_features(samples[name], spec) for name, spec in kept.items()], axis=1)


def _features(x, spec):
    if not spec.is_float:
        return _bag_of_words(x, spec)
    flat = x.reshape(len(x), -1).astype("float32")
    return np.nan_to_num(flat, copy=False) if spec.missing else flat


def _bag_of_words(ids, spec):
    if spec.high is None:
        raise UserError(
            "ids of a known vocabulary as raw features",
            "ids without an upper bound",
            "give the model that reads them: `evaluate.embed(None, ids, like=encoder)`",
        )
    counts = np.zeros((len(ids), int(spec.high) + 1), "float32")
    np.add.at(counts, (np.arange(len(ids))[:, None], ids), 1)
    counts[:, 0] = 0
    return np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
