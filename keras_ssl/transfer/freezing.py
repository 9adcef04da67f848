"""Choosing which layers train, before or after `compile`, without losing the state of the optimizer."""

import fnmatch
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import keras
from keras.optimizers import Optimizer

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, inner_layers
from keras_ssl.typing import Schedule

__all__ = ["Layers", "Trainability", "freeze", "shortened", "trainability", "unfreeze"]

Layers: TypeAlias = str | keras.layers.Layer | Sequence[str | keras.layers.Layer]
"""A layer, its name, a glob over paths, or several of these."""


@dataclass(frozen=True, repr=False)
class Trainability:
    """What trains and what does not, by the paths of the layers that have weights. Its repr is one sentence.

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

    def __repr__(self) -> str:
        share = f"{self.trainable_parameters:,} of {self.parameters:,} parameters train"
        return f"{share}: {shortened(self.trainable)}. Frozen: {shortened(self.frozen)}."


def shortened(paths: Sequence[str], what: str = "layers") -> str:
    """Return the first parts of paths with the number of paths below each, at most six of them.

    Args:
        paths: Such as "conv_net/conv_1".
        what: What they are paths of. Default: "layers".
    """
    heads = dict.fromkeys(path.split("/")[0] for path in paths)
    counts = {head: sum(p.split("/")[0] == head for p in paths) for head in heads}
    words = [head if count == 1 else f"{head} ({count} {what})" for head, count in counts.items()]
    return ", ".join(words[:6] + [f"{len(words) - 6} more"] * (len(words) > 6)) or "nothing"


def trainability(model: keras.Model) -> Trainability:
    """Return the current `Trainability` of a model.

    Args:
        model: Built `keras.Model`.
    """
    leaves = [(path, layer) for path, layer in _paths(model) if _is_leaf(layer) and layer.weights]
    return Trainability(
        trainable=tuple(path for path, layer in leaves if _trains(layer)),
        frozen=tuple(path for path, layer in leaves if not _trains(layer)),
        trainable_parameters=sum(math.prod(w.shape) for w in model.trainable_weights),
        parameters=sum(math.prod(w.shape) for w in model.weights),
    )


def freeze(model: keras.Model, layers: Layers) -> Trainability:
    """Freeze layers: their weights stay bit for bit, and their batch normalization uses its moving statistics.

    Args:
        model: `keras.Model`, compiled or not. A compiled one is compiled again, with the same loss and metrics and a
            new optimizer, which takes over the old one's state for the variables that still train.
        layers: A layer; a name; a glob over paths such as "conv_net/norm_*" ("*" also matches "/"); or a list of these.
            "encoder" also means the model's `encoder`, or the one nested model, when no layer has that name.

    Returns:
        The `Trainability` after the call. A notebook shows it as a sentence if the call ends a cell.

    Raises:
        UserError: If nothing in the model fits `layers`.
    """
    return _change(model, layers, trainable=False, learning_rate=None)


def unfreeze(model: keras.Model, layers: Layers, learning_rate: Schedule | None = None) -> Trainability:
    """Let layers train again.

    When a container is unfrozen, inner layers that had been frozen on their own, before the container was, stay
    frozen; name them to unfreeze them too. Variables that did not train before their layer was frozen, such as the
    kernel under a LoRA, do not train afterwards. (Both are remembered in the process, not in a saved model.)

    Args:
        model: `keras.Model`, compiled or not; see `freeze`. The optimizer's state of newly trained variables starts at
            zero while its step count continues, so Adam's first steps on them are up to three times its learning rate:
            give a small one.
        layers: As in `freeze`.
        learning_rate: New learning rate of the optimizer, a number or a schedule; None keeps the old one. Needs a
            compiled model.

    Returns:
        The `Trainability` after the call.

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
    chosen = _resolve(model, layers)
    path_of = {layer: path for path, layer in _paths(model)}
    with_container, off = _remembered(model)
    wanted = {layer: layer.trainable for layer in path_of if _is_leaf(layer)}
    for layer in chosen:
        leaves = _leaves(layer)
        if leaves != [layer]:  # a container
            if not trainable:
                with_container |= {path_of[leaf] for leaf in leaves if leaf.trainable}
            else:
                frozen_with_it = [leaf for leaf in leaves if path_of[leaf] in with_container]
                if frozen_with_it or any(leaf.trainable for leaf in leaves if leaf.weights):
                    leaves = frozen_with_it  # the others were frozen on their own
        wanted |= dict.fromkeys(leaves, trainable)
        if trainable:
            with_container -= {path_of[leaf] for leaf in leaves}
    if trainable and not model.trainable:
        model.trainable = True  # else nothing inside would train
    _set_flags(model, wanted, off)
    _MEMORIES[model] = _Memory(frozenset(with_container), frozenset(off))
    if getattr(model, "compiled", False):
        _compile_again(model, learning_rate)
    return trainability(model)


def _set_flags(model, wanted, off):
    """Set the flags of all layers to those `wanted` of the leaves, and keep the variables `off` from training."""
    for _, layer in _paths(model):  # outer layers first: setting a container's flag sets those of all inside
        layer.trainable = any(wanted[leaf] for leaf in _leaves(layer))
    for path, layer in [("", model), *_paths(model)]:
        for variable in layer._trainable_variables:
            if (path, variable.name) in off:
                variable.trainable = False


# ---- what flags do not tell ------------------------------------------------------------------------------------------


class _Memory(NamedTuple):
    """What `freeze` overwrites and `unfreeze` needs.

    Attributes:
        with_container: Paths of the frozen leaves that were frozen with a container, not on their own.
        off: Pairs (path of the layer, name) of the variables that do not train even while their layer does.
    """

    with_container: frozenset[str] = frozenset()
    off: frozenset[tuple[str, str]] = frozenset()


_MEMORIES: weakref.WeakKeyDictionary[keras.Model, _Memory] = weakref.WeakKeyDictionary()


def _remembered(model):
    """The memory of a model as two sets, without what has been unfrozen by hand since."""
    before = _MEMORIES.get(model, _Memory())
    paths = [("", model), *_paths(model)]
    frozen = {path for path, layer in paths if not layer.trainable}
    off = {pair for pair in before.off if pair[0] in frozen}
    for path, layer in paths:
        if layer.trainable:
            off |= {(path, variable.name) for variable in layer._trainable_variables if not variable.trainable}
    return set(before.with_container & frozen), off


# ---- finding layers --------------------------------------------------------------------------------------------------


def _is_leaf(layer):
    return not inner_layers(layer)


def _leaves(layer):
    """All layers inside that hold no others, or the layer itself if it is one."""
    return [inner for inner in all_layers(layer) if _is_leaf(inner)]


def _trains(layer):
    """Whether a leaf trains: the flags of its variables count, too."""
    variables = layer._trainable_variables
    return layer.trainable and (not variables or any(variable.trainable for variable in variables))


def _paths(model, prefix=""):
    """Pairs of path and layer of everything inside a model, outer layers first."""
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
        own = getattr(model, "encoder", None)  # of an objective, or of several tasks
        if not found and layers == "encoder" and (isinstance(own, keras.Model) or len(nested) == 1):
            found = [own] if isinstance(own, keras.Model) else nested
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
