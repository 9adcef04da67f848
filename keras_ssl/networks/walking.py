"""The layers of a network, and which network of a model embeds."""

from typing import Any

import keras

__all__ = ["all_layers", "embedder", "inner_layers", "is_graph"]


def all_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return a layer or model and everything inside it, from the outside in.

    Args:
        layer: `keras.layers.Layer`, a model for one.
    """
    return list(layer._flatten_layers())


def inner_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return the layers directly inside a layer or model; none of a layer that holds no others.

    Args:
        layer: `keras.layers.Layer`, a model for one.
    """
    return list(layer._flatten_layers(include_self=False, recursive=False))


def is_graph(model: Any) -> bool:
    """Return whether `model` is a functional or built sequential `keras.Model`, which can be copied layer by layer.

    Args:
        model: Anything.
    """
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def embedder(model: Any) -> Any:
    """Return the network of an objective that embeds; anything else as it is.

    Args:
        model: Objective, encoder, or None for raw inputs.
    """
    return getattr(model, "embedder", model)
