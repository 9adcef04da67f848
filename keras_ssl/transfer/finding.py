"""Finding the layers of a network by name, glob or depth."""

import difflib
import fnmatch
import re
from collections.abc import Sequence
from typing import TypeAlias

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, inner_layers

__all__ = ["Layers", "blocks", "encoder_of", "is_leaf", "leaves", "nested_encoder", "paths", "resolve"]

Layers: TypeAlias = str | keras.layers.Layer | Sequence[str | keras.layers.Layer]
"""A layer, its name, a glob over paths, or several of these."""

_BLOCK = re.compile(r".*?block_?\d+[a-z]?(?=_|$)")
_NUMBER = re.compile(r"\d+")


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
        UserError: If nothing in the model fits `layers`. It names the nearest paths.
    """
    if isinstance(layers, (list, tuple)):
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
            f"choose among: {_nearest(str(getattr(layers, 'name', layers)), [path for path, _ in everything])}",
        )
    return found


def _nearest(name: str, known: Sequence[str]) -> str:
    """The paths that look most like a name, as a whole or in their last part, or the first ones."""
    last = {path.rpartition("/")[2]: path for path in reversed(known)}
    alike = difflib.get_close_matches(name, [*known, *last], n=5)
    close = list(dict.fromkeys(last.get(path, path) for path in alike)) or list(known[:12])
    return ", ".join(close) + (", …" if len(known) > len(close) else "")


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

    A block is what has the same number: "conv_2" and "norm_2", all of "stage_1_block_2", "conv3_block1" or "block4a".
    Layers without a number, such as a last "norm", belong to the block before; at the beginning they are a block.

    Args:
        encoder: Built `keras.Model`, such as those of `encoders`, `keras.applications` or KerasHub.

    Returns:
        List of lists of layers. `transfer.freeze(model, transfer.blocks(encoder)[0])` freezes the first one.

    Raises:
        UserError: If the encoder has no weights.
    """
    found: dict[str, list[keras.layers.Layer]] = {}
    last = ""
    for path, layer in paths(encoder):
        if is_leaf(layer) and layer.weights:
            last = _block(path) or last
            found.setdefault(last, []).append(layer)
    if not found:
        raise UserError("an encoder with weights", f"'{encoder.name}' without any", "there is nothing to train in it")
    return list(found.values())


def _block(path):
    """What layers of one block share in their paths, or None if there is no number in the name."""
    container, _, name = path.rpartition("/")
    block = _BLOCK.match(name) or _NUMBER.search(name)
    return block and f"{container}/{block.group()}"
