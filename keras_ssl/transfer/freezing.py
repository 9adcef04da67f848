"""Choosing which layers train, before or after `compile`, without losing the state of the optimizer."""

import fnmatch
import math
from dataclasses import dataclass

import keras
from keras.optimizers import Optimizer

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, inner_layers

__all__ = ["Trainability", "freeze", "trainability", "unfreeze"]


@dataclass(frozen=True)
class Trainability:
    """What trains and what does not, by the paths of the layers that have weights.

    Attributes:
        trainable: Paths of the layers that train.
        frozen: Paths of the layers that do not.
        trainable_parameters: Number of weights that train.
        parameters: Number of all weights.
    """

    trainable: tuple[str, ...]
    frozen: tuple[str, ...]
    trainable_parameters: int
    parameters: int

    def __str__(self):
        share = f"{self.trainable_parameters:,} of {self.parameters:,} parameters train"
        return f"{share}: {_shortened(self.trainable)}. Frozen: {_shortened(self.frozen)}."


def _shortened(paths):
    """Name whole branches instead of their layers, and at most six of them."""
    heads = dict.fromkeys(path.split("/")[0] for path in paths)
    counts = {head: sum(p.split("/")[0] == head for p in paths) for head in heads}
    words = [head if count == 1 else f"{head} ({count} layers)" for head, count in counts.items()]
    return ", ".join(words[:6] + [f"{len(words) - 6} more"] * (len(words) > 6)) or "nothing"


def trainability(model):
    """Return the `Trainability` of a model as it stands.

    Args:
        model: Built `keras.Model`.
    """
    leaves = [(path, layer) for path, layer in _paths(model) if not inner_layers(layer) and layer.weights]
    return Trainability(
        trainable=tuple(path for path, layer in leaves if layer.trainable),
        frozen=tuple(path for path, layer in leaves if not layer.trainable),
        trainable_parameters=sum(math.prod(w.shape) for w in model.trainable_weights),
        parameters=sum(math.prod(w.shape) for w in model.weights),
    )


def freeze(model, layers):
    """Hold layers still: their weights stay bit for bit, and their batch normalization runs on its moving statistics.

    Args:
        model: `keras.Model`, compiled or not. A compiled one is compiled again, with the same loss and metrics and a
            new optimizer into which the state of the old one is copied for the variables that still train.
        layers: A layer; a name; a glob over paths such as "conv_net/norm_*" ("*" also matches "/"); or a list of these.
            "encoder" also means the one nested model when no layer has that name.

    Returns:
        The `Trainability` after the call, which is also printed.

    Raises:
        UserError: If nothing in the model fits `layers`.
    """
    return _change(model, layers, trainable=False, learning_rate=None)


def unfreeze(model, layers, learning_rate=None):
    """Let layers train again.

    Inner layers that were frozen for their own sake, not by freezing a layer around them, stay frozen when that is
    unfrozen; name them to unfreeze them too. (This is remembered in the process, not in a saved model.)

    Args:
        model: `keras.Model`, compiled or not; see `freeze`. The optimizer's state of newly trained variables begins at
            zero while its step count goes on, so Adam's first steps on them are up to three times its learning rate:
            give a small one.
        layers: As in `freeze`.
        learning_rate: New learning rate of the optimizer, a number or a schedule; None keeps the old one. Needs a
            compiled model.

    Returns:
        The `Trainability` after the call, which is also printed.

    Raises:
        UserError: If nothing in the model fits `layers`, or a learning rate is given for a model that is not compiled.
    """
    if learning_rate is not None and not getattr(model, "compiled", False):
        raise UserError(
            "a compiled model, whose optimizer can take the learning rate",
            "a model that is not compiled",
            "call `model.compile(…)` first, or leave `learning_rate` out and give it to the optimizer",
        )
    return _change(model, layers, trainable=True, learning_rate=learning_rate)


def _change(model, layers, trainable, learning_rate):
    wanted = {id(layer): layer.trainable for _, layer in _paths(model)}
    with_container = model.__dict__.setdefault("_frozen_with_container", set())  # not for their own sake
    for chosen in _resolve(model, layers):
        inner = [layer for layer in all_layers(chosen) if not inner_layers(layer)]
        whole = inner != [chosen]
        if not trainable:
            with_container.update(id(layer) for layer in inner if whole and layer.trainable)
        elif whole and (
            any(layer.trainable for layer in inner if layer.weights) or with_container & set(map(id, inner))
        ):
            inner = [layer for layer in inner if id(layer) in with_container]
        wanted.update({id(layer): trainable for layer in inner})
        if trainable:
            with_container.difference_update(map(id, inner))
    if trainable:
        model.trainable = True  # where it had been switched off whole, nothing inside would train
    for _, layer in _paths(model):  # from the outside in: setting a container sets what is inside
        layer.trainable = any(wanted[id(leaf)] for leaf in all_layers(layer) if not inner_layers(leaf))
    if getattr(model, "compiled", False):
        _compile_again(model, learning_rate)
    state = trainability(model)
    print(state)
    return state


# ---- finding layers --------------------------------------------------------------------------------------------------


def _paths(model, prefix=""):
    """Pairs of path and layer of everything inside a model, from the outside in."""
    found = []
    for layer in inner_layers(model):
        path = f"{prefix}{layer.name}"
        found += [(path, layer), *_paths(layer, f"{path}/")]
    return found


def _resolve(model, layers):
    if isinstance(layers, (list, tuple)):
        return [found for part in layers for found in _resolve(model, part)]
    paths = _paths(model)
    if isinstance(layers, keras.layers.Layer):
        found = [layer for _, layer in paths if layer is layers]
    else:
        found = [layer for path, layer in paths if layers in (layer.name, path)]
        found = found or [layer for path, layer in paths if fnmatch.fnmatchcase(path, layers)]
        nested = [layer for layer in inner_layers(model) if isinstance(layer, keras.Model)]
        if not found and layers == "encoder" and len(nested) == 1:
            found = nested
    if not found:
        names = ", ".join(path for path, _ in paths[:12]) + (", …" if len(paths) > 12 else "")
        raise UserError(
            f"a layer of '{model.name}', its name, or a glob over paths",
            repr(getattr(layers, "name", layers)),
            f"choose among: {names}",
        )
    return found


# ---- the optimizer ---------------------------------------------------------------------------------------------------


def _compile_again(model, learning_rate):
    old = model.optimizer
    config = old.get_config()
    if learning_rate is not None:
        innermost = config["inner_optimizer"]["config"] if "inner_optimizer" in config else config
        innermost["learning_rate"] = keras.saving.serialize_keras_object(learning_rate)
    new = type(old).from_config(config)
    new.build(model.trainable_variables)
    _copy_state(old, new)
    if isinstance(learning_rate, (int, float)):
        getattr(new, "inner_optimizer", new).learning_rate = learning_rate
    model.compile(**{**model._compile_config.config, "optimizer": new})


def _copy_state(old, new):
    """Copy step count, scalars and the slots of the variables that both optimizers train."""
    if not old.built:
        return
    place = {id(v): k for k, v in enumerate(old._trainable_variables)}
    for name, value in vars(new).items():
        source = vars(old).get(name)
        if isinstance(value, Optimizer):
            _copy_state(source, value)
        elif isinstance(value, keras.Variable) and isinstance(source, keras.Variable):
            value.assign(source)
        elif isinstance(value, list) and name != "_trainable_variables" and len(value) == len(new._trainable_variables):
            for variable, slot in zip(new._trainable_variables, value):
                if isinstance(slot, keras.Variable) and id(variable) in place:
                    slot.assign(source[place[id(variable)]])
