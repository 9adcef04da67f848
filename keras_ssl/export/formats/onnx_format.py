"""The ONNX format."""

import logging
import pathlib
from contextlib import contextmanager

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.export.parity import check_parity, check_tolerance, compare, onnx_runtime
from keras_ssl.export.samples import verification_images
from keras_ssl.export.signatures import Serving, serving
from keras_ssl.export.staging import refuse_existing, staged
from keras_ssl.typing import Path

__all__ = ["OPSET", "onnx", "write_onnx"]


OPSET = 17
"""ONNX operator set, from 2022, which every ONNX Runtime since 1.12 reads; tf2onnx 1.17 supports up to 18."""


def onnx(
    model: keras.Model,
    path: Path,
    input_dtype: str = "float32",
    samples: np.ndarray | None = None,
    tolerance: float = 1e-5,
) -> pathlib.Path:
    """Write a model as an ONNX file that is checked, loaded in ONNX Runtime and compared with Keras.

    Inputs and outputs are those of `saved_model`.

    Args:
        model: Functional or built sequential `keras.Model` from images to one output.
        path: Path of the new file. Nothing may be there.
        input_dtype: "float32" for images in 0..1, or "uint8" for 0..255. Default: "float32".
        samples: Images of `input_dtype` to compare on. Default: random ones.
        tolerance: Largest max|a-b| / max|a| of an output. Default: 1e-5.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        UserError: If the model cannot be converted, or something is at `path`.
        ParityError: If ONNX Runtime and Keras differ. Nothing is written then.
    """
    check_tolerance(tolerance)
    path = pathlib.Path(path)
    served = serving(model, input_dtype)
    refuse_existing(path)
    images = verification_images(samples, served.shape, input_dtype)
    with staged(path.parent) as folder:
        write_onnx(served, folder / "model.onnx")
        check_parity(compare(served.answer, {"onnx": onnx_runtime(folder / "model.onnx")}, images), tolerance)
        refuse_existing(path)
        (folder / "model.onnx").rename(path)
    return path


def write_onnx(served: Serving, path: Path) -> None:
    """Convert a `Serving` to ONNX, check that it is valid and that ONNX Runtime loads it, and write it to `path`."""
    import onnx
    import onnxruntime
    import tf2onnx

    advice = "replace the layer, or write a SavedModel alone with `export.saved_model`"
    try:
        with _silent("tf2onnx"):
            proto, _ = tf2onnx.convert.from_function(
                served.function(),
                input_signature=served.signature,
                opset=OPSET,
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
    except Exception as error:
        raise UserError("a model that converts to ONNX", f"{type(error).__name__}: {error}", advice) from error
    domains = {opset.domain: opset.version for opset in proto.opset_import}
    unknown = {
        node.op_type
        for node in proto.graph.node
        if node.domain in ("", "ai.onnx") and not onnx.defs.has(node.op_type, domains[node.domain], node.domain)
    }
    if unknown:
        raise UserError("operations that ONNX has", f"{', '.join(sorted(unknown))}, which it does not have", advice)
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    try:
        onnx.checker.check_model(proto, full_check=True)
        onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError("an ONNX file that ONNX Runtime loads", f"{type(error).__name__}: {error}", advice) from error
    onnx.save(proto, str(path))


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
def _silent(name):
    """Silence a logger and its children: what matters is raised as an error."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
