"""Whether a model's first layers rescale bytes, so that nothing else must divide them."""

import keras
import numpy as np

from keras_ssl.networks.walking import is_graph
from keras_ssl.typing import Tensor

__all__ = ["rescales_bytes"]

_HARMLESS = (
    "Identity",
    "Dropout",
    "GaussianNoise",
    "Resizing",
    "CenterCrop",
    "Cropping2D",
    "Cropping3D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "RandomCrop",
)
"""Layers that leave the range of values as it is."""


def rescales_bytes(model: keras.Model, x: Tensor) -> bool:
    """Return whether the first layer that changes the values of an input was made for values in 0..255.

    Recognized are `Rescaling` by at most 1/100, such as `Rescaling(1 / 255)` and what EfficientNet and MobileNetV3
    include, and a `Normalization` that was adapted to values which cannot come from 0..1.

    Args:
        model: Functional or built sequential `keras.Model`.
        x: One of its symbolic inputs.
    """
    model = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
    for node in (node for nodes in model._nodes_by_depth.values() for node in nodes):
        places = [k for k, tensor in enumerate(node.arguments.keras_tensors) if tensor is x]
        if not places:
            continue
        layer = node.operation
        if is_graph(layer):
            found = rescales_bytes(layer, layer.inputs[places[0]])
        elif type(layer).__name__ in _HARMLESS:
            found = any(rescales_bytes(model, output) for output in node.output_tensors)
        else:
            found = _made_for_bytes(layer)
        if found:
            return True
    return False


def _made_for_bytes(layer):
    if isinstance(layer, keras.layers.Rescaling):
        return bool(np.max(np.abs(layer.scale)) <= 1 / 100)
    if isinstance(layer, keras.layers.Normalization) and not layer.invert:
        if layer.mean is None:  # not adapted
            return False
        return bool(np.max(np.asarray(layer.mean)) > 1 or np.max(np.asarray(layer.variance)) > 1)
    return False
