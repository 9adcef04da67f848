"""Names of what is served: inputs, outputs and signatures."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph
from keras_ssl.specs import kind_of
from keras_ssl.typing import Tensor

__all__ = ["SCORES", "check_name", "gives_probabilities", "input_names", "named_outputs"]

SCORES = ("probabilities", "logits")
"""Names of layers that give one number for each class, as `transfer.classifier` names its head."""

_MADE_BY_KERAS = re.compile(r"(keras_tensor|input_layer|input)(_\d+)?")


def check_name(what: str, name: Any) -> None:
    """Raise `UserError` unless a name can be an argument and a part of a file's name.

    Args:
        what: What has the name: "input", "output" or "signature".
        name: The name.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise UserError(
            f"{what} names of letters, digits and underscores",
            repr(name),
            "rename it" + ("" if what == "signature" else ": names come from `keras.Input(name=)` and keys of dicts"),
        )


def input_names(model: keras.Model) -> list[str]:
    """Return the names under which the inputs of a model are served, in the order of `model.inputs`.

    They are the keys of a dict of inputs, otherwise the names of the `keras.Input`s. Where Keras made the name, it is
    the kind of the input; the only input of a model is called "image" if it is one.

    Args:
        model: Functional or built sequential `keras.Model`.

    Raises:
        UserError: If a name cannot be used.
    """
    struct = model.input
    keys = {id(x): key for key, x in struct.items()} if isinstance(struct, dict) else {}
    kinds = [kind_of(x.name, len(x.shape), keras.backend.standardize_dtype(x.dtype)) for x in model.inputs]
    if len(model.inputs) == 1 and not keys and kinds[0] == "image":
        return ["image"]
    names: list[str] = []
    for x, kind in zip(model.inputs, kinds):
        name = keys.get(id(x), x.name)
        made = id(x) not in keys and _MADE_BY_KERAS.fullmatch(name)
        twins = [other for other, its in zip(model.inputs, kinds) if its == kind]
        place = 1 + next(k for k, other in enumerate(twins) if other is x)
        names.append((kind if len(twins) == 1 else f"{kind}_{place}") if made else name)
    for name in names:
        check_name("input", name)
    if len(set(names)) < len(names):
        raise UserError("inputs of different names", ", ".join(names), "name them by `keras.Input(name=)`")
    return names


def named_outputs(model: keras.Model, outputs: Mapping[str, Any] | None) -> dict[str, Tensor]:
    """Return the symbolic outputs of a model by the names under which they are served.

    Args:
        model: Functional or built sequential `keras.Model`.
        outputs: Symbolic tensors of the model, or names of its layers, by name; None for the model's own outputs.

    Returns:
        Dict of symbolic tensors. By default, the model's own dict; the only output is `probabilities` or `logits` if it
        comes from a layer of that name, as `transfer.classifier` names its head, else `embedding`. Where such a layer
        reads the output of a nested model, that is also an output, as `embedding`. Nothing is concluded from
        activations: an encoder may end with a sigmoid, and a classifier without a softmax.

    Raises:
        UserError: If the outputs have no names, or are not in the model.
    """
    if outputs is not None:
        named = {name: _chosen(model, name, what) for name, what in outputs.items()}
    elif isinstance(model.output, dict):
        named = dict(model.output)
    elif len(model.outputs) == 1:
        named = _of_one(model)
    else:
        raise UserError(
            "a model of one output, or of several with names",
            f"{len(model.outputs)} output(s) in a list",
            "name them: `outputs={'name': tensor or layer name, …}`, or build `keras.Model(inputs, {'name': output})`",
        )
    for name in named:
        check_name("output", name)
    flat = {name: keras.tree.flatten(x) for name, x in named.items()}
    if not flat or any(len(x) != 1 for x in flat.values()):
        raise UserError("one tensor for each output name", f"{list(flat)}", "give a dict of tensors, without nesting")
    return {name: x[0] for name, x in flat.items()}


def gives_probabilities(tensor: Tensor) -> bool:
    """Return whether a symbolic tensor is in 0..1 because it comes from a softmax or sigmoid layer.

    Args:
        tensor: Symbolic output of a functional model.
    """
    operation = tensor._keras_history.operation
    if is_graph(operation):
        return len(operation.outputs) == 1 and gives_probabilities(operation.outputs[0])
    activation = getattr(operation, "activation", None)
    return isinstance(operation, keras.layers.Softmax) or activation in (
        keras.activations.softmax,
        keras.activations.sigmoid,
    )


def _of_one(model):
    output = model.outputs[0]
    name, read = _head(output)
    if name not in SCORES:
        return {"embedding": output}
    nested = [node for node in _nodes(model) if is_graph(node.operation)]
    read_from = [node for node in nested if len(node.output_tensors) == 1 and node.output_tensors[0] is read]
    return {name: output, **({"embedding": read} if read_from else {})}


def _head(output):
    """Name of the layer that gives an output, inside of nested models too, and the tensor that it reads."""
    operation = output._keras_history.operation
    if is_graph(operation):
        return (_head(operation.outputs[0])[0] if len(operation.outputs) == 1 else operation.name), None
    node = operation._inbound_nodes[output._keras_history.node_index]
    return operation.name, node.input_tensors[0] if len(node.input_tensors) == 1 else None


def _chosen(model, name, what):
    nodes = _nodes(model)
    if isinstance(what, str):
        found = [node for node in nodes if node.operation.name == what]
        if len(found) == 1 and len(found[0].output_tensors) == 1:
            return found[0].output_tensors[0]
        raise UserError(
            f"the name of a layer of '{model.name}' with one output, as output '{name}'",
            repr(what),
            "choose from " + ", ".join(sorted({node.operation.name for node in nodes})),
        )
    if not any(tensor is what for node in nodes for tensor in node.output_tensors):
        raise UserError(
            f"a symbolic tensor of '{model.name}', or the name of a layer, as output '{name}'",
            f"a {type(what).__name__} that is not in it",
            "give `model.get_layer(name).output` of one of the model's own layers, not of a nested model's",
        )
    return what


def _nodes(model):
    return [node for nodes in model._nodes_by_depth.values() for node in nodes]
