"""Decoders from tokens to the pixels of their patches."""

import math

import keras
from keras import layers

from keras_ssl.blocks import transformer
from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.networks import parts

__all__ = ["patches"]


def patches(
    encoder: keras.Model, width: int | None = None, depth: int = 2, heads: int | None = None, name: str = "decoder"
) -> keras.Model:
    """A small transformer from all tokens, positions included, to the pixels of their patches.

    Args:
        encoder: `keras.Model` from images to `(n, d)` with the layers `tokens`, `trunk` and `pool`, as `encoders.vit`
            has them.
        width: Width of the decoder's tokens. Default: d / 2.
        depth: Number of blocks. Default: 2. The paper's best decoder has 8, but one is as good after fine-tuning.
        heads: Number of attention heads, a divisor of `width`. Default: heads of at least 32 dimensions.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, length, d)` to `(n, length, pixels of a patch)`, always float32.

    Raises:
        UserError: If the encoder does not have the three layers, its tokens may be padding, or the heads do not divide
            the width.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 4.1 and Table 1.
    """
    if parts(encoder).padded:
        raise UserError("an encoder of images", f"'{encoder.name}', whose tokens may be padding", "use `encoders.vit`")
    length, d = parts(encoder).tokens.output_shape[1:]
    width = d // 2 if width is None else width
    check_counts(width=width, depth=depth, heads=1 if heads is None else heads)
    if heads is None:
        heads = next(h for h in range(max(1, width // 32), 0, -1) if width % h == 0)
    if width % heads:
        raise UserError(f"a width that is a multiple of {heads} heads", f"width={width}", "give others")
    inputs = keras.Input((length, d), name="tokens")
    x = layers.Dense(width, name="narrow")(inputs)
    for k in range(1, depth + 1):
        x = transformer(x, heads, 4 * width, name=f"block_{k}")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    pixels = math.prod(encoder.input_shape[1:]) // length
    return keras.Model(inputs, layers.Dense(pixels, dtype="float32", name="pixels")(x), name=name)
