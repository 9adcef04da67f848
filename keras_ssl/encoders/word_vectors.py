"""The encoder that has one vector for each word."""

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.blocks import SubwordEmbedding
from keras_ssl.checks import check_between, check_counts
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError

__all__ = ["word_vectors"]


def word_vectors(
    vocabulary: int,
    width: int = 100,
    subwords: np.ndarray | None = None,
    buckets: int = 200_000,
    name: str = "word_vectors",
) -> keras.Model:
    """One vector for each word, and for a text the mean of its words' vectors.

    It has the three named layers of all encoders of sequences. `tokens` looks up the vectors of the ids; it also gives
    keep, which is False where the id is 0. `trunk` changes nothing. `pool` averages the vectors that are kept. For one
    word, a text of length 1, that is its vector.

    Args:
        vocabulary: Number of ids, padding included: ids are in 0..vocabulary-1, and 0 is padding.
        width: Width of the vectors. Default: 100.
        subwords: Integer array `(vocabulary, most)` from `blocks.subword_buckets`: a word's vector is then the mean of
            its own and those of its n-grams. Default: None, each word has a vector of its own.
        buckets: Number of vectors of n-grams, that of `subword_buckets`. Default: 200,000.
        name: Name of the model.

    Returns:
        `keras.Model` from `ids` `(n, length)`, int32, any length, to `(n, width)`, float32. Without subwords its file
        loads without keras_ssl.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space"; with `subwords`,
        Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", section 3.2. Vectors begin as in
        their code, uniform in ±0.5 / width.
    """
    check_between("vocabulary", vocabulary, 2, whole=True)
    check_counts(width=width, buckets=buckets)
    tokens = _tokens(vocabulary, width, subwords, buckets)
    vectors, keep = keras.Input((None, width), name="tokens"), keras.Input((None,), dtype="bool", name="keep")
    trunk = keras.Model([vectors, keep], layers.Identity(name="same")(vectors), name="trunk")
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, keep = tokens(ids)
    return keras.Model(ids, pooling(width)([trunk([x, keep]), keep]), name=name)


def _tokens(vocabulary, width, subwords, buckets):
    ids = keras.Input((None,), dtype="int32", name="ids")
    if subwords is None:
        uniform = keras.initializers.RandomUniform(-0.5 / width, 0.5 / width)
        vectors = layers.Embedding(vocabulary, width, uniform, name="embedding")(ids)
    else:
        vectors = _of_subwords(vocabulary, width, np.asarray(subwords), buckets)(ids)
    return keras.Model(ids, [vectors, ops.not_equal(ids, 0)], name="tokens")


def _of_subwords(vocabulary, width, table, buckets):
    if table.ndim != 2 or len(table) != vocabulary or not np.issubdtype(table.dtype, np.integer):
        raise UserError(
            f"subwords as integers ({vocabulary}, most)",
            f"{table.dtype} of shape {table.shape}",
            "make them with `blocks.subword_buckets(tokenizer.tokens, …)`",
        )
    layer = SubwordEmbedding(vocabulary, width, buckets, table.shape[1], name="embedding")
    layer.build((None, None))
    layer.set_table(table)
    return layer
