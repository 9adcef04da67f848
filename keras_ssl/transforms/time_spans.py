"""Spans of time that are hidden, and the other hidden places that one is compared with: pure functions."""

import keras
from keras import ops

from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Tensor

__all__ = ["distractors", "span_mask"]


def span_mask(keep: Tensor, start_ratio: float, span: int, seed: Tensor) -> Tensor:
    """Hide spans of each sequence, which may overlap.

    `round(start_ratio * kept)` places, at least two, are drawn without replacement among those where a span fits, and
    each is the first of a hidden span.

    Args:
        keep: Boolean tensor `(n, length)`, True where there is no padding, which comes last. The length is known.
        start_ratio: Share of the kept places where a span begins, in 0..1.
        span: Length of a span, at least 1. In a sequence of fewer than `4 * span` places it is a quarter of them.
        seed: Integer tensor of shape `(2,)`.

    Returns:
        Boolean tensor `(n, length)`; True = hidden. Of a single kept place, it is not; of two, one is.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", sections
        3.1 and 4.2.

    Departures:
        In the paper spans have one length and may run over the end of a sequence, and in short ones there may be none.
    """
    length = keep.shape[1]
    kept = ops.sum(ops.cast(keep, "int32"), axis=1, keepdims=True)
    span = ops.clip(kept // 4, 1, span)
    count = ops.cast(ops.round(start_ratio * ops.cast(kept, "float32")), "int32")
    count = ops.minimum(ops.maximum(count, 2), kept - 1)
    place = ops.arange(length, dtype="int32")
    chance = keras.random.uniform(ops.shape(keep), seed=SeedStream(seed))
    chance = ops.where(place <= kept - span, chance, 2.0)
    begins = ops.cast(ops.argsort(ops.argsort(chance, axis=1), axis=1), "int32") < count
    begun = ops.pad(ops.cumsum(ops.cast(begins, "int32"), axis=1), [[0, 0], [1, 0]])  # before each place
    ended = ops.take_along_axis(begun, ops.maximum(place + 1 - span, 0), axis=1)
    return ops.logical_and(begun[:, 1:] > ended, keep)


def distractors(hidden: Tensor, uniform: Tensor) -> Tensor:
    """Choose, for each hidden place, K other hidden places of the same sequence, with replacement.

    Args:
        hidden: Boolean tensor `(n, length)`, True = hidden. The length is known.
        uniform: Tensor `(n, length, K)` of uniform draws in 0..1.

    Returns:
        Int32 tensor `(n, length, K)` of places. For a place that is not hidden they mean nothing, and neither do they
        in a sequence with a single hidden place, for which they are that place.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", section
        3.2, "Contrastive Loss".
    """
    (n, length), each = ops.shape(hidden), uniform.shape[-1]
    order = ops.cast(ops.argsort(ops.cast(ops.logical_not(hidden), "int32"), axis=1), "int32")  # hidden ones first
    rank = ops.cast(ops.argsort(order, axis=1), "int32")[:, :, None]
    count = ops.sum(ops.cast(hidden, "int32"), axis=1)[:, None, None]
    others = ops.maximum(count - 1, 1)
    ahead = ops.cast(uniform * ops.cast(others, "float32"), "int32")
    ahead = 1 + ops.minimum(ahead, others - 1)  # a draw just below 1 may be rounded up
    chosen = ops.reshape((rank + ahead) % ops.maximum(count, 1), (n, length * each))
    return ops.reshape(ops.take_along_axis(order, chosen, axis=1), (n, length, each))
