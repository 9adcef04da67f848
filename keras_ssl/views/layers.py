"""Keras and KerasCV augmentation layers as a policy."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.networks import inner_layers
from keras_ssl.typing import Tensor

__all__ = ["LayerPolicy", "from_layers"]


class LayerPolicy:
    """A policy made of Keras layers; made by `from_layers`.

    Args:
        layers: Keras or KerasCV layers, applied in order.
        name: Name of the policy in messages and figures. Default: `"layers"`.

    Attributes:
        pure: False: layers have state, so the policy must not be compiled (XLA, `jax.jit`).

    Raises:
        UserError: If an element is not a layer, or the layers inside one have different value ranges.
    """

    pure = False

    def __init__(self, layers: Sequence[keras.layers.Layer], name: str = "layers"):
        self.layers = list(layers)
        self.name = name
        wrong = [layer for layer in self.layers if not isinstance(layer, keras.layers.Layer)]
        if wrong or not self.layers:
            raise UserError(
                "a list of at least one Keras layer",
                repr(wrong[0] if wrong else layers),
                "give layers such as `keras.layers.RandomFlip()`; functions (images, seed) go into `views.Policy`",
            )
        self.value_ranges = [_value_range(layer) for layer in self.layers]

    def __call__(self, images: Tensor, seed: Tensor) -> Tensor:
        """Return one view of each image.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Ignored: the layers draw from their own state.

        Returns:
            Float tensor of shape `(n, h', w', c)` in 0..1.
        """
        del seed
        images = ops.convert_to_tensor(images, dtype="float32")
        for layer, (low, high) in zip(self.layers, self.value_ranges):
            changed = layer(low + (high - low) * images, training=True)
            if isinstance(changed, dict):
                changed = changed["images"]
            images = ops.clip((ops.cast(changed, "float32") - low) / (high - low), 0.0, 1.0)
        return images

    def __repr__(self):
        return f"LayerPolicy({', '.join(layer.name for layer in self.layers)})"


def from_layers(layers: Sequence[keras.layers.Layer], name: str = "layers") -> LayerPolicy:
    """Make a policy from any Keras or KerasCV augmentation layers, applied in order in training mode.

    Images stay in 0..1: if a layer or a layer inside it has a `value_range`, images are converted to that range for it
    and back. The result of each layer is clipped.

    Layers keep their own random state, so the policy ignores its seed. Its draws can be repeated only with the layers'
    own `seed` argument. Use it in `tf.data`, as `data.batches` does, or in eager code, not in `jax.jit`. Some layers
    draw once for the whole batch (`keras.layers.RandomCrop`), others once for each image. Layers that mix images with
    labels (MixUp, CutMix) cannot be used.

    Args:
        layers: Non-empty list of `keras.layers.Layer`, for instance
            `[keras.layers.RandomFlip("horizontal"), keras_cv.layers.RandomHue(0.1, value_range=(0, 255))]`.
        name: Name of the policy in messages and figures. Default: `"layers"`.

    Returns:
        A `LayerPolicy`, a function `(images, seed) -> images`.

    Raises:
        UserError: If an element is not a layer, or the layers inside one have different value ranges.
    """
    return LayerPolicy(layers, name)


def _value_range(layer):
    """Return the value range of a layer: its own, or that of the layers inside it, or 0..1 if none has one."""
    ranges = sorted(_stated_ranges(layer))
    if len(ranges) > 1:
        raise UserError(
            "one value_range for all layers inside one",
            f"{', '.join(map(str, ranges))} in {layer.name!r}",
            "make the inner layers with the same `value_range`, for instance (0, 1)",
        )
    return ranges[0] if ranges else (0.0, 1.0)


def _stated_ranges(layer):
    own = getattr(layer, "value_range", None) or getattr(layer, "_value_range", None)
    if own:
        return {(float(own[0]), float(own[1]))}
    inner = inner_layers(layer)
    return set().union(*(_stated_ranges(part) for part in inner))
