"""Finding the layers of a network, and the network of an objective that embeds."""

import difflib
from collections.abc import Sequence
from typing import Any

import keras

__all__ = ["all_layers", "embedder", "inner_layers", "is_graph", "is_random", "nearest_paths"]


def all_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return a layer or model and everything inside it, outermost first.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.

    Returns:
        List of layers.
    """
    return list(layer._flatten_layers())


def inner_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return the layers directly inside a layer or model.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.

    Returns:
        List of layers, empty if there are none.
    """
    return list(layer._flatten_layers(include_self=False, recursive=False))


def is_graph(model: Any) -> bool:
    """Return whether `model` is a functional or built sequential `keras.Model`, which can be cloned layer by layer.

    Args:
        model: Any object.
    """
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def is_random(model: keras.layers.Layer) -> bool:
    """Return whether a layer or model draws at random in training, as dropout does.

    Args:
        model: `keras.layers.Layer` or `keras.Model`.
    """
    return any(getattr(layer, "seed_generator", None) is not None for layer in all_layers(model))


def embedder(model: Any) -> Any:
    """Return the network that an objective embeds with; any other model is returned unchanged.

    Args:
        model: Objective, encoder, or None for raw inputs.
    """
    return getattr(model, "embedder", model)


def nearest_paths(name: str, known: Sequence[str]) -> str:
    """Return the paths of layers that look most like a name, as a whole or in their last part, for an error.

    Args:
        name: Name or path as the user wrote it.
        known: Paths that there are, such as "conv_net/conv_1".

    Returns:
        Text such as "conv_net/conv_1, conv_net/conv_2, …"; the first twelve if none is alike.
    """
    last = {path.rpartition("/")[2]: path for path in reversed(known)}
    alike = difflib.get_close_matches(name, [*known, *last], n=5)
    close = list(dict.fromkeys(last.get(path, path) for path in alike)) or list(known[:12])
    return ", ".join(close) + (", …" if len(known) > len(close) else "")
