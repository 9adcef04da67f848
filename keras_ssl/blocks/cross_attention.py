"""The block of a transformer decoder, made of Keras layers only, so that saved decoders load without keras_ssl."""

from keras import layers, ops

from keras_ssl.blocks.attention import attention, gelu, scaled_dot_product
from keras_ssl.typing import Tensor

__all__ = ["cross_attention", "transformer_decoder"]


def transformer_decoder(
    x: Tensor,
    context: Tensor,
    heads: int,
    hidden: int,
    name: str = "block",
    bias: Tensor | None = None,
    context_bias: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """A pre-norm block of a decoder: self-attention, attention to a context, then two dense layers.

    Each of the three has a residual connection.

    Args:
        x: Symbolic tensor `(n, length, width)`; the length may be None.
        context: Symbolic tensor `(n, context length, any width)`, such as an encoder's frames.
        heads: Number of attention heads, a divisor of the width.
        hidden: Output width of the first dense layer.
        name: Prefix of the layers' names.
        bias: Of self-attention; see `attention`.
        context_bias: Of attention to the context; see `attention`.
        dropout: Share of each residual branch's output that is dropped in training. Default: 0.

    Returns:
        Symbolic tensor `(n, length, width)`.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.1, "Decoder", and section 5.4 for dropout.

    Departures:
        Layer normalization comes first, as in `transformer`.
    """

    def add(k, x, y):
        y = layers.Dropout(dropout, name=f"{name}_{k}_dropout")(y) if dropout else y
        return layers.Add(name=f"{name}_{k}_add")([x, y])

    def norm(k, x):
        return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_{k}_norm")(x)

    x = add(1, x, attention(norm(1, x), heads, f"{name}_attention", bias))
    x = add(2, x, cross_attention(norm(2, x), context, heads, f"{name}_cross", context_bias))
    y = gelu(layers.Dense(hidden, name=f"{name}_hidden")(norm(3, x)))
    return add(3, x, layers.Dense(x.shape[-1], name=f"{name}_output")(y))


def cross_attention(x: Tensor, context: Tensor, heads: int, name: str = "cross", bias: Tensor | None = None) -> Tensor:
    """Multi-head attention whose keys and values are of a context, as functional layers.

    Args:
        x: Symbolic tensor `(n, length, width)`, of which the queries are made; the length may be None.
        context: Symbolic tensor `(n, context length, any width)`, of which keys and values are made.
        heads: Number of heads, a divisor of the width.
        name: Prefix of the layers' names.
        bias: See `scaled_dot_product`.

    Returns:
        Symbolic tensor `(n, length, width)`.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.2.3, "encoder-decoder attention".
    """
    width = x.shape[-1]
    d = width // heads
    q = layers.Reshape((-1, heads, d), name=f"{name}_q_split")(layers.Dense(width, name=f"{name}_q")(x))
    kv = layers.Reshape((-1, 2, heads, d), name=f"{name}_split")(layers.Dense(2 * width, name=f"{name}_kv")(context))
    k, v = ops.unstack(ops.transpose(kv, (2, 0, 3, 1, 4)), 2)  # each (n, heads, context length, d)
    x = ops.transpose(scaled_dot_product(ops.transpose(q, (0, 2, 1, 3)), k, v, bias), (0, 2, 1, 3))
    return layers.Dense(width, name=f"{name}_output")(layers.Reshape((-1, width), name=f"{name}_merge")(x))
