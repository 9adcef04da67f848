"""Encoders of text, as ids of tokens."""

import keras
from keras import layers, ops

from keras_ssl.blocks import (
    attention_bias,
    document_numbers,
    learned_positions,
    places,
    rotate,
    scaled_dot_product,
    sequence_positions,
)
from keras_ssl.blocks import transformer as transformer_block
from keras_ssl.checks import check_between, check_counts
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError

__all__ = ["transformer"]

_POSITIONS = ("sine", "learned", "rotary")


def transformer(
    vocabulary: int,
    width: int = 256,
    depth: int = 4,
    heads: int = 4,
    causal: bool = False,
    hidden: int | None = None,
    positions: str = "sine",
    max_length: int | None = None,
    documents: int | None = None,
    dropout: float = 0.0,
    name: str = "transformer",
) -> keras.Model:
    """A transformer over ids, in three named layers: `tokens`, `trunk` and `pool`.

    `tokens` looks up the vectors of the ids and adds positions; it also gives keep, which is False where the id is 0.
    `trunk` is a nested model of the transformer blocks, whose attention does not see padding. `pool` averages the
    tokens that are kept. `networks.parts` finds the three.

    Padding changes nothing, wherever it is; a row of padding only becomes a vector of zeros. With `documents`, a row
    may hold several texts one after the other: each token sees its own text only, whose positions begin at 0, so that
    the frames of a text are the same as if it stood alone.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl.

    Args:
        vocabulary: Number of ids, padding included: ids are in 0..vocabulary-1, and 0 is padding.
        width: Width of the tokens and of the representation, a multiple of 2 and of `heads`. Default: 256, with
            4 blocks and 4 heads, as in Turc et al. 2019, "Well-Read Students Learn Better", Table 1 (BERT-Mini).
        depth: Number of blocks. Default: 4.
        heads: Number of attention heads. Default: 4.
        causal: Whether a token sees only itself and earlier tokens, as predicting the next one needs. Default: False.
        hidden: Width of the hidden layer in a block. Default: `4 * width`.
        positions: How tokens know their place: "sine", which is added; "learned", vectors that are trained and added;
            or "rotary", by which queries and keys are turned in each block. Default: "sine".
        max_length: Number of learned positions: the most tokens in a text. Needed for "learned", and only there.
        documents: The id that ends a text where a row may hold several, such as the `end` of a tokenizer. Default:
            None, a row is one text.
        dropout: Rate of dropout of the tokens and of what each half of a block adds to them. Default: 0.
        name: Name of the model.

    Returns:
        `keras.Model` from `ids` `(n, length)`, int32, any length, to `(n, width)`, float32. With learned positions the
        length is at most `max_length`; a longer text is an error, and NaN where XLA or a GPU does not find it.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 to 3.5 and 5.4. Rotary positions: Su et al.
        2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", Eq. 16.

    Departures:
        Layer normalization comes first in each block and once at the end, as in Radford et al. 2019, "Language Models
        are Unsupervised Multitask Learners", section 2.3. Positions count the kept tokens. Learned positions are
        multiplied by √d as the vectors of the ids are, so that both learn at the same pace. For GELU instead of ReLU
        see `blocks.transformer`.
    """
    _check(vocabulary, width, depth, heads, hidden, dropout)
    _check_positions(positions, max_length, width // heads)
    if documents is not None:
        check_between("documents", documents, 1, vocabulary - 1, whole=True)
    tokens = _tokens(vocabulary, width, positions, max_length, documents, dropout)
    trunk = _trunk(width, depth, heads, hidden or 4 * width, causal, positions, documents is not None, dropout)
    ids = keras.Input((None,), dtype="int32", name="ids")
    given = tokens(ids)
    return keras.Model(ids, pooling(width)([trunk(given), given[1]]), name=name)


def _tokens(vocabulary, width, positions, max_length, documents, dropout):
    """Section 3.4, "we multiply those weights by √d", so that they can score the ids, too; section 3.5."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    keep = ops.not_equal(ids, 0)
    numbers = [] if documents is None else [document_numbers(ids, documents)]
    x = _vectors(vocabulary, width, "embedding")(ids) * width**0.5
    if positions == "sine":
        x = x + sequence_positions(places(keep, *numbers), width)
    elif positions == "learned":
        x = x + learned_positions(_vectors(max_length, width, "positions"), places(keep, *numbers))
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(ids, [x, keep, *numbers], name="tokens")


def _vectors(count, width, name):
    return layers.Embedding(count, width, keras.initializers.RandomNormal(stddev=width**-0.5), name=name)


def _trunk(width, depth, heads, hidden, causal, positions, packed, dropout):
    x = keras.Input((None, width), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    numbers = [keras.Input((None,), dtype="int32", name="documents")] if packed else []
    inputs, bias = [x, keep, *numbers], attention_bias(keep, causal, *numbers)
    attend = _turned(places(keep, *numbers)) if positions == "rotary" else scaled_dot_product
    for k in range(1, depth + 1):
        x = transformer_block(x, heads, hidden, f"block_{k}", bias, dropout, attend)
    return keras.Model(inputs, layers.LayerNormalization(epsilon=1e-6, name="norm")(x), name="trunk")


def _turned(place):
    """Attention with rotary positions."""

    def attend(q, k, v, bias):
        return scaled_dot_product(rotate(q, place), rotate(k, place), v, bias)

    return attend


def _check(vocabulary, width, depth, heads, hidden, dropout):
    check_between("vocabulary", vocabulary, 2, whole=True)
    check_counts(width=width, depth=depth, heads=heads, hidden=1 if hidden is None else hidden)
    check_between("dropout", dropout, 0, below=1)
    if width % 2 or width % heads:
        raise UserError(
            f"a width that is a multiple of 2, for the positions, and of the {heads} heads",
            f"width={width}",
            "give 64 for each head, or another `width`",
        )


def _check_positions(positions, max_length, d):
    if positions not in _POSITIONS:
        raise UserError(f"positions among {', '.join(_POSITIONS)}", repr(positions), "choose one of them")
    if positions == "learned":
        check_between("max_length", max_length, 1, whole=True)
    elif max_length is not None:
        received = f"max_length={max_length} with positions={positions!r}"
        raise UserError("`max_length` with learned positions only", received, "leave it out: any length is taken")
    if positions == "rotary" and d % 2:
        raise UserError("heads of even width for rotary positions", f"{d}", "give another `width` or `heads`")
