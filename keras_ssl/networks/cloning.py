"""Copying networks, and weights and statistics between networks."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.networks.walking import all_layers

__all__ = ["all_trainable", "clone", "copy_layer", "copy_statistics", "reinitialized", "set_weights"]


def clone(model: keras.Model) -> keras.Model:
    """Return a new model of the same layers with new weights, as `keras.models.clone_model` does.

    Unlike there, a `Lambda` layer may be in it: its function is in memory already, so that nothing untrusted is loaded.

    Args:
        model: Functional or built sequential `keras.Model`. It is not changed.

    Raises:
        UserError: If a layer cannot be made anew from its `get_config()`.
    """
    try:
        if any(isinstance(layer, keras.layers.Lambda) for layer in all_layers(model)):
            return keras.models.clone_model(model, clone_function=copy_layer, recursive=True)
        return keras.models.clone_model(model)
    except (TypeError, NotImplementedError) as error:
        raise _not_copied(model, error) from error


def copy_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Return a new layer with the same configuration, not built.

    Args:
        layer: `keras.layers.Layer`, or an operation in the graph of a functional model.

    Raises:
        UserError: If it cannot be made anew from its `get_config()`.
    """
    if type(layer) is keras.layers.Lambda:
        return keras.layers.Lambda(
            layer.function,
            output_shape=layer._output_shape,
            mask=layer.mask,
            arguments=layer.arguments,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
    try:
        return type(layer).from_config(layer.get_config())
    except (TypeError, NotImplementedError) as error:
        raise _not_copied(layer, error) from error


def _not_copied(layer, error):
    return UserError(
        "a network that can be copied, layer by layer",
        f"'{layer.name}': {str(error).strip().splitlines()[0]}",
        "let the constructors of your own layers take `**kwargs` for `super().__init__(**kwargs)`, and `get_config` "
        "return their other arguments; or build the network of Keras's layers",
    )


def all_trainable(model: keras.Model) -> keras.Model:
    """Let all layers of a clone train, and return it: layers that are frozen in a network are frozen in its clone, too.

    Args:
        model: `keras.Model`. It is changed.
    """
    for layer in all_layers(model):
        layer.trainable = True
    return model


def set_weights(
    layer: keras.layers.Layer, weights: Sequence[np.ndarray], variables: Sequence[keras.Variable] | None = None
) -> bool:
    """Set the weights of a layer or model, and make its `Normalization` layers use them.

    `keras.layers.Normalization` computes with constants derived from its weights when it was adapted or loaded. Its own
    `set_weights` does not update them. A function that is already compiled keeps the old constants.

    Args:
        layer: `keras.layers.Layer` or `keras.Model`.
        weights: Arrays, as `layer.get_weights()` returns them.
        variables: Those of the layer that they belong to. Default: None, all, in the layer's order.

    Returns:
        Whether the statistics of a `Normalization` layer have changed, so that compiled functions must be compiled
        again.
    """
    normalizations = _normalizations(layer)
    before = [normalization.get_weights() for normalization in normalizations]
    if variables is None:
        layer.set_weights(weights)
    else:
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)
    changed = False
    for normalization, old in zip(normalizations, before):
        if normalization.mean is None or not all(map(np.array_equal, old, normalization.get_weights())):
            normalization.finalize_state()
            changed = True
    return changed


def copy_statistics(model: keras.Model, copy: keras.Model) -> keras.Model:
    """Copy the pixel statistics of `Normalization` layers to a clone. They come from data, not from an initializer.

    Args:
        model: `keras.Model`, possibly with adapted `keras.layers.Normalization` layers.
        copy: Its `clone`.

    Returns:
        `copy`.
    """
    for old, new in zip(_normalizations(model), _normalizations(copy), strict=True):
        set_weights(new, old.get_weights())
    return copy


def reinitialized(model: keras.Model, seed: int) -> keras.Model:
    """Return a copy of a model with new random weights. Adapted `Normalization` layers keep their statistics.

    Args:
        model: Functional or built sequential `keras.Model`. It is not changed.
        seed: Seed of the weights. Initializers with a seed of their own keep it.
    """
    with _python_seed(seed):
        return copy_statistics(model, clone(model))


@contextmanager
def _python_seed(seed) -> Iterator[None]:
    """Seed Python's generator for a while: Keras draws the seeds of initializers without one from it."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _normalizations(model):
    return [part for part in all_layers(model) if isinstance(part, keras.layers.Normalization)]
