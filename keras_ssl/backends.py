"""Which backend Keras runs on, and the errors where TensorFlow or another optional package is required."""

import importlib.util

from keras_ssl.errors import UserError

__all__ = ["EXTRAS", "check_backend", "on_tensorflow", "require", "require_tensorflow"]

EXTRAS = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "tf2onnx": "export",
    "onnx": "export",
    "onnxruntime": "export",
    "tensorflow_datasets": "datasets",
    "importlib_resources": "datasets",
    "matplotlib": "figures",
    "tokenizers": "text",
    "seqeval": "text",
    "sacrebleu": "text",
    "soundfile": "audio",
    "soxr": "audio",
    "av": "video",
}
"""Packages that are imported only where they are needed, and the extra of keras-ssl that installs each."""


def require(package: str, why: str) -> None:
    """Raise unless a package of `EXTRAS` is installed. It is not imported.

    Args:
        package: Name of the package as it is imported.
        why: What requires it, to complete "the package matplotlib, …", such as "which draws figures".

    Raises:
        UserError: If it is not installed.
    """
    if not _is_installed(package):
        raise UserError(f"the package {package}, {why}", "an environment without it", _install(package))


def check_backend() -> None:
    """Import Keras, and raise if the package of its backend is not installed.

    Raises:
        UserError: If it is not.
    """
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "jax", "torch"):
            raise
        do = _install(error.name) if error.name in EXTRAS else "set KERAS_BACKEND to tensorflow or jax"
        if error.name == "tensorflow" and _is_installed("jax"):
            do += ", or set KERAS_BACKEND=jax"
        raise UserError("an installed backend of Keras", f"an environment without {error.name}", do) from error


def on_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow."""
    import keras

    return keras.backend.backend() == "tensorflow"


def require_tensorflow(why: str, do: str = "set KERAS_BACKEND=tensorflow") -> None:
    """Raise unless Keras runs on TensorFlow.

    Args:
        why: What requires TensorFlow, to complete "Keras on TensorFlow, …", such as "which exports".
        do: What to do about it. Default: "set KERAS_BACKEND=tensorflow".

    Raises:
        UserError: If Keras runs on another backend.
    """
    if not on_tensorflow():
        import keras

        raise UserError(f"Keras on TensorFlow, {why}", f"Keras on {keras.backend.backend()}", do)


def _is_installed(package):
    return importlib.util.find_spec(package) is not None


def _install(package):
    return f"`pip install 'keras-ssl[{EXTRAS[package]}]'`"
