"""Which backend Keras runs on, and the error where TensorFlow is required."""

import keras

from keras_ssl.errors import UserError

__all__ = ["on_tensorflow", "require_tensorflow"]


def on_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow."""
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
        raise UserError(f"Keras on TensorFlow, {why}", f"Keras on {keras.backend.backend()}", do)
