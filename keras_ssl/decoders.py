"""What turns vectors into images, mirrors of encoders and generators; and tokens into patches."""

import math

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization, transformer
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["check_mirrors", "generator", "mirror", "patches"]


def mirror(encoder, activation=None, features=None, name="decoder"):
    """A decoder whose layers run through the encoder's shapes in reverse.

    For a network of dense layers it has the same widths. For one with feature maps it starts from a map of the
    encoder's smallest resolution and goes through each of its resolutions, with the channels that the encoder has
    there, by transposed convolutions.

    Args:
        encoder: Functional `keras.Model` with one input `(n, …)` and output `(n, d)`.
        activation: Of the output. Default None, linear, as squared error wants it: before squared error a sigmoid
            saturates on mostly black images and stops learning (five times the error on MNIST after three epochs of
            4,000 images). "sigmoid" for cross-entropy.
        features: Width of the decoder's input, where that is not the representation. Default None: d.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)`, or `(n, features)`, to the encoder's input shape, in float32 whatever the policy.

    Raises:
        UserError: If a dimension of the encoder's input is not known, or its layers cannot be mirrored.
    """
    shape = tuple(encoder.input_shape[1:])
    if None in shape:
        raise UserError(
            "an encoder whose input has a known shape",
            f"{encoder.input_shape}",
            "build it with a fixed size, or give `decoder`",
        )
    inputs = keras.Input((features or encoder.output_shape[-1],), name="representation")
    maps = _feature_maps(encoder)
    widths = _widths(encoder)
    if not maps and not widths:
        raise UserError(
            "an encoder with feature maps or dense layers, which can be mirrored",
            f"'{encoder.name}' without",
            "give `decoder`; the mirror of a vision transformer is not made",
        )
    x = _from_maps(inputs, shape, maps) if maps else _from_widths(inputs, shape, widths if features else widths[:-1])
    outputs = layers.Activation(activation or "linear", dtype="float32", name="image")(x)
    return keras.Model(inputs, outputs, name=name)


def generator(shape, features=64, maps=None, name="generator"):
    """Transposed convolutions with batch normalisation and ReLU, from vectors to images; each doubles the resolution.

    Args:
        shape: `(height, width, channels)` of the images.
        features: Width of the vectors. Default 64.
        maps: Channels of each resolution but the last, from the coarsest, one at least. Default: as many as lead to at
            most 8 pixels of the shorter side, and two at least; 64 in the finest, twice as many in each coarser one, at
            most 256. Of 28x28 images `(128, 64)`, from 7x7 on.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, features)` to `(n, height, width, channels)` in 0..1, in float32 whatever the policy.

    Raises:
        UserError: If `shape` is not that of an image of known size, or a width or number of channels is none.

    Reference:
        Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
        Networks", section 3 and Figure 1.

    Departures:
        The output is a sigmoid, for images in 0..1; kernels are 4x4, and weights start by Glorot's rule; there are as
        many convolutions as the size asks for, with fewer channels.
    """
    shape = tuple(shape)
    if len(shape) != 3 or None in shape or min(shape) < 1:
        raise UserError(
            "images (height, width, channels) of known size",
            f"{shape}",
            "give that size; objectives take a `generator`, such as `decoders.mirror(encoder, 'sigmoid', latent)`",
        )
    check_between("features", features, least=1, whole=True)
    if maps is None:
        count = max(2, math.ceil(math.log2(min(shape[:2]) / 8)))
        maps = tuple(min(256, 64 * 2**k) for k in reversed(range(count)))
    if not isinstance(maps, tuple | list) or not maps:
        raise UserError("channels of one map at least", f"maps={maps}", "leave `maps` out, or give such as (64, 32)")
    for channels in maps:
        check_between("maps", channels, least=1, whole=True)
    sizes = [tuple(math.ceil(side / 2**k) for side in shape[:2]) for k in range(len(maps), -1, -1)]
    inputs = keras.Input((features,), name="latent")
    x = layers.Dense(math.prod(sizes[0]) * maps[0], use_bias=False, name="dense")(inputs)
    x = layers.Reshape((*sizes[0], maps[0]), name="reshape")(x)
    for k, (size, channels) in enumerate(zip(sizes[1:], (*maps[1:], shape[-1])), 1):
        x = BatchNormalization(name=f"norm_{k}")(x)
        x = layers.ReLU(name=f"relu_{k}")(x)
        x = layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=k == len(maps), name=f"up_{k}")(x)
        x = _cropped(x, size, k)
    return keras.Model(inputs, layers.Activation("sigmoid", dtype="float32", name="image")(x), name=name)


def check_mirrors(decoder, encoder, features):
    """Raise unless a decoder goes from vectors of some width to what an encoder takes.

    Args:
        decoder: `keras.Model`: a decoder or a generator.
        encoder: `keras.Model`.
        features: The width.

    Raises:
        UserError: If its input or output has another shape.
    """
    wanted = (None, features), tuple(encoder.input_shape)
    found = tuple(decoder.input_shape), tuple(decoder.output_shape)
    fits = found[0] == wanted[0] and len(found[1]) == len(wanted[1])
    if not fits or any(a != b for a, b in zip(found[1][1:], wanted[1][1:]) if b is not None):
        raise UserError(
            f"'{decoder.name}' from {wanted[0]} to {wanted[1]}, the shape of the encoder's input",
            f"one from {found[0]} to {found[1]}",
            f"give one that fits, such as `decoders.mirror(encoder, features={features})`, or of images "
            f"`decoders.generator(shape, features={features})`",
        )


def patches(encoder, width=None, depth=2, heads=None, name="decoder"):
    """A small transformer from all tokens, with their positions, to the pixels of their patches.

    Args:
        encoder: `keras.Model` from images to `(n, d)` with a layer `tokens`, such as `encoders.vit`.
        width: Of the decoder's tokens. Default d / 2.
        depth: Number of blocks. Default 2; the paper's best has 8, but one is as good after fine-tuning.
        heads: Number of attention heads, a divisor of `width`. Default: of 32 dimensions each, or more.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, length, d)` to `(n, length, pixels of a patch)`, in float32 whatever the policy.

    Raises:
        UserError: If the encoder has no layer `tokens`, or the heads do not divide the width.

    Reference:
        He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners", section 4.1 and Table 1.
    """
    if "tokens" not in {layer.name for layer in encoder.layers}:
        raise UserError("an encoder with a layer `tokens`", f"'{encoder.name}' without", "use `encoders.vit`")
    length, d = encoder.get_layer("tokens").output_shape[1:]
    width = width or d // 2
    heads = heads or next(h for h in range(max(1, width // 32), 0, -1) if width % h == 0)
    if width % heads:
        raise UserError(f"a width that is a multiple of {heads} heads", f"width={width}", "give others")
    inputs = keras.Input((length, d), name="tokens")
    x = layers.Dense(width, name="narrow")(inputs)
    for k in range(1, depth + 1):
        x = transformer(x, heads, 4 * width, name=f"block_{k}")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    pixels = math.prod(encoder.input_shape[1:]) // length
    return keras.Model(inputs, layers.Dense(pixels, dtype="float32", name="pixels")(x), name=name)


def _feature_maps(encoder):
    """Channels at each resolution that the encoder passes through, from the finest to the coarsest."""
    maps: dict = {}
    for layer in _layers(encoder):
        shape = tuple(getattr(getattr(layer, "output", None), "shape", ()))
        if len(shape) == 4 and not isinstance(layer, layers.InputLayer):
            maps[tuple(shape[1:3])] = shape[-1]
    return maps


def _widths(encoder):
    dense = [layer for layer in _layers(encoder) if isinstance(getattr(layer, "layer", layer), layers.Dense)]
    return [layer.output.shape[-1] for layer in dense if len(layer.output.shape) == 2]


def _layers(model):
    """All layers of a model, with those of nested ones in their place; wrapped ones with their wrappers."""
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


def _from_widths(x, shape, widths):
    for k, width in enumerate(reversed(widths), 1):
        x = layers.Dense(width, activation="leaky_relu", kernel_initializer="he_normal", name=f"dense_{k}")(x)
    x = layers.Dense(math.prod(shape), name="pixels")(x)
    return layers.Reshape(shape, name="reshape")(x)


def _from_maps(x, shape, maps):
    sizes = sorted(maps, key=math.prod)
    height, width = sizes[0]
    channels = min(maps[sizes[0]], 256)  # wide encoders would need a dense layer of millions of weights here
    x = layers.Dense(height * width * channels, activation="leaky_relu", kernel_initializer="he_normal", name="dense")(
        x
    )
    x = layers.Reshape((height, width, channels), name="reshape")(x)
    sizes = sizes[1:] if sizes[-1] == shape[:2] else [*sizes[1:], shape[:2]]
    for k, size in enumerate(sizes, 1):
        x = _enlarge(x, size, maps.get(size, 16), k)
    return layers.Conv2D(shape[-1], 3, padding="same", name="pixels")(x)


def _enlarge(x, size, features, k):
    strides = tuple(math.ceil(new / old) for new, old in zip(size, x.shape[1:3]))
    x = layers.Conv2DTranspose(
        features,
        2 * max(strides),
        strides,
        "same",
        activation="leaky_relu",
        kernel_initializer="he_normal",
        name=f"up_{k}",
    )(x)
    return _cropped(x, size, k)


def _cropped(x, size, k):
    extra = [old - new for new, old in zip(size, x.shape[1:3])]
    return layers.Cropping2D([(e // 2, e - e // 2) for e in extra], name=f"crop_{k}")(x) if any(extra) else x
