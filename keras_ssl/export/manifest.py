"""What an artifact says about itself."""

import hashlib
import importlib.metadata
from datetime import UTC, datetime
from pathlib import Path

from keras_ssl.export.formats import OPSET
from keras_ssl.export.signatures import INPUT_DTYPES

__all__ = ["manifest", "checksums"]


def manifest(directory, name, parity, tolerance, samples, class_names=None):
    """Return the manifest of the files in `directory`, which is all that the deployment kit knows of them.

    Args:
        directory: Folder with `saved_model.pb`, `variables/` and `model.onnx`.
        name: Name of the model.
        parity: What `verify` measured.
        tolerance: What it was held to.
        samples: What it was measured on: "given" or "random, seed 0".
        class_names: List of names of the classes, or None.

    Returns:
        Dict that `json` writes. `signature` gives shape (null: any size), dtype and the tensor's name in the
        SavedModel's graph, which a client of TensorFlow's C API needs.
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


def checksums(directory):
    """Return the SHA-256 of every file under `directory` but `manifest.json`, by its relative path."""
    directory = Path(directory)
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / "manifest.json")
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _signature(directory):
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((Path(directory) / "saved_model.pb").read_bytes())
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
