"""What the objectives of word vectors need of their encoder."""

import keras
import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.networks import Parts, parts
from keras_ssl.specs import Spec, check_kind, specs_of

__all__ = ["checked_counts", "vectors_of", "vocabulary_of", "word_parts"]

_BLOCK = 4096


def word_parts(encoder: keras.Model, name: str) -> Parts:
    """Return the parts of an encoder of ids, or raise.

    Args:
        encoder: Built `keras.Model`.
        name: Name of the objective.

    Raises:
        UserError: If it does not take ids, or its tokens are not vectors of its own width beside keep.
    """
    check_kind(encoder, "ids", name)
    found = parts(encoder)
    if not found.padded or found.tokens.output_shape[0][-1] != encoder.output_shape[-1]:
        raise UserError(
            f"an encoder of words for {name}, whose `tokens` give vectors of its width and a keep",
            f"'{encoder.name}'",
            "use `encoders.word_vectors`",
        )
    return found


def vocabulary_of(encoder: keras.Model) -> int:
    """Return the number of ids that an encoder takes.

    Args:
        encoder: Built `keras.Model` of ids.

    Raises:
        UserError: If it is not known.
    """
    spec = specs_of(encoder)
    if not isinstance(spec, Spec) or spec.high is None:
        raise UserError(
            "an encoder that looks ids up in an embedding", f"'{encoder.name}'", "use `encoders.word_vectors`"
        )
    return int(spec.high) + 1


def checked_counts(counts: list[int] | np.ndarray, vocabulary: int) -> list[int]:
    """Return how often each id stands in the text as a list of integers, or raise.

    Args:
        counts: As many integers of at least 0 as there are ids, not all 0.
        vocabulary: Number of ids.

    Raises:
        UserError: If they are something else.
    """
    array = np.asarray(counts)
    if array.shape != (vocabulary,) or not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or not array.any():
        raise UserError(
            f"counts of the {vocabulary} ids of the encoder, integers of at least 0",
            f"{array.dtype} of shape {array.shape}",
            "give `data.Contexts(…).counts(vocabulary)`, or build the encoder for as many ids",
        )
    return array.tolist()


def vectors_of(encoder: keras.Model) -> np.ndarray:
    """Return the vectors of all ids, float32 `(vocabulary, d)`.

    Args:
        encoder: Built `keras.Model` of ids.
    """
    ids = np.arange(vocabulary_of(encoder), dtype="int32")[:, None]
    blocks = [encoder(ids[first : first + _BLOCK], training=False) for first in range(0, len(ids), _BLOCK)]
    return np.concatenate([ops.convert_to_numpy(block) for block in blocks]).astype("float32")
