"""Which backend Keras runs on, and what needs which."""

import keras

from keras_ssl.errors import UserError

__all__ = ["on_tensorflow", "require_tensorflow"]


def on_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow."""
    return keras.backend.backend() == "tensorflow"


def require_tensorflow(why: str, do: str = "set KERAS_BACKEND=tensorflow") -> None:
    """Raise unless Keras runs on TensorFlow.

    Args:
        why: What needs it, as the end of "TensorFlow, …", such as "which exports".
        do: What to do about it.

    Raises:
        UserError: On another backend.
    """
    if not on_tensorflow():
        raise UserError(f"Keras on TensorFlow, {why}", f"Keras on {keras.backend.backend()}", do)
