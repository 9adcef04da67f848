"""Decoders of text: from an encoder's frames and the tokens so far to a vector for each next token."""

import keras
from keras import layers, ops

from keras_ssl.blocks import attention_bias, learned_positions, places, sequence_positions, transformer_decoder
from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError
from keras_ssl.networks import id_table, parts
from keras_ssl.specs import check_kind

__all__ = ["text"]


def text(
    encoder: keras.Model,
    depth: int = 2,
    heads: int | None = None,
    hidden: int | None = None,
    max_length: int | None = None,
    dropout: float = 0.0,
    name: str = "decoder",
) -> keras.Model:
    """A transformer decoder, whose places see themselves, earlier places, and all frames of an encoder.

    It takes vectors of ids and returns vectors, as wide as the encoder's table of ids, so that this one table embeds
    the tokens of the encoder and of the decoder and scores the next ones. Padding among the frames is not seen. Padding
    among the tokens must stand behind them, where no token sees it.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl.

    Args:
        encoder: `keras.Model` from ids, with the layers `tokens`, `trunk` and `pool` of `encoders.transformer`. It is
            not part of the decoder.
        depth: Number of blocks. Default: 2.
        heads: Number of attention heads, a divisor of the width. Default: heads of at least 32 dimensions.
        hidden: Width of the hidden layer in a block. Default: four times the width.
        max_length: Number of learned positions, of which the first is that of the mark where a text begins; longer
            texts are an error. Default: None, positions are sines and cosines, for texts of any length.
        dropout: Share of the tokens and of each residual branch's output that is dropped in training, in 0..1. Default:
            0.
        name: Name of the model.

    Returns:
        `keras.Model` with three inputs: `vectors` `(n, t, width)`, those of ids in the encoder's table; `frames`
        `(n, length, d)` of the encoder; `keep` `(n, length)`, False = padding of the encoder's input. It returns
        `(n, t, width)`.

    Raises:
        UserError: If the encoder is not one of text, or an argument is out of its range.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 to 3.5.

    Departures:
        Layer normalization comes first in each block and once at the end. GELU stands for ReLU.
    """
    check_kind(encoder, "ids", "decoders.text")
    width, d = id_table(encoder).output_dim, parts(encoder).trunk.output.shape[-1]
    if heads is None:
        heads = next(h for h in range(max(1, width // 32), 0, -1) if width % h == 0)
    _check(width, depth, heads, hidden, max_length, dropout)
    vectors = keras.Input((None, width), name="vectors")
    frames = keras.Input((None, d), name="frames")
    keep = keras.Input((None,), dtype="bool", name="keep")
    given = ops.ones_like(vectors[..., 0], dtype="bool")
    x = vectors * width**0.5 + ops.cast(_positions(places(given), width, max_length), vectors.dtype)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    seen, allowed = attention_bias(given, causal=True), attention_bias(keep)
    for k in range(1, depth + 1):
        x = transformer_decoder(x, frames, heads, hidden or 4 * width, f"block_{k}", seen, allowed, dropout)
    return keras.Model([vectors, frames, keep], layers.LayerNormalization(epsilon=1e-6, name="norm")(x), name=name)


def _positions(place, width, max_length):
    if max_length is None:
        return sequence_positions(place, width)
    initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
    return learned_positions(layers.Embedding(max_length, width, initializer, name="positions"), place)


def _check(width, depth, heads, hidden, max_length, dropout):
    check_counts(depth=depth, heads=heads, hidden=1 if hidden is None else hidden)
    check_between("dropout", dropout, least=0, below=1)
    if max_length is not None:
        check_between("max_length", max_length, least=2, whole=True)
    if width % 2 or width % heads:
        raise UserError(
            f"an encoder whose vectors have a width that is a multiple of 2 and of the {heads} heads",
            f"a width of {width}",
            "give other `heads`, or an encoder of another `width`",
        )
