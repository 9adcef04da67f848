"""The SavedModel format."""

import pathlib

import keras

from keras_ssl.errors import UserError
from keras_ssl.export.signatures import Serving, serving
from keras_ssl.export.staging import place, refuse_existing, staged
from keras_ssl.typing import Path

__all__ = ["saved_model", "write_saved_model"]


def saved_model(model: keras.Model, directory: Path, input_dtype: str = "float32") -> pathlib.Path:
    """Write a model as a SavedModel with input `image` and outputs `probabilities` and `embedding`.

    A classifier has the output `probabilities`, and `embedding` if exactly one model is nested in it; an encoder has
    `embedding`. The batch size is dynamic. All outputs are float32: a mixed-precision model is exported in float32.

    Args:
        model: Functional or built sequential `keras.Model` from images to one output.
        directory: Path of the new folder. Nothing may be there.
        input_dtype: "float32" for images in 0..1, or "uint8" for 0..255, divided by 255 inside the graph. Default:
            "float32".

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        UserError: If the model cannot be exported, or something is at `directory`.
    """
    directory = pathlib.Path(directory)
    served = serving(model, input_dtype)
    refuse_existing(directory)
    with staged(directory.parent) as folder:
        write_saved_model(served, folder / "model")
        if not place(folder / "model", directory):
            refuse_existing(directory)
    return directory


def write_saved_model(served: Serving, directory: Path) -> None:
    """Write a `Serving` as a SavedModel in `directory`."""
    archive = keras.export.ExportArchive()
    archive.track(served.network)
    archive.add_endpoint("serving_default", served.function())
    try:
        archive.write_out(str(directory), verbose=False)
    except OSError:
        raise
    except Exception as error:
        raise UserError(
            "a model that can be written as a SavedModel",
            f"{type(error).__name__}: {error}",
            "replace the layer it names by one made of Keras or TensorFlow operations",
        ) from error
