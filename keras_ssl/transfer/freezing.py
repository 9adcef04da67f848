"""Choosing which layers train, before or after `compile`, without losing the state of the optimizer."""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import has_low_rank
from keras_ssl.transfer.finding import Layers, is_leaf, leaves, paths, resolve
from keras_ssl.transfer.recompiling import check_one_optimizer, compile_again
from keras_ssl.typing import Schedule

__all__ = ["Trainability", "freeze", "set_flags", "shortened", "train_only", "trainability", "unfreeze"]


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
    weighted = [(path, layer) for path, layer in paths(model) if is_leaf(layer) and layer.weights]
    return Trainability(
        trainable=tuple(path for path, layer in weighted if _trains(layer)),
        frozen=tuple(path for path, layer in weighted if not _trains(layer)),
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
        UserError: If nothing in the model fits `layers`, or it is compiled with two optimizers, as adversarial
            objectives are.
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
        UserError: If nothing in the model fits `layers`, a learning rate is given for a model that is not compiled, or
            the model is compiled with two optimizers.
    """
    if learning_rate is not None and not getattr(model, "compiled", False):
        raise UserError(
            "a compiled model, whose optimizer can take the learning rate",
            "a model that is not compiled",
            "call `model.compile(…)` first, or leave `learning_rate` out and give it to the optimizer",
        )
    return _change(model, layers, trainable=True, learning_rate=learning_rate)


def _change(model, layers, trainable, learning_rate):
    chosen = resolve(model, layers)
    check_one_optimizer(model, "freeze and unfreeze before `compile`")
    path_of = {layer: path for path, layer in paths(model)}
    _remember_off(model)
    with_container = set(_WITH_CONTAINER.get(model, frozenset()))
    with_container -= {path for layer, path in path_of.items() if layer.trainable}  # unfrozen by hand since
    wanted = {layer: layer.trainable for layer in path_of if is_leaf(layer)}
    for layer in chosen:
        inside = leaves(layer)
        if inside != [layer]:  # a container
            if not trainable:
                with_container |= {path_of[leaf] for leaf in inside if leaf.trainable}
            else:
                frozen_with_it = [leaf for leaf in inside if path_of[leaf] in with_container]
                if frozen_with_it or any(leaf.trainable for leaf in inside if leaf.weights):
                    inside = frozen_with_it  # the others were frozen on their own
        wanted |= dict.fromkeys(inside, trainable)
        if trainable:
            with_container -= {path_of[leaf] for leaf in inside}
    if trainable and not model.trainable:
        model.trainable = True  # else nothing inside would train
    before = {layer: layer.trainable for layer in wanted}, _WITH_CONTAINER.get(model, frozenset())
    _set_flags(model, wanted)
    _WITH_CONTAINER[model] = frozenset(with_container)
    if getattr(model, "compiled", False):
        try:
            compile_again(model, learning_rate)
        except UserError:  # such as that GradNorm wants an encoder that trains
            _set_flags(model, before[0])
            _WITH_CONTAINER[model] = before[1]
            raise
    return trainability(model)


def _trains(layer):
    """Whether a leaf trains: the flags of its variables count, too."""
    variables = layer._trainable_variables
    return layer.trainable and (not variables or any(variable.trainable for variable in variables))


def set_flags(model: keras.Model, wanted: Mapping[keras.layers.Layer, bool]) -> None:
    """Set which layers train. Variables that did not train while their layer did still do not.

    Args:
        model: `keras.Model`. It is not compiled again.
        wanted: Whether they train, by layers that hold no others. The other layers stay as they are.
    """
    _remember_off(model)
    now = {layer: layer.trainable for _, layer in paths(model) if is_leaf(layer)}
    model.trainable = True  # else nothing inside would train
    _set_flags(model, {**now, **wanted})


def train_only(layer: keras.layers.Layer, wanted: Callable[[keras.Variable], bool]) -> None:
    """Keep variables of a layer from training, also after `freeze` and `unfreeze`.

    Args:
        layer: `keras.layers.Layer` that trains.
        wanted: Whether a variable of the layer itself may train.
    """
    for variable in layer._trainable_variables:
        variable.trainable = variable.trainable and wanted(variable)
    _OFF[layer] = _off(layer)


def _set_flags(model, wanted):
    """Set the flags of all layers to those `wanted` of the leaves, and keep from training what does not."""
    for _, layer in paths(model):  # outer layers first: setting a container's flag sets those of all inside
        layer.trainable = any(wanted[leaf] for leaf in leaves(layer))
    for layer in [model, *(layer for _, layer in paths(model))]:
        off = _OFF.get(layer, frozenset()) | (_BASES if has_low_rank(layer) else frozenset())
        for variable in layer._trainable_variables:
            if variable.name in off:
                variable.trainable = False


# ---- what flags do not tell ------------------------------------------------------------------------------------------

_WITH_CONTAINER: weakref.WeakKeyDictionary[keras.Model, frozenset[str]] = weakref.WeakKeyDictionary()
"""Paths of the frozen leaves of a model that were frozen with a container, not on their own."""
_OFF: weakref.WeakKeyDictionary[keras.layers.Layer, frozenset[str]] = weakref.WeakKeyDictionary()
"""Names of the variables of a layer that do not train even while the layer does."""
_BASES = frozenset({"kernel", "embeddings"})  # what LoRA's products are added to


def _remember_off(model):
    """Note which variables of what trains do not."""
    for layer in [model, *(layer for _, layer in paths(model))]:
        if layer.trainable:
            _OFF[layer] = _off(layer)


def _off(layer):
    return frozenset(variable.name for variable in layer._trainable_variables if not variable.trainable)
