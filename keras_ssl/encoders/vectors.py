"""Word vectors as an encoder of text."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.blocks import mean_of_kept
from keras_ssl.checks import as_array
from keras_ssl.errors import UserError

__all__ = ["mean_of_vectors"]


def mean_of_vectors(vectors: Any, name: str = "mean_of_vectors") -> keras.Model:
    """An encoder that represents a text by the mean of the vectors of its words.

    It has the layers `tokens`, `trunk` and `pool` of all encoders of sequences; its trunk changes nothing. Word order
    is lost.

    Args:
        vectors: Float array `(vocabulary, width)`, a vector for each id; that of id 0, the padding, is not used.
        name: Name of the model.

    Returns:
        `keras.Model` from `ids` `(n, length)`, int32, any length, to `(n, width)`, float32. The vectors are its only
        weights, and a copy of those given.

    Raises:
        UserError: If there is not one finite vector for each of at least two ids.

    Reference:
        Wieting et al. 2016, "Towards Universal Paraphrastic Sentence Embeddings", Eq. 1.

    Example:
        `evaluate.label_efficiency(encoders.mean_of_vectors(vectors), train, test)`
    """
    vectors = as_array(vectors, "word vectors")
    if vectors.ndim != 2 or len(vectors) < 2 or not np.isfinite(vectors).all():
        finite = "" if np.isfinite(vectors).all() else " with values that are not finite"
        raise UserError(
            "finite word vectors (vocabulary, width) of at least two ids",
            f"shape {vectors.shape}{finite}",
            "give one vector for each id of the tokenizer, padding included",
        )
    vocabulary, width = vectors.shape
    ids = keras.Input((None,), dtype="int32", name="ids")
    table = layers.Embedding(vocabulary, width, name="embedding")
    tokens = keras.Model(ids, [table(ids), ops.not_equal(ids, 0)], name="tokens")
    table.set_weights([vectors])
    x, keep = keras.Input((None, width), name="tokens"), keras.Input((None,), dtype="bool", name="keep")
    trunk = keras.Model([x, keep], layers.Identity(name="identity")(x), name="trunk")
    y, keep = keras.Input((None, width), name="frames"), keras.Input((None,), dtype="bool", name="keep")
    pool = keras.Model([y, keep], mean_of_kept(y, keep), name="pool")
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, keep = tokens(ids)
    return keras.Model(ids, pool([trunk([x, keep]), keep]), name=name)
