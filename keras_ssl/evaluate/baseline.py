"""What one gets without a network: the first row of every table."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.data import Source
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.log_mel import log_mel_features
from keras_ssl.evaluate.tf_idf import TfIdf

__all__ = ["baseline"]

_BATCH = 256


def baseline(train: Source, like: keras.Model) -> tuple[str, Callable[[Any], Any]]:
    """Return the name of the row, and a function from samples (a `data.Source` or arrays) to their features.

    Args:
        train: Samples for training. `TfIdf` is fitted on all of them; labels are not used.
        like: The model beside which it stands, which knows what the samples are.

    Returns:
        "tf_idf" and sparse features if the samples are texts, as ids; "log_mel" and those of `log_mel_features` if they
        are recordings, whose rate is that of train, 8000 Hz if it is not known; else "raw_inputs" and those of
        `raw_features`.
    """
    wanted = specs.specs_of(like)
    if isinstance(wanted, specs.Spec) and wanted.kind == "audio":
        return "log_mel", functools.partial(_log_mel, rate=train.rate)
    inputs = wanted if isinstance(wanted, dict) else {None: wanted}
    texts = [name for name, spec in inputs.items() if spec.kind == "ids" and len(spec.shape) == 2]
    if len(texts) != 1 or any(spec.kind not in ("ids", "mask") for spec in inputs.values()):
        return "raw_inputs", functools.partial(embed, None, like=like)

    def ids(samples):
        arrays = samples.inputs() if isinstance(samples, Source) else samples
        return arrays if texts == [None] else arrays[texts[0]]

    tf_idf = TfIdf().fit(ids(train))
    return "tf_idf", lambda samples: tf_idf.transform(ids(samples))


def _log_mel(samples, rate):
    """Features of recordings, a few of which at a time are converted to floats."""
    begins = range(0, len(samples), _BATCH)
    parts = [slice(begin, begin + _BATCH) for begin in begins]
    arrays = (samples[part].inputs() if isinstance(samples, Source) else samples[part] for part in parts)
    return np.concatenate([log_mel_features(array, rate) for array in arrays])
