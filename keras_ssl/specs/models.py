"""What a model takes, read off its inputs."""

from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, is_graph
from keras_ssl.specs.kinds import KINDS, kind_of
from keras_ssl.specs.spec import Spec, Specs, describe

__all__ = ["check_kind", "inputs_like", "longest_of", "specs_of"]


def specs_of(model: keras.Model) -> Specs:
    """Return what a model takes: a `Spec`, or a dict of them by name if it has several inputs.

    A model takes NaN, for missing values, in an input of a kind that may hold it if it looks for it: if the operation
    `keras.ops.isnan` reads the input, in the model itself or in one that is nested in it.

    Args:
        model: Functional or built sequential `keras.Model`.

    Raises:
        UserError: If it is another one, whose inputs are not known.
    """
    if not is_graph(model):
        objective = isinstance(getattr(model, "encoder", None), keras.Model)
        raise UserError(
            "a functional or built sequential keras.Model, whose inputs are known",
            f"a {type(model).__name__}",
            "give its encoder: `objective.encoder`"
            if objective
            else "wrap it: `inputs = keras.Input((height, width, channels), name='image')`, "
            "`encoder = keras.Model(inputs, model(inputs))`",
        )
    inputs = _inputs(model)
    return {name: _spec(model, x) for name, x in inputs.items()} if isinstance(inputs, dict) else _spec(model, inputs)


def check_kind(model: keras.Model, kind: str, name: str) -> None:
    """Raise unless a model has one input, of a kind.

    Args:
        model: See `specs_of`.
        kind: One of `KINDS`.
        name: What needs such a model.

    Raises:
        UserError: If it takes something else.
    """
    found = specs_of(model)
    if not isinstance(found, Spec) or found.kind != kind or len(found.shape) != len(KINDS[kind].axes) + 1:
        raise UserError(
            f"an encoder of {KINDS[kind].plural} (n, {', '.join(KINDS[kind].axes)}) for {name}",
            f"'{model.name}', which takes {describe(found)}",
            "give one with such an input",
        )


def inputs_like(model: keras.Model) -> Any:
    """Return new `keras.Input`s like those of a model: one, or a dict of them by name.

    Args:
        model: See `specs_of`.
    """
    return keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name), _inputs(model))


def longest_of(model: keras.Model) -> int | None:
    """Return the number of learned positions, which is the largest length; None if there are none.

    Args:
        model: A model whose table of positions, if any, is an `Embedding` called "positions".
    """
    tables = [layer for layer in all_layers(model) if layer.name == "positions"]
    return min((table.input_dim for table in tables if isinstance(table, keras.layers.Embedding)), default=None)


def _inputs(model):
    """The inputs of a functional model: one symbolic tensor, or a dict of them."""
    struct = _graph(model).input
    if isinstance(struct, dict):
        return struct
    tensors = keras.tree.flatten(struct)
    return tensors[0] if len(tensors) == 1 else {x.name: x for x in tensors}


def _graph(model):
    """The functional model inside a sequential one, which has neither `input` nor nodes of its own."""
    return model._functional if isinstance(model, keras.Sequential) else model


def _spec(model, x):
    dtype = keras.backend.standardize_dtype(x.dtype)
    kind = kind_of(x.name, len(x.shape), dtype)
    low, high, longest = KINDS[kind].low, KINDS[kind].high, None
    if kind == "ids":
        size, longest = _vocabulary(model, x), longest_of(model)
        high = None if size is None else size - 1
    missing = KINDS[kind].missing and any(type(reader).__name__ == "Isnan" for reader in _readers(model, x))
    return Spec(tuple(x.shape), dtype, low, high, kind, longest, missing)


def _vocabulary(model, x):
    """Size of the embedding that reads an input; None if there is none."""
    sizes = (getattr(reader, "input_dim", None) for reader in _readers(model, x))
    return next((size for size in sizes if size is not None), None)


def _readers(model, x):
    """The operations that read an input, directly or in a nested model."""
    for nodes in _graph(model)._nodes_by_depth.values():
        for node in nodes:
            places = [k for k, tensor in enumerate(node.arguments.keras_tensors) if tensor is x]
            if places and is_graph(node.operation):
                yield from _readers(node.operation, node.operation.inputs[places[0]])
            elif places:
                yield node.operation
