"""What is served: one function from images to named outputs, which every format is made from."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.export.rewriting import in_float32
from keras_ssl.networks import is_graph
from keras_ssl.typing import Shape

__all__ = ["INPUT_DTYPES", "Serving", "check_input_dtype", "need_tensorflow", "serving"]

INPUT_DTYPES: dict[str, tuple[float, float]] = {"float32": (0.0, 1.0), "uint8": (0, 255)}
"""The input dtypes of artifacts, with their range of values."""


@dataclass(frozen=True)
class Serving:
    """A network with named outputs, and the dtype of its images.

    Attributes:
        network: `keras.Model` from images `(n, height, width, channels)` in 0..1 to a dict of float32 tensors named
            `probabilities`, `embedding`, or both.
        input_dtype: "float32" (0..1) or "uint8" (0..255, divided by 255 inside the graph).
    """

    network: keras.Model
    input_dtype: str

    @property
    def shape(self) -> Shape:
        """Shape of the input, `(None, height, width, channels)`."""
        return tuple(self.network.inputs[0].shape)

    @property
    def signature(self) -> list[Any]:
        """The only `tf.TensorSpec` of the function, named `image`, in a list."""
        import tensorflow as tf

        return [tf.TensorSpec(self.shape, self.input_dtype, name="image")]

    def function(self) -> Any:
        """Return the exported function from `image` to the dict of outputs, a `tf.function`."""
        import tensorflow as tf

        network, divide = self.network, self.input_dtype == "uint8"

        def serve(image):
            return network(tf.cast(image, tf.float32) / 255.0 if divide else image, training=False)

        return tf.function(serve, input_signature=self.signature, autograph=False)

    def answer(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs of Keras itself, computed eagerly and without the exported function.

        Args:
            images: Array `(n, height, width, channels)` of `input_dtype`.
        """
        images = images.astype("float32") / np.float32(255) if self.input_dtype == "uint8" else images
        return {name: np.asarray(output) for name, output in self.network(images, training=False).items()}


def serving(model: keras.Model, input_dtype: str = "float32") -> Serving:
    """Return the `Serving` of an encoder or a classifier.

    The output is named `probabilities` if it comes from a layer of that name, or from a softmax or sigmoid, else
    `embedding`. A classifier with exactly one nested model also has that model's output, as `embedding`.

    Args:
        model: Functional or built sequential `keras.Model` with one image input and one output.
        input_dtype: "float32" or "uint8". Default: "float32".

    Raises:
        UserError: If the backend is not TensorFlow, or the model cannot be served.
    """
    need_tensorflow()
    check_input_dtype(input_dtype)
    _check_model(model)
    model = in_float32(model)
    graph = keras.Model(model.inputs[0], model.outputs[0])
    last = _operation(graph.outputs[0])
    if not _gives_probabilities(last):
        outputs = {"embedding": graph.outputs[0]}
    else:
        outputs = {"probabilities": graph.outputs[0]}
        nodes = [node for nodes in graph._nodes_by_depth.values() for node in nodes if is_graph(node.operation)]
        if len(nodes) == 1 and nodes[0].operation is not last and len(nodes[0].output_tensors) == 1:
            outputs["embedding"] = nodes[0].output_tensors[0]
    return Serving(keras.Model(graph.inputs[0], outputs), input_dtype)


def check_input_dtype(input_dtype: str) -> None:
    """Raise `UserError` unless an artifact can take images of `input_dtype`."""
    if input_dtype not in INPUT_DTYPES:
        raise UserError("input_dtype 'float32' or 'uint8'", repr(input_dtype), "choose one of the two")


def need_tensorflow() -> None:
    """Raise `UserError` unless Keras runs on TensorFlow."""
    require_tensorflow(
        "which exports",
        "save the model as a .keras file, and load and export that in a process with KERAS_BACKEND=tensorflow",
    )


def _check_model(model):
    if not is_graph(model):
        built = isinstance(model, keras.Model) and model.built
        raise UserError(
            "a functional or sequential keras.Model whose input shape is known",
            f"a {type(model).__name__}" + ("" if built else " that is not built"),
            "give the encoder or the classifier itself (for example `objective.encoder`), or start a Sequential with "
            "`keras.Input(shape)`",
        )
    shapes = [tuple(x.shape) for x in model.inputs]
    if len(shapes) != 1 or len(model.outputs) != 1:
        raise UserError(
            "a model of one input and one output",
            f"{len(shapes)} input(s) and {len(model.outputs)} output(s)",
            "export `keras.Model(model.inputs[0], one_output)`",
        )
    if len(shapes[0]) != 4 or shapes[0][-1] is None:
        raise UserError(
            "a model of images (n, height, width, channels)",
            f"an input of shape {shapes[0]}",
            "export the part of the model that takes images",
        )
    if shapes[0][0] is not None:
        raise UserError(
            "a model that takes any number of images",
            f"a batch size fixed to {shapes[0][0]}",
            "build it with `keras.Input(shape)`, without a batch size",
        )


def _operation(tensor):
    return tensor._keras_history.operation


def _gives_probabilities(operation):
    if is_graph(operation):
        return _gives_probabilities(_operation(operation.outputs[0]))
    activation = getattr(operation, "activation", None)
    return (
        operation.name == "probabilities"
        or isinstance(operation, keras.layers.Softmax)
        or activation in (keras.activations.softmax, keras.activations.sigmoid)
    )
