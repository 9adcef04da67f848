"""The ONNX format."""

import logging
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.export.axes import Layout, layout
from keras_ssl.export.clients import PerChannel, Sends, ValueRange
from keras_ssl.export.formats.saved_model_format import write_saved_model
from keras_ssl.export.parity import check_parity, compare, onnx_runtime
from keras_ssl.export.signatures import Serving, servings
from keras_ssl.files import refuse_existing, staged
from keras_ssl.typing import Path, Samples

__all__ = ["OPSET", "check_graph", "onnx", "outputs_kept", "write_onnx"]


OPSET = 17
"""ONNX operator set, from 2022, which every ONNX Runtime since 1.12 reads; tf2onnx 1.17 supports up to 18."""


_ADVICE = "replace the layer, or write a SavedModel alone with `export.saved_model`"


def onnx(
    model: Any,
    path: Path,
    input_dtype: str = "float32",
    samples: Samples | None = None,
    tolerance: float = 1e-5,
    *,
    outputs: Mapping[str, Any] | None = None,
    value_range: ValueRange = None,
    mean: PerChannel = None,
    std: PerChannel = None,
) -> pathlib.Path:
    """Write a model as an ONNX file that is checked, loaded in ONNX Runtime and compared with Keras.

    The arguments are those of `deploy`. Of an objective the file has the default signature.

    Args:
        model: See `deploy`.
        path: Path of the new file. Nothing may be there.
        input_dtype: See `deploy`.
        samples: See `deploy`.
        tolerance: Largest max|a-b| / max|a| of an output. Default: 1e-5.
        outputs: See `deploy`.
        value_range: See `deploy`.
        mean: See `deploy`.
        std: See `deploy`.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        UserError: If the model cannot be converted, or something is at `path`.
        ParityError: If ONNX Runtime and Keras differ. Nothing is written then.
    """
    check_between("tolerance", tolerance, above=0)
    path = pathlib.Path(path)
    served = servings(model, Sends(input_dtype, value_range, mean, std), outputs)[0]
    refuse_existing(path)
    its = layout(served, samples)
    with staged(path.parent) as folder:
        write_saved_model(served, folder / "saved_model")
        write_onnx(served, folder / "saved_model", folder / "model.onnx", its)
        runtime = {"onnx": onnx_runtime(folder / "model.onnx")}
        for batch in its.samples:
            check_parity(compare(served.answer, runtime, batch), tolerance)
        refuse_existing(path)
        (folder / "model.onnx").rename(path)
    return path


def write_onnx(served: Serving, directory: Path, path: Path, its: Layout | None = None) -> None:
    """Convert a signature of a written SavedModel to ONNX, check that ONNX Runtime loads it, and write it to `path`.

    Args:
        served: The signature.
        directory: Folder of the SavedModel.
        path: Path of the file.
        its: Names of the axes. Default: only "batch".

    Raises:
        UserError: If it cannot be converted, or is not valid.
    """
    import onnx
    import onnxruntime

    try:
        with _silent("tf2onnx"), _silent("tensorflow"), outputs_kept():
            proto = _converted(directory, served.name)
    except Exception as error:
        raise UserError("a model that converts to ONNX", f"{type(error).__name__}: {error}", _ADVICE) from error
    _round_scales_up(proto.graph)
    check_graph(proto, list(served.specs))
    inputs, outputs = ({}, {}) if its is None else (its.inputs, its.outputs)
    for tensors, axes in ((proto.graph.input, inputs), (proto.graph.output, outputs)):
        for tensor in tensors:
            names = axes.get(tensor.name, ["batch"])
            for k, (dim, name) in enumerate(zip(tensor.type.tensor_type.shape.dim, names)):
                if k == 0 or dim.WhichOneof("value") != "dim_value":
                    dim.dim_param = name
    try:
        onnx.checker.check_model(proto, full_check=True)
        onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError("an ONNX file that ONNX Runtime loads", f"{type(error).__name__}: {error}", _ADVICE) from error
    onnx.save(proto, str(path))


def _round_scales_up(graph):
    """Make scales of Resize, which ONNX multiplies with a size and rounds down, a trifle larger: 7 by 13/7 were 12."""
    from onnx import numpy_helper

    names = {node.input[2] for node in graph.node if node.op_type == "Resize" and len(node.input) > 2}
    for tensor in graph.initializer:
        if tensor.name in names and tensor.data_type == tensor.FLOAT:
            scales = numpy_helper.to_array(tensor)
            up = np.where(scales == np.round(scales), scales, np.nextafter(scales, np.float32(np.inf)))
            tensor.CopyFrom(numpy_helper.from_array(up.astype("float32"), tensor.name))


def check_graph(proto: Any, inputs: Sequence[str]) -> None:
    """Raise `UserError` unless an ONNX graph has exactly the declared inputs, and operations that ONNX has.

    Args:
        proto: `onnx.ModelProto`.
        inputs: Names of the declared inputs.

    Raises:
        UserError: If it does not.
    """
    import onnx

    domains = {opset.domain: opset.version for opset in proto.opset_import}
    unknown = {
        node.op_type
        for node in proto.graph.node
        if node.domain in ("", "ai.onnx") and not onnx.defs.has(node.op_type, domains[node.domain], node.domain)
    }
    if unknown:
        raise UserError("operations that ONNX has", f"{', '.join(sorted(unknown))}, which it does not have", _ADVICE)
    found = [tensor.name for tensor in proto.graph.input]
    if stray := sorted(set(found) - set(inputs)):
        raise UserError(
            f"a graph whose only inputs are {', '.join(inputs)}",
            f"{', '.join(stray)} besides: constants that were not stored",
            "make them weights of a layer; " + _ADVICE,
        )
    if missing := sorted(set(inputs) - set(found)):
        raise UserError(
            f"a graph with the inputs {', '.join(inputs)}",
            f"none that reads {', '.join(missing)}",
            "build `keras.Model` of the inputs that its outputs depend on",
        )


def _converted(directory, name):
    """The ONNX graph of a signature of a SavedModel, its variables and captured constants stored in it."""
    import tensorflow as tf
    import tf2onnx
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    with tf.device("/CPU:0"):
        loaded = tf.saved_model.load(str(directory))
        function = loaded.signatures[name]
        inputs = _placeholders(function)
        frozen = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
        outputs = {y.name: key for key, y in zip(sorted(function.structured_outputs), frozen.outputs, strict=True)}
        graph = frozen.graph.as_graph_def(add_shapes=True)
        if _without_xla(graph):
            frozen = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
            frozen = frozen.prune([*inputs], [*outputs])
            frozen = convert_variables_to_constants_v2(frozen, lower_control_flow=False, aggressive_inlining=True)
            graph = frozen.graph.as_graph_def(add_shapes=True)
            outputs = {y.name: key for key, y in zip(outputs.values(), frozen.outputs, strict=True)}
    proto, _ = tf2onnx.convert.from_graph_def(
        graph,
        name=name,
        input_names=[*inputs],
        output_names=[*outputs],
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
        tensors_to_rename={**inputs, **outputs},
    )
    return proto


def _placeholders(function):
    """Names of the symbolic inputs of a signature, without those that stand for captured variables and constants."""
    captured = {id(inner) for _, inner in function.graph.captures}
    given = [x.name for x in function.inputs if id(x) not in captured]
    return dict(zip(given, sorted(function.structured_input_signature[1]), strict=True))


def _without_xla(graph):
    """Take away what keeps a call from being inlined, and return whether there was any.

    Keras compiles grouped convolutions by XLA, because TensorFlow has none for CPUs. The functions get other names, as
    TensorFlow does not take two of one name in a process.
    """
    library = graph.library.function
    nodes = [*graph.node, *(node for function in library for node in function.node_def)]
    marked = [holder for holder in (*nodes, *library) if "_XlaMustCompile" in holder.attr]
    for holder in marked:
        del holder.attr["_XlaMustCompile"]
    if marked:
        for function in library:
            function.signature.name += "_without_xla"
        for called in (value for node in nodes for value in node.attr.values()):
            for one in (called.func, *called.list.func) if called.HasField("func") else called.list.func:
                one.name += "_without_xla"
    return bool(marked)


def _erfc(context, node, name, args):
    """Write TensorFlow's Erfc, part of exact GELU and missing in ONNX, as 1 - erf(x)."""
    shapes, dtypes = node.output_shapes, node.output_dtypes
    error_function = context.make_node("Erf", [node.input[0]], shapes=shapes, dtypes=dtypes)
    one = context.make_const(f"{name}_one", np.ones((), "float32"))
    context.remove_node(node.name)
    context.make_node(
        "Sub", [one.output[0], error_function.output[0]], name=name, outputs=node.output, shapes=shapes, dtypes=dtypes
    )


@contextmanager
def outputs_kept() -> Iterator[None]:
    """Let tf2onnx not rewrite a Reshape that is an output: it forgets the Squeeze behind it, and an axis is too many.

    Whether the last Reshape is an output when its turn comes depends on an order that differs from run to run.
    """
    from tf2onnx.optimizer.reshape_optimizer import ReshapeOptimizer

    rewrite = ReshapeOptimizer._optimize_reshape
    ReshapeOptimizer._optimize_reshape = lambda self, node, graph: (
        node.output[0] not in graph.outputs and rewrite(self, node, graph)
    )
    try:
        yield
    finally:
        ReshapeOptimizer._optimize_reshape = rewrite


@contextmanager
def _silent(name):
    """Silence a logger and its children: what matters is raised as an error."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
