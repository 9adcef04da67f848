"""What is served: functions from named inputs to named outputs, which every format is made from."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.export.clients import Client, Sends
from keras_ssl.export.naming import check_name, gives_probabilities, input_names, named_outputs
from keras_ssl.export.rewriting import in_float32
from keras_ssl.networks import is_graph, rescales_bytes
from keras_ssl.specs import KINDS, Spec, Specs, specs_of
from keras_ssl.typing import Samples, Tensor

__all__ = ["DEFAULT", "Serving", "Signatures", "need_tensorflow", "serving", "servings"]

Signatures: TypeAlias = Mapping[str, Any]
"""By name: a `keras.Model`, or a pair of a model or function and the specs of its inputs."""

DEFAULT = "serving_default"
"""Name of the signature that servers answer with unless a client names another."""


@dataclasses.dataclass(frozen=True)
class Serving:
    """One signature.

    Attributes:
        network: Functional `keras.Model` from a list of inputs to a dict of tensors, or a function with the same
            arguments.
        clients: How each input is sent, by name, in the order of the list.
        name: Name of the signature.
        aliases: Other names of the same signature.
        ranges: Lowest and highest value of outputs, where they are known.
    """

    network: Any
    clients: dict[str, Client]
    name: str = DEFAULT
    aliases: tuple[str, ...] = ()
    ranges: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)

    @property
    def specs(self) -> dict[str, Spec]:
        """What the client sends, by name."""
        return {name: client.sent for name, client in self.clients.items()}

    @property
    def file(self) -> str:
        """Name of the ONNX file."""
        return "model.onnx" if self.name == DEFAULT else f"{self.name}.onnx"

    @property
    def signature(self) -> list[Any]:
        """The `tf.TensorSpec`s of the function, by the names of the inputs."""
        import tensorflow as tf

        return [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in self.specs.items()]

    def function(self) -> Any:
        """Return the exported function from the inputs to the dict of outputs, a `tf.function`."""
        import tensorflow as tf

        def serve(*inputs):
            sent = [tf.ensure_shape(x, spec.shape) for x, spec in zip(inputs, self.specs.values(), strict=True)]
            taken = [client.convert(x) for x, client in zip(sent, self.clients.values(), strict=True)]
            outputs = self.network(taken, training=False)
            return {name: tf.cast(y, tf.float32) if y.dtype.is_floating else y for name, y in outputs.items()}

        return tf.function(serve, input_signature=self.signature, autograph=False)

    def answer(self, samples: Samples) -> dict[str, np.ndarray]:
        """Return the outputs of Keras itself, computed eagerly and without the exported function.

        Args:
            samples: Array as the client sends it, or a dict of them by name.
        """
        samples = samples if isinstance(samples, Mapping) else {next(iter(self.clients)): samples}
        taken = [keras.ops.convert_to_tensor(client.read(samples[name])) for name, client in self.clients.items()]
        outputs = {name: np.asarray(y) for name, y in self.network(taken, training=False).items()}
        return {name: y.astype("float32") if y.dtype.kind == "f" else y for name, y in outputs.items()}


def servings(
    model: Any,
    sends: Sends,
    outputs: Mapping[str, Any] | None = None,
    signatures: Signatures | None = None,
) -> list[Serving]:
    """Return all signatures of an artifact, "serving_default" first.

    Args:
        model: Functional or built sequential `keras.Model`, or an objective, whose `signatures()` are served: "embed"
            is then the default one.
        sends: What clients send.
        outputs: See `naming.named_outputs`; of the default signature.
        signatures: More signatures.

    Raises:
        UserError: If the backend is not TensorFlow, or something cannot be served.
    """
    need_tensorflow()
    declared = dict(signatures or {})
    aliases: tuple[str, ...] = ()
    if not is_graph(model) and callable(getattr(model, "signatures", None)):
        declared = {**in_float32(model).signatures(), **declared}
        if DEFAULT not in declared:
            model, aliases = declared.pop("embed"), ("embed",)
    default = declared.pop(DEFAULT, model)
    for name in declared:
        check_name("signature", name)
        if name == "model":
            raise UserError("signatures of other names", "'model'", "rename it: model.onnx is the default signature's")
    found = [_serving(DEFAULT, default, sends, outputs, aliases)]
    found += [_serving(name, declared[name], sends) for name in declared]
    sends.check_used({name: client.taken for one in found for name, client in one.clients.items()})
    return found


def serving(
    model: keras.Model,
    input_dtype: str = "float32",
    outputs: Mapping[str, Any] | None = None,
    sends: Sends | None = None,
) -> Serving:
    """Return the default `Serving` of a model.

    Args:
        model: See `servings`.
        input_dtype: "float32", "uint8" or "int16". Default: "float32".
        outputs: See `servings`.
        sends: What clients send, in place of `input_dtype`. Default: None.

    Raises:
        UserError: If the backend is not TensorFlow, or the model cannot be served.
    """
    need_tensorflow()
    return servings(model, Sends(input_dtype) if sends is None else sends, outputs)[0]


def need_tensorflow() -> None:
    """Raise `UserError` unless Keras runs on TensorFlow."""
    require_tensorflow(
        "which exports",
        "save the model as a .keras file, and load and export that in a process with KERAS_BACKEND=tensorflow",
    )


def _serving(name, declared, sends, outputs=None, aliases=()):
    what, given = declared if isinstance(declared, tuple) and len(declared) == 2 else (declared, None)
    if isinstance(what, keras.layers.Layer) or not callable(what):
        network, taken, ranges = _of_model(what, outputs, given)
    elif given is None:
        raise UserError(
            f"a pair of the function and the specs of its inputs as signature '{name}'",
            f"a {type(what).__name__} alone",
            "give `(function, {'image': Spec((None, 8, 8, 1), low=0, high=1, kind='image')})`",
        )
    else:
        taken = given if isinstance(given, dict) else {given.kind or "input": given}
        network, ranges = _Function(what, taken, not isinstance(given, dict), name), {}
    for key, spec in taken.items():
        check_name("input", key)
        if spec.shape[0] is not None:
            raise UserError(
                "a model that takes any number of samples",
                f"a batch size fixed to {spec.shape[0]}",
                "build it with `keras.Input(shape)`, without a batch size",
            )
    return Serving(network, {key: sends.client(key, spec) for key, spec in taken.items()}, name, aliases, ranges)


def _of_model(model, outputs, given):
    """The network of a model, what it takes by the names of its inputs, and the ranges of its outputs."""
    if not is_graph(model):
        built = isinstance(model, keras.Model) and model.built
        raise UserError(
            "a functional or sequential keras.Model whose input shape is known, or an objective with `signatures()`",
            f"a {type(model).__name__}" + ("" if built else " that is not built"),
            "give the encoder or the classifier itself (for example `objective.encoder`), or start a Sequential with "
            "`keras.Input(shape)`",
        )
    if isinstance(model, keras.Sequential):  # which has no `input` and `output` until it is called
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    named = named_outputs(model, outputs)
    network = in_float32(keras.Model(list(model.inputs), named, name=model.name))
    return network, _taken(model, given), {name: (0.0, 1.0) for name, y in named.items() if gives_probabilities(y)}


def _taken(model, given):
    names = input_names(model)
    if isinstance(given, Spec):
        given = {names[0]: given} if len(names) == 1 else {}
    if given is not None:
        names = list(given) if len(given) == len(names) == 1 else names
        if set(given) != set(names):
            raise UserError(
                f"a spec for each input: {', '.join(names)}", f"{', '.join(given) or 'one'}", "give a dict of them"
            )
        return {name: given[name] for name in names}
    found = _specs(model)
    taken = {name: found[k] for k, name in enumerate(names)}
    for x, (name, spec) in zip(model.inputs, list(taken.items())):
        stored = KINDS[spec.kind].stored if spec.kind else {}
        if "uint8" in stored and spec.is_float and rescales_bytes(model, x):
            taken[name] = dataclasses.replace(spec, low=0.0, high=stored["uint8"])
    return taken


def _specs(model) -> list[Spec]:
    """The specs of a model's inputs, in their order."""
    found: Specs = specs_of(model)
    if isinstance(found, Spec):
        return [found]
    if isinstance(model.input, dict):
        keys = {id(x): key for key, x in model.input.items()}
        return [found[keys[id(x)]] for x in model.inputs]
    return [found[x.name] for x in model.inputs]


class _Function:
    """A function as a network: from a list of inputs to a dict of outputs."""

    def __init__(self, function: Callable, specs: dict[str, Spec], takes_one: bool, name: str):
        self.function, self.names, self.takes_one, self.name = function, list(specs), takes_one, name

    def __call__(self, inputs: list[Tensor], training: bool = False) -> dict[str, Tensor]:
        outputs = self.function(inputs[0] if self.takes_one else dict(zip(self.names, inputs)))
        outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
        for name, y in outputs.items():
            check_name("output", name)
            if not hasattr(y, "shape"):
                raise UserError(
                    f"a tensor, or a dict of tensors by name, from the function of signature '{self.name}'",
                    f"a {type(y).__name__}" + (f" as '{name}'" if name != "output" else ""),
                    "return `{'name': tensor}`",
                )
        return outputs
