"""The transformer block, made of Keras layers only, so that saved encoders load without keras_ssl."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from keras_ssl.typing import Tensor

__all__ = ["NEVER", "attention", "attention_bias", "gelu", "scaled_dot_product", "transformer"]

NEVER = -3e4
"""A score that the softmax gives exactly 0, and that float16 can hold."""


def scaled_dot_product(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `softmax(q kᵀ / √d + bias) v`.

    Args:
        q: Symbolic tensor of queries `(n, heads, length of q, d)`.
        k: Keys `(n, heads, length of k, d)`.
        v: Values `(n, heads, length of k, d)`.
        bias: Symbolic tensor, broadcast to the scores `(n, heads, length of q, length of k)`, such as `attention_bias`.
            Default: None, no bias.

    Returns:
        Symbolic tensor `(n, heads, length of q, d)`.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", Eq. 1.
    """
    scores = ops.matmul(q * q.shape[-1] ** -0.5, ops.transpose(k, (0, 1, 3, 2)))
    if bias is not None:
        scores = scores + ops.cast(bias, scores.dtype)
    return ops.matmul(ops.softmax(scores), v)


def transformer(
    x: Tensor,
    heads: int,
    hidden: int,
    name: str = "block",
    bias: Tensor | None = None,
    dropout: float = 0.0,
    attend: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = scaled_dot_product,
    shared: keras.Model | None = None,
) -> Tensor:
    """A pre-norm transformer block: self-attention, then two dense layers, each with a residual connection.

    Args:
        x: Symbolic tensor `(n, length, width)`; the length may be None.
        heads: Number of attention heads, a divisor of the width.
        hidden: Output width of the first dense layer.
        name: Prefix of the layers' names.
        bias: See `attention`.
        dropout: Rate of dropout before each of the two additions, in training. Default: 0.
        attend: See `attention`.
        shared: See `attention`.

    Returns:
        Symbolic tensor `(n, length, width)`.

    Reference:
        Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", Eqs. 2 and 3. Dropout: Vaswani et al. 2017,
        "Attention Is All You Need", section 5.4.
    """
    make = _maker(shared)
    y = make(layers.LayerNormalization, f"{name}_1_norm", epsilon=1e-6)(x)
    y = attention(y, heads, f"{name}_attention", bias, attend, shared)
    if dropout:
        y = make(layers.Dropout, f"{name}_1_dropout", rate=dropout)(y)
    x = make(layers.Add, f"{name}_1_add")([x, y])
    y = make(layers.LayerNormalization, f"{name}_2_norm", epsilon=1e-6)(x)
    y = gelu(make(layers.Dense, f"{name}_hidden", units=hidden)(y))
    y = make(layers.Dense, f"{name}_output", units=x.shape[-1])(y)
    if dropout:
        y = make(layers.Dropout, f"{name}_2_dropout", rate=dropout)(y)
    return make(layers.Add, f"{name}_2_add")([x, y])


def attention(
    x: Tensor,
    heads: int,
    name: str = "attention",
    bias: Tensor | None = None,
    attend: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = scaled_dot_product,
    shared: keras.Model | None = None,
) -> Tensor:
    """Multi-head self-attention, as functional layers.

    One dense layer computes queries, keys and values, which is faster: a training step took 11.6 ms, and 40 ms with
    `keras.layers.MultiHeadAttention` (128 samples of 16 tokens of width 128, 4 heads, two cores).

    Args:
        x: Symbolic tensor `(n, length, width)`; the length may be None.
        heads: Number of heads, a divisor of the width.
        name: Prefix of the layers' names.
        bias: See `scaled_dot_product`.
        attend: Function of queries, keys, values `(n, heads, length, d)` and the bias, for instance one that turns
            queries and keys by their positions first. Default: `scaled_dot_product`.
        shared: Model with layers of these names, such as the trunk of an encoder, which are used in place of new ones.
            Default: None.

    Returns:
        Symbolic tensor `(n, length, width)`.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2.
    """
    make, width = _maker(shared), x.shape[-1]
    x = make(layers.Dense, f"{name}_qkv", units=3 * width)(x)
    x = make(layers.Reshape, f"{name}_split", target_shape=(-1, 3, heads, width // heads))(x)
    q, k, v = ops.unstack(ops.transpose(x, (2, 0, 3, 1, 4)), 3)  # each (n, heads, length, d)
    x = ops.transpose(attend(q, k, v, bias), (0, 2, 1, 3))
    x = make(layers.Reshape, f"{name}_merge", target_shape=(-1, width))(x)
    return make(layers.Dense, f"{name}_output", units=width)(x)


def _maker(shared):
    """A function of a class of layers, a name and arguments: it makes a layer, or takes it from a model."""

    def make(kind: Any, name: str, **arguments: Any) -> Any:
        return kind(name=name, **arguments) if shared is None else shared.get_layer(name)

    return make


def attention_bias(keep: Tensor, causal: bool = False, documents: Tensor | None = None) -> Tensor:
    """Return the bias that hides padding from attention and, if causal, all later tokens from each token.

    Args:
        keep: Symbolic boolean tensor `(n, length)`, False = padding; the length may be None.
        causal: Whether a token sees only itself and earlier ones. Default: False.
        documents: Integer tensor `(n, length)`, the number of the document that a token is from: it sees no other
            document. Default: None, all tokens of a row are from one.

    Returns:
        Symbolic tensor `(n, 1, 1, length)`, or `(n, 1, length, length)` if causal or with documents: 0 where a token
        may look, else -3e4. A token that may look nowhere, in a row of padding only, sees all tokens alike.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.2.3.

    Departures:
        A large negative number instead of -∞, which would make a row of padding NaN.
    """
    seen = keep[:, None, None, :]
    if causal:
        place = ops.cumsum(ops.ones_like(keep, dtype="int32"), axis=1)
        seen = ops.logical_and(seen, (place[:, :, None] >= place[:, None, :])[:, None])
    if documents is not None:
        seen = ops.logical_and(seen, ops.equal(documents[:, :, None], documents[:, None, :])[:, None])
    return ops.where(seen, 0.0, NEVER)


def gelu(x: Tensor) -> Tensor:
    """Return `x Φ(x)`, computed with `erf`. Keras uses `erfc`, which ONNX lacks.

    Args:
        x: Tensor of any shape, symbolic or not.

    Returns:
        A tensor like `x`.

    Reference:
        Hendrycks & Gimpel 2016, "Gaussian Error Linear Units (GELUs)", section 2.
    """
    return 0.5 * x * (1.0 + ops.erf(x * 2**-0.5))
