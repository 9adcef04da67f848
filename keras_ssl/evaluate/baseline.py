"""What one gets without a network: the first row of every table."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_ssl import specs
from keras_ssl.data import Source
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.tf_idf import TfIdf

__all__ = ["baseline"]


def baseline(train: Source, like: keras.Model) -> tuple[str, Callable[[Any], Any]]:
    """Return the name of the row, and a function from samples (a `data.Source` or arrays) to their features.

    Args:
        train: Samples for training. `TfIdf` is fitted on all of them; labels are not used.
        like: The model beside which it stands, which knows what the samples are.

    Returns:
        "tf_idf" and sparse features if the samples are texts, as ids; else "raw_inputs" and those of `raw_features`.
    """
    wanted = specs.specs_of(like)
    inputs = wanted if isinstance(wanted, dict) else {None: wanted}
    texts = [name for name, spec in inputs.items() if spec.kind == "ids" and len(spec.shape) == 2]
    if len(texts) != 1 or any(spec.kind not in ("ids", "mask") for spec in inputs.values()):
        return "raw_inputs", functools.partial(embed, None, like=like)

    def ids(samples):
        arrays = samples.inputs() if isinstance(samples, Source) else samples
        return arrays if texts == [None] else arrays[texts[0]]

    tf_idf = TfIdf().fit(ids(train))
    return "tf_idf", lambda samples: tf_idf.transform(ids(samples))
