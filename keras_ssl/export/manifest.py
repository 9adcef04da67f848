"""The manifest: the description of an exported model that is stored with it."""

import importlib.metadata
import pathlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from keras_ssl.export.axes import Layout
from keras_ssl.export.formats import OPSET
from keras_ssl.export.sealing import UNLISTED
from keras_ssl.export.signatures import DEFAULT, Serving
from keras_ssl.files import checksums
from keras_ssl.specs import KINDS
from keras_ssl.typing import Path

__all__ = ["manifest"]


def manifest(
    directory: Path,
    name: str,
    served: Sequence[Serving],
    layouts: Sequence[Layout],
    parity: dict[str, Any],
    tolerance: float,
    class_names: Sequence[str] | None = None,
    empty_batch: dict[str, bool] | None = None,
    preparation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of the files in `directory`. It is all that the deployment kit knows about them.

    Args:
        directory: Folder with `saved_model.pb`, `variables/` and ONNX files.
        name: Name of the model.
        served: The signatures.
        layouts: Axes and samples of each.
        parity: The differences that `verify` measured.
        tolerance: The largest difference that was allowed.
        class_names: Names of the classes, or None.
        empty_batch: Whether each format answers a batch of no samples, or None if that was not tried.
        preparation: How a client brings pictures to the size of the model, by `fit` and `background`, or recordings to
            its sample rate, by `rate` and `length`; or None.

    Returns:
        Dict for a JSON file. For each input and output of each of `signatures` it has the shape (null: any size), the
        dtype, the kind (null: none), the range of values (null: any), the names of the axes, the two sizes of open axes
        that were verified, and the tensor's name in the SavedModel's graph, which a client of TensorFlow's C API needs.
        An input also has the largest size of open axes, such as the number of learned positions (null: any).
        `signature` and `value_range` are those of "serving_default".
    """
    entries = _entries(directory, served, layouts)
    default = entries[DEFAULT]
    return {
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "signatures": entries,
        "signature": {side: default[side] for side in ("inputs", "outputs")},
        "value_range": {key: entry["range"] for key, entry in default["inputs"].items()},
        "class_names": class_names,
        "preparation": None if preparation is None else dict(preparation),
        "parity": parity,
        "empty_batch": empty_batch,
        "tolerance": tolerance,
        "samples": "given" if layouts[0].given else "random, seed 0",
        "versions": _versions(),
        "sha256": checksums(directory, UNLISTED),
    }


def _entries(directory, served, layouts):
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())

    def entry(info, axes, sizes, kind, bounds):
        shape = [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
        return {
            "shape": shape,
            "dtype": tf.dtypes.as_dtype(info.dtype).name,
            "kind": kind,
            "range": None if bounds == (None, None) else list(bounds),
            "axes": axes,
            "sizes": {axis: sizes[axis] for axis in axes if axis in sizes},
            "tensor": info.name,
        }

    found = {}
    for one, its in zip(served, layouts, strict=True):
        for name in (one.name, *one.aliases):
            graph = saved.meta_graphs[0].signature_def[name]
            found[name] = {
                "inputs": {
                    key: {
                        **entry(graph.inputs[key], its.inputs[key], its.sizes, spec.kind, (spec.low, spec.high)),
                        "longest": spec.longest,
                    }
                    for key, spec in one.specs.items()
                },
                "outputs": {
                    key: entry(info, its.outputs[key], its.sizes, _kind(key), one.ranges.get(key, (None, None)))
                    for key, info in sorted(graph.outputs.items())
                },
                "onnx": one.file,
            }
    return found


def _kind(name):
    return name if name in KINDS else None


def _versions():
    from keras_ssl import __version__

    others = ("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime")
    return {"keras_ssl": __version__, **{name: importlib.metadata.version(name) for name in others}, "opset": OPSET}
