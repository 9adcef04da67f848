"""Names of what is served: inputs, outputs and signatures."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph
from keras_ssl.specs import kind_of
from keras_ssl.typing import Tensor

__all__ = ["check_name", "gives_probabilities", "input_names", "named_outputs"]

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
        Dict of symbolic tensors. By default, the model's own dict; the only output is `probabilities` if it comes from
        a layer of that name, or from a softmax or sigmoid, else `embedding`. A classifier with exactly one nested model
        also has that model's output, as `embedding`.

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
    """Return whether a symbolic tensor comes from a layer named "probabilities", a softmax or a sigmoid.

    Args:
        tensor: Symbolic output of a functional model.
    """
    operation = tensor._keras_history.operation
    if is_graph(operation):
        return len(operation.outputs) == 1 and gives_probabilities(operation.outputs[0])
    activation = getattr(operation, "activation", None)
    return (
        operation.name == "probabilities"
        or isinstance(operation, keras.layers.Softmax)
        or activation in (keras.activations.softmax, keras.activations.sigmoid)
    )


def _of_one(model):
    output = model.outputs[0]
    if not gives_probabilities(output):
        return {"embedding": output}
    outputs = {"probabilities": output}
    nodes = [node for node in _nodes(model) if is_graph(node.operation)]
    last = output._keras_history.operation
    if len(nodes) == 1 and nodes[0].operation is not last and len(nodes[0].output_tensors) == 1:
        outputs["embedding"] = nodes[0].output_tensors[0]
    return outputs


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
