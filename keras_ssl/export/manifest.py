"""The manifest: the description of an exported model that is stored with it."""

import hashlib
import importlib.metadata
import pathlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from keras_ssl.export.formats import OPSET
from keras_ssl.export.signatures import INPUT_DTYPES
from keras_ssl.typing import Path

__all__ = ["checksums", "manifest"]


def manifest(
    directory: Path,
    name: str,
    parity: dict[str, Any],
    tolerance: float,
    samples: str,
    class_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the manifest of the files in `directory`. It is all that the deployment kit knows about them.

    Args:
        directory: Folder with `saved_model.pb`, `variables/` and `model.onnx`.
        name: Name of the model.
        parity: The differences that `verify` measured.
        tolerance: The largest difference that was allowed.
        samples: The images they were measured on: "given" or "random, seed 0".
        class_names: Names of the classes, or None.

    Returns:
        Dict for a JSON file. `signature` gives shape (null: any size), dtype and the tensor's name in the SavedModel's
        graph, which a client of TensorFlow's C API needs.
    """
    signature = _signature(directory)
    image = signature["inputs"]["image"]
    return {
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "signature": signature,
        "value_range": {"image": list(INPUT_DTYPES[image["dtype"]])},
        "class_names": class_names,
        "parity": parity,
        "tolerance": tolerance,
        "samples": samples,
        "versions": _versions(),
        "sha256": checksums(directory),
    }


def checksums(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under `directory` except `manifest.json`, by relative path."""
    directory = pathlib.Path(directory)
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / "manifest.json")
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _signature(directory):
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())
    served = saved.meta_graphs[0].signature_def["serving_default"]

    def entry(info):
        shape = [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
        return {"shape": shape, "dtype": tf.dtypes.as_dtype(info.dtype).name, "tensor": info.name}

    return {
        "inputs": {name: entry(info) for name, info in sorted(served.inputs.items())},
        "outputs": {name: entry(info) for name, info in sorted(served.outputs.items())},
    }


def _versions():
    from keras_ssl import __version__

    others = ("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime")
    return {"keras_ssl": __version__, **{name: importlib.metadata.version(name) for name in others}, "opset": OPSET}
