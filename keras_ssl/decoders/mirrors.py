"""Decoders that mirror an encoder."""

import math

import keras
from keras import layers

from keras_ssl.checks import check_counts
from keras_ssl.decoders.cropping import cropped
from keras_ssl.errors import UserError
from keras_ssl.networks import copy_layer
from keras_ssl.specs import Spec, describe, specs_of

__all__ = ["check_mirrors", "mirror"]


def mirror(
    encoder: keras.Model, activation: str | None = None, latent_dim: int | None = None, name: str = "decoder"
) -> keras.Model:
    """A decoder with the encoder's layer shapes in reverse order.

    For an encoder of dense layers it has the same widths. For a convolutional encoder it starts at the smallest
    resolution of its feature maps; transposed convolutions then produce each larger resolution, with as many channels
    as the encoder has there.

    Args:
        encoder: Functional `keras.Model` with one input `(n, …)` and output `(n, d)`.
        activation: Keras name of the output's activation. Default: None, linear, which suits the squared error. With
            the squared error a sigmoid saturates on mostly black images and stops learning (five times the error on
            MNIST after three epochs of 4,000 images). Use "sigmoid" for cross-entropy.
        latent_dim: Width of the decoder's input, if it is not the representation. Default: None, d.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)`, or `(n, latent_dim)`, to the encoder's input shape, always float32.

    Raises:
        UserError: If a dimension of the encoder's input is unknown, or its layers cannot be mirrored.
    """
    if latent_dim is not None:
        check_counts(latent_dim=latent_dim)
    spec = specs_of(encoder)
    if not isinstance(spec, Spec) or None in spec.shape[1:] or not spec.is_float or len(spec.shape) > 4:
        raise UserError(
            "an encoder with one input, of floats of a known shape, with up to three axes in a sample",
            describe(spec),
            "build it with a fixed size, or give `decoder`",
        )
    shape = spec.shape[1:]
    inputs = keras.Input((latent_dim or encoder.output_shape[-1],), name="representation")
    maps = _feature_maps(encoder, len(spec.shape))
    widths = _widths(encoder)
    if not maps and not widths:
        raise UserError(
            "an encoder with feature maps or dense layers, which can be mirrored",
            f"'{encoder.name}' without",
            "give `decoder`; vision transformers cannot be mirrored",
        )
    x = _from_maps(inputs, shape, maps) if maps else _from_widths(inputs, shape, widths if latent_dim else widths[:-1])
    outputs = layers.Activation(activation or "linear", dtype="float32", name=spec.kind)(x)
    return keras.Model(inputs, outputs, name=name)


def check_mirrors(decoder: keras.Model, encoder: keras.Model, latent_dim: int) -> None:
    """Raise unless a decoder maps vectors of width `latent_dim` to the encoder's input shape.

    Args:
        decoder: `keras.Model`, a decoder or a generator.
        encoder: `keras.Model`.
        latent_dim: Expected width of the decoder's input.

    Raises:
        UserError: If the decoder's input or output has another shape.
    """
    spec = specs_of(encoder)
    if not isinstance(spec, Spec):
        raise UserError("an encoder with one input, which is decoded", describe(spec), "give another encoder")
    wanted = (None, latent_dim), spec.shape
    found = tuple(decoder.input_shape), tuple(decoder.output_shape)
    fits = found[0] == wanted[0] and len(found[1]) == len(wanted[1])
    if not fits or any(a != b for a, b in zip(found[1][1:], wanted[1][1:]) if b is not None):
        raise UserError(
            f"'{decoder.name}' from {wanted[0]} to {wanted[1]}, the shape of the encoder's input",
            f"one from {found[0]} to {found[1]}",
            f"give one that fits, such as `decoders.mirror(encoder, latent_dim={latent_dim})`, or of images "
            f"`decoders.generator(shape, latent_dim={latent_dim})`",
        )


def _feature_maps(encoder, axes):
    """Return the channels at each resolution of the encoder's feature maps, finest first."""
    maps: dict = {}
    for layer in _layers(encoder):
        shape = tuple(getattr(getattr(layer, "output", None), "shape", ()))
        if len(shape) == axes > 2 and not isinstance(layer, layers.InputLayer):
            maps[tuple(shape[1:-1])] = shape[-1]
    return maps


def _widths(encoder):
    dense = [layer for layer in _layers(encoder) if isinstance(getattr(layer, "layer", layer), layers.Dense)]
    return [layer.output.shape[-1] for layer in dense if len(layer.output.shape) == 2]


def _layers(model):
    """Yield all layers of a model in order, including those of nested models. A wrapped layer counts as its wrapper."""
    for layer in model.layers:
        yield from _layers(_of_known_size(layer, model)) if isinstance(layer, keras.Model) else [layer]


def _of_known_size(nested, model):
    """A nested model that takes any size as a clone, without its weights, that takes the size that `model` gives it."""
    if len(nested.inputs) != 1 or None not in nested.inputs[0].shape[1:]:
        return nested
    graph = keras.Model(model.inputs, model.outputs)
    calls = [node for nodes in graph._nodes_by_depth.values() for node in nodes if node.operation is nested]
    x = keras.Input(calls[0].arguments.keras_tensors[0].shape[1:])
    return keras.models.clone_model(nested, input_tensors=x, clone_function=copy_layer)


def _from_widths(x, shape, widths):
    for k, width in enumerate(reversed(widths), 1):
        x = layers.Dense(width, activation="leaky_relu", kernel_initializer="he_normal", name=f"dense_{k}")(x)
    x = layers.Dense(math.prod(shape), name="pixels")(x)
    return layers.Reshape(shape, name="reshape")(x)


def _from_maps(x, shape, maps):
    sizes = sorted(maps, key=math.prod)
    first = (*sizes[0], min(maps[sizes[0]], 256))  # wider ones would need millions of weights in the dense layer
    x = layers.Dense(math.prod(first), activation="leaky_relu", kernel_initializer="he_normal", name="dense")(x)
    x = layers.Reshape(first, name="reshape")(x)
    sizes = sizes[1:] if sizes[-1] == shape[:-1] else [*sizes[1:], shape[:-1]]
    for k, size in enumerate(sizes, 1):
        x = _enlarge(x, size, maps.get(size, 16), k)
    convolution = layers.Conv1D if len(shape) == 2 else layers.Conv2D
    return convolution(shape[-1], 3, padding="same", name="pixels")(x)


def _enlarge(x, size, filters, k):
    strides = tuple(math.ceil(new / old) for new, old in zip(size, x.shape[1:-1]))
    transposed = layers.Conv1DTranspose if len(size) == 1 else layers.Conv2DTranspose
    x = transposed(
        filters,
        2 * max(strides),
        strides,
        "same",
        activation="leaky_relu",
        kernel_initializer="he_normal",
        name=f"up_{k}",
    )(x)
    return cropped(x, size, k)
