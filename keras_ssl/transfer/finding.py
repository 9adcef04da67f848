"""Finding the layers of a network by name, glob or depth."""

import fnmatch
import re
from collections.abc import Sequence
from typing import TypeAlias

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, inner_layers, is_graph, nearest_paths

__all__ = ["Layers", "blocks", "encoder_of", "is_leaf", "leaves", "nested_encoder", "paths", "resolve"]

Layers: TypeAlias = str | keras.layers.Layer | Sequence[str | keras.layers.Layer]
"""A layer, its name, a glob over paths, or several of these."""

_BLOCK = re.compile(r".*?block_?\d+[a-z]?(?=_|$)")
_NUMBER = re.compile(r"\d+(?![\dd])")  # that of "conv2d_1" is 1


def is_leaf(layer: keras.layers.Layer) -> bool:
    """Return whether a layer holds no others.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.
    """
    return not inner_layers(layer)


def leaves(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return all layers inside that hold no others, or the layer itself if it is one.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.
    """
    return [inner for inner in all_layers(layer) if is_leaf(inner)]


def paths(model: keras.layers.Layer, prefix: str = "") -> list[tuple[str, keras.layers.Layer]]:
    """Return pairs of path and layer of everything inside a model, outer layers first.

    Args:
        model: `keras.layers.Layer` or `keras.Model`.
        prefix: Begin of all paths. Default: none.
    """
    found = []
    for layer in inner_layers(model):
        path = f"{prefix}{layer.name}"
        found += [(path, layer), *paths(layer, f"{path}/")]
    return found


def resolve(model: keras.Model, layers: Layers) -> list[keras.layers.Layer]:
    """Return the layers of a model that fit `layers`.

    Args:
        model: `keras.Model`.
        layers: A layer; a name; a glob over paths ("*" also matches "/"); or a list of these. "encoder" also means the
            model's encoder when no layer has that name.

    Raises:
        UserError: If nothing in the model fits `layers`, or one of them. It names the nearest paths.
    """
    if isinstance(layers, (list, tuple)):
        if not layers:
            raise UserError("at least one layer", "an empty list", "name a layer, or leave out the call")
        return [found for part in layers for found in resolve(model, part)]
    everything = paths(model)
    if isinstance(layers, keras.layers.Layer):
        found = [layer for _, layer in everything if layer is layers]
    else:
        layers = str(layers)
        found = [layer for path, layer in everything if layers in (layer.name, path)]
        found = found or [layer for path, layer in everything if fnmatch.fnmatchcase(path, layers)]
        if not found and layers == "encoder" and nested_encoder(model) is not None:
            found = [nested_encoder(model)]
    if not found:
        raise UserError(
            f"a layer of '{model.name}', its name, or a glob over paths",
            repr(getattr(layers, "name", layers)),
            f"choose among: {nearest_paths(str(getattr(layers, 'name', layers)), [path for path, _ in everything])}",
        )
    return found


def nested_encoder(model: keras.Model) -> keras.Model | None:
    """Return the encoder in a model: its attribute `encoder`, as objectives have, or its one nested model, or None.

    Args:
        model: `keras.Model`.
    """
    own = getattr(model, "encoder", None)
    nested = [layer for layer in inner_layers(model) if isinstance(layer, keras.Model)]
    return own if isinstance(own, keras.Model) else nested[0] if len(nested) == 1 else None


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the encoder that is nested in a model with a head, or with several.

    Args:
        model: Model such as `transfer.classifier` builds.

    Raises:
        UserError: If there is none.
    """
    encoder = nested_encoder(model)
    if encoder is None:
        raise UserError(
            "a model with one nested encoder, such as `transfer.classifier(encoder, classes)`",
            f"'{model.name}' without",
            "build it with a function of `transfer`",
        )
    return encoder


def blocks(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    """Return the layers of an encoder that have weights, block by block, from the input to the representation.

    A block is what follows one another with the same number: "conv_2" and "norm_2", all of "stage_1_block_2",
    "conv3_block1" or "block4a", or one "transformer_layer_2" with all that it holds. Layers without a number, such as a
    last "norm", belong to the block before; at the beginning they are a block.

    Args:
        encoder: Built `keras.Model`, such as those of `encoders`, `keras.applications` or KerasHub.

    Returns:
        List of lists of layers. `transfer.freeze(model, transfer.blocks(encoder)[0])` freezes the first one.

    Raises:
        UserError: If the encoder has no weights.
    """
    found: list[list[keras.layers.Layer]] = []
    last = None
    for path, layer in _steps(encoder):
        name = _block(path) or last
        if not found or name != last:
            found.append([])
        found[-1].append(layer)
        last = name
    if not found:
        raise UserError("an encoder with weights", f"'{encoder.name}' without any", "there is nothing to train in it")
    return found


def _steps(model, prefix=""):
    """Path and layer of what a network and those nested in it run one after the other, where there are weights."""
    for layer in inner_layers(model):
        path = f"{prefix}{layer.name}"
        if is_graph(layer):
            yield from _steps(layer, f"{path}/")
        elif layer.weights:
            yield path, layer


def _block(path):
    """What layers of one block share in their paths, or None if there is no number in the name."""
    container, _, name = path.rpartition("/")
    block = _BLOCK.match(name) or _NUMBER.search(name)
    return block and f"{container}/{block.group()}"
