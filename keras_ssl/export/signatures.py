"""What is served: one function from an image to named outputs, from which every format is made."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.export.rewriting import in_float32
from keras_ssl.networks import is_graph

__all__ = ["Serving", "serving", "check_input_dtype", "need_tensorflow", "INPUT_DTYPES"]

INPUT_DTYPES = {"float32": (0.0, 1.0), "uint8": (0, 255)}
"""The dtypes that an artifact can take images in, with their range of values."""


@dataclass(frozen=True)
class Serving:
    """A network with named outputs, and how it takes images.

    Attributes:
        network: `keras.Model` from images `(n, height, width, channels)` in 0..1 to a dict of float32 tensors, among
            `probabilities` and `embedding`.
        input_dtype: "float32" (0..1) or "uint8" (0..255, divided by 255 inside the graph).
    """

    network: keras.Model
    input_dtype: str

    @property
    def shape(self):
        """Shape of the input, `(None, height, width, channels)`."""
        return tuple(self.network.inputs[0].shape)

    @property
    def signature(self):
        """The one `tf.TensorSpec` of the function, named `image`."""
        import tensorflow as tf

        return [tf.TensorSpec(self.shape, self.input_dtype, name="image")]

    def function(self):
        """Return the function that is exported, from `image` to the dict of outputs, as a `tf.function`."""
        import tensorflow as tf

        network, divide = self.network, self.input_dtype == "uint8"

        def serve(image):
            return network(tf.cast(image, tf.float32) / 255.0 if divide else image, training=False)

        return tf.function(serve, input_signature=self.signature, autograph=False)

    def answer(self, images):
        """Return what Keras itself answers, eagerly and without the exported function, as a dict of arrays.

        Args:
            images: Array `(n, height, width, channels)` of `input_dtype`.
        """
        images = np.float32(images) / np.float32(255) if self.input_dtype == "uint8" else images
        return {name: np.asarray(output) for name, output in self.network(images, training=False).items()}


def serving(model, input_dtype="float32"):
    """Return the `Serving` of an encoder or a classifier.

    The output is called `probabilities` if it comes from a layer of that name or from a softmax or sigmoid, else
    `embedding`. A classifier with exactly one model nested in it also gives that model's output, as `embedding`.

    Args:
        model: Functional or built sequential `keras.Model` of one image input and one output.
        input_dtype: "float32" or "uint8".

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


def check_input_dtype(input_dtype):
    """Raise `UserError` unless `input_dtype` is one that an artifact can take."""
    if input_dtype not in INPUT_DTYPES:
        raise UserError("input_dtype 'float32' or 'uint8'", repr(input_dtype), "choose one of the two")


def need_tensorflow():
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
            "export the part of the model that takes the images",
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
