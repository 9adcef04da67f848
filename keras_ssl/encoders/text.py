"""Encoders of text, as ids of tokens."""

import keras
from keras import layers, ops

from keras_ssl.blocks import attention_bias, mean_of_kept, sequence_positions
from keras_ssl.blocks import transformer as transformer_block
from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError

__all__ = ["transformer"]


def transformer(
    vocabulary: int,
    width: int = 256,
    depth: int = 4,
    heads: int = 4,
    causal: bool = False,
    hidden: int | None = None,
    name: str = "transformer",
) -> keras.Model:
    """A transformer over ids, in three named layers: `tokens`, `trunk` and `pool`.

    `tokens` looks up the vectors of the ids and adds positions; it also gives keep, which is False where the id is 0.
    `trunk` is a nested model of the transformer blocks, whose attention does not see padding. `pool` averages the
    tokens that are kept. `networks.parts` finds the three.

    Padding changes nothing, wherever it is; a row of padding only becomes a vector of zeros.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl.

    Args:
        vocabulary: Number of ids, padding included: ids are in 0..vocabulary-1, and 0 is padding.
        width: Width of the tokens and of the representation, a multiple of 2 and of `heads`. Default: 256, with
            4 blocks and 4 heads, as in Turc et al. 2019, "Well-Read Students Learn Better", Table 1 (BERT-Mini).
        depth: Number of blocks. Default: 4.
        heads: Number of attention heads. Default: 4.
        causal: Whether a token sees only itself and earlier tokens, as predicting the next one needs. Default: False.
        hidden: Width of the hidden layer in a block. Default: `4 * width`.
        name: Name of the model.

    Returns:
        `keras.Model` from `ids` `(n, length)`, int32, any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 to 3.5.

    Departures:
        Layer normalization comes first in each block and once at the end, as in Radford et al. 2019, "Language Models
        are Unsupervised Multitask Learners", section 2.3. Positions count the kept tokens. There is no dropout. For
        GELU instead of ReLU see `blocks.transformer`.
    """
    _check(vocabulary, width, depth, heads, hidden)
    tokens, trunk, pool = (
        _tokens(vocabulary, width),
        _trunk(width, depth, heads, hidden or 4 * width, causal),
        _pool(width),
    )
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, keep = tokens(ids)
    return keras.Model(ids, pool([trunk([x, keep]), keep]), name=name)


def _tokens(vocabulary, width):
    """Section 3.4, "we multiply those weights by √d", so that they can score the ids, too; section 3.5."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    keep = ops.not_equal(ids, 0)
    initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
    vectors = layers.Embedding(vocabulary, width, initializer, name="embedding")(ids)
    return keras.Model(ids, [vectors * width**0.5 + sequence_positions(keep, width), keep], name="tokens")


def _trunk(width, depth, heads, hidden, causal):
    x = inputs = keras.Input((None, width), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    bias = attention_bias(keep, causal)
    for k in range(1, depth + 1):
        x = transformer_block(x, heads, hidden, f"block_{k}", bias)
    return keras.Model([inputs, keep], layers.LayerNormalization(epsilon=1e-6, name="norm")(x), name="trunk")


def _pool(width):
    y, keep = keras.Input((None, width), name="frames"), keras.Input((None,), dtype="bool", name="keep")
    return keras.Model([y, keep], mean_of_kept(y, keep), name="pool")


def _check(vocabulary, width, depth, heads, hidden):
    check_between("vocabulary", vocabulary, 2, whole=True)
    check_counts(width=width, depth=depth, heads=heads, hidden=1 if hidden is None else hidden)
    if width % 2 or width % heads:
        raise UserError(
            f"a width that is a multiple of 2, for the positions, and of the {heads} heads",
            f"width={width}",
            "give 64 for each head, or another `width`",
        )
