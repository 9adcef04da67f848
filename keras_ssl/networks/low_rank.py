"""Networks whose kernels have a product of two thin matrices beside them (LoRA): telling them, and merging it."""

from typing import Any

import keras
import numpy as np

from keras_ssl.networks.cloning import clone, copy_layer, set_weights
from keras_ssl.networks.walking import all_layers

__all__ = ["has_low_rank", "merge_lora", "without_lora"]


def has_low_rank(layer: keras.layers.Layer) -> bool:
    """Return whether a layer itself has a low-rank product beside its kernel.

    Args:
        layer: `keras.layers.Layer`.
    """
    return bool(getattr(layer, "lora_enabled", False))


def merge_lora(model: keras.Model) -> keras.Model:
    """Return a copy of a model with the same outputs, whose kernels hold the low-rank products: `W + (α / r) A B`.

    It has the layers and weights that the model had before `transfer.lora`, so that it costs no more and its file loads
    anywhere. Of a model without products it is a plain copy. Of `transfer.multi_task` it is the network alone, without
    what weighs the tasks.

    Args:
        model: Functional `keras.Model`. It is not changed.
    """
    if any(map(has_low_rank, all_layers(model))):
        merged = keras.models.clone_model(model, clone_function=_without, recursive=True)
    else:
        merged = clone(model)
    pairs = zip(*([layer for layer in all_layers(each)[1:] if _own(layer)] for each in (model, merged)), strict=True)
    for old, new in [(model, merged)] * bool(_own(merged)) + list(pairs):
        if has_low_rank(old):
            values: dict[str, Any] = {}
            old.save_own_variables(values)  # Keras merges here
            new.load_own_variables(values)
        else:
            set_weights(new, [np.array(variable) for variable in _own(old)], _own(new))
    return merged


def without_lora(model: keras.Model) -> keras.Model:
    """Return the model itself if it has no low-rank products, else its copy by `merge_lora`.

    Args:
        model: Functional `keras.Model`.
    """
    return merge_lora(model) if any(map(has_low_rank, all_layers(model))) else model


def _without(layer):
    if not has_low_rank(layer):
        return copy_layer(layer)
    config = {key: value for key, value in layer.get_config().items() if key not in ("lora_rank", "lora_alpha")}
    return type(layer).from_config(config)


def _own(layer):
    """The weights of a layer itself, without those of its inner layers, which may have products."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]
