"""The vision transformer, split into the three parts that masked objectives need."""

import keras
from keras import layers

from keras_ssl.blocks import Positions, patchify, transformer
from keras_ssl.checks import check_counts
from keras_ssl.encoders.shapes import checked_shape
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape

__all__ = ["vit"]


def vit(
    input_shape: Shape,
    patch: int = 4,
    width: int = 192,
    depth: int = 6,
    heads: int = 3,
    hidden: int | None = None,
    name: str = "vit",
) -> keras.Model:
    """A vision transformer of three named layers: `tokens`, `trunk` and `pool`.

    `tokens` embeds the patches and adds positions: `(n, length, width)`. `trunk` is a nested model of the transformer
    blocks; it accepts any number of tokens, in any order, and ends in layer normalization. `pool` averages the tokens.

    Args:
        input_shape: `(height, width, channels)`; both sides are multiples of `patch`.
        patch: Side of a patch in pixels. Default: 4, for images of some 32 pixels; the paper uses 16 for 224 pixels.
        width: Width of the tokens and the representation, a multiple of 4 and of `heads`. Default: 192, with 3 heads,
            as in Touvron et al. 2021, "Training data-efficient image transformers", Table 1 (DeiT-Ti).
        depth: Number of blocks. Default: 6, half of DeiT-Ti's.
        heads: Number of attention heads. Default: 3.
        hidden: Width of the hidden layer in a block. Default: `4 * width`.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, width)`.

    Raises:
        UserError: If the sides are not multiples of the patch, or the width is not a multiple of 4 and of the heads.

    Reference:
        Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", Eqs. 1 to 4.

    Departures:
        There is no class token: the representation is the mean over tokens. Positions are fixed sines and cosines of
        row and column instead of learned. There is no dropout.
    """
    input_shape = checked_shape(input_shape)
    _check(input_shape, patch, width, depth, heads, hidden)
    rows, columns = _grid(input_shape, patch)
    inputs = keras.Input(input_shape, name="image")
    x = layers.Dense(width, name="patches")(patchify(inputs, patch))
    tokens = keras.Model(inputs, Positions(rows, columns, name="positions")(x), name="tokens")
    trunk = _trunk(width, depth, heads, hidden or 4 * width)
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, layers.GlobalAveragePooling1D(name="pool")(trunk(tokens(inputs))), name=name)


def _trunk(width, depth, heads, hidden):
    inputs = keras.Input((None, width), name="tokens")
    x = inputs
    for k in range(1, depth + 1):
        x = transformer(x, heads, hidden, name=f"block_{k}")
    return keras.Model(inputs, layers.LayerNormalization(epsilon=1e-6, name="norm")(x), name="trunk")


def _grid(input_shape, patch):
    return [side // patch for side in input_shape[:2]]


def _check(input_shape, patch, width, depth, heads, hidden):
    check_counts(patch=patch, width=width, depth=depth, heads=heads, hidden=1 if hidden is None else hidden)
    if any(side % patch for side in input_shape[:2]):
        raise UserError(
            f"images (height, width, channels) whose sides are multiples of the patch, {patch}",
            f"input_shape={input_shape}",
            "choose a `patch` that divides both sides, or load the images with another `size`",
        )
    if width % 4 or width % heads:
        raise UserError(
            f"a width that is a multiple of 4, for the positions, and of the {heads} heads",
            f"width={width}",
            "give 64 for each head, or another `width`",
        )
