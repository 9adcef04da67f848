"""Encoders of sequences with another pooling."""

import keras
from keras import ops

from keras_ssl.blocks import (
    attention_of_kept,
    first_of_kept,
    last_of_kept,
    max_of_kept,
    mean_of_kept,
    thirds_of_kept,
)
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.specs import inputs_like

__all__ = ["pooling", "with_pool"]

_POOLS = {
    "mean": mean_of_kept,
    "first": first_of_kept,
    "last": last_of_kept,
    "max": max_of_kept,
    "thirds": thirds_of_kept,
    "attention": attention_of_kept,
}


def with_pool(encoder: keras.Model, pool: str, name: str | None = None) -> keras.Model:
    """Return an encoder of sequences with another `pool`; it shares `tokens` and `trunk` with the given one.

    Args:
        encoder: Functional `keras.Model` with the layers `tokens`, `trunk` and `pool`; see `networks.parts`.
        pool: How the frames of a sequence become one vector. "mean" and "max" take all that are kept, "first" the first
            of them, such as that of a token which begins every text, "last" the last, which of a causal encoder has
            seen all others. "thirds" are the means of the three thirds of a sequence, side by side, which know what
            comes first; the representation is three times as wide. "attention" is a mean with weights that are trained
            (`blocks.attention_of_kept`), so it is of use only where the pool trains: freeze `["tokens", "trunk"]` under
            it, not the encoder.
        name: Name of the encoder. Default: that of the given one.

    Returns:
        Functional `keras.Model` from the encoder's inputs to `(n, width)`, of thirds `(n, 3 * width)`, float32.

    Raises:
        UserError: If the encoder does not have these layers, or there is no such pool.

    Example:
        `transfer.classifier(encoders.with_pool(encoder, "first"), classes=2)`
    """
    found = parts(encoder)
    inputs = inputs_like(encoder)
    embedded = found.tokens(inputs)
    frames = found.trunk(embedded)
    pooled = pooling(frames.shape[-1], pool, found.padded)([frames, embedded[1]] if found.padded else frames)
    return keras.Model(inputs, pooled, name=name or encoder.name)


def pooling(width: int, pool: str = "mean", padded: bool = True) -> keras.Model:
    """Return the layer `pool` of an encoder of sequences.

    Args:
        width: Width of the frames.
        pool: See `with_pool`. Default: "mean".
        padded: Whether it takes keep. Default: True.

    Returns:
        `keras.Model` from frames `(n, length, width)`, or from frames and keep `(n, length)`, to a vector for each
        sequence.

    Raises:
        UserError: If there is no such pool.
    """
    if pool not in _POOLS:
        raise UserError(f"a pool among {', '.join(_POOLS)}", repr(pool), "give one of these names")
    y = keras.Input((None, width), name="frames")
    keep = keras.Input((None,), dtype="bool", name="keep") if padded else ops.ones_like(y[:, :, 0], dtype="bool")
    return keras.Model([y, keep] if padded else y, _POOLS[pool](y, keep), name="pool")
