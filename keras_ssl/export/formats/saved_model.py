"""The SavedModel format."""

from pathlib import Path

import keras

from keras_ssl.errors import UserError
from keras_ssl.export.formats.paths import refuse_existing
from keras_ssl.export.signatures import serving
from keras_ssl.export.staging import place, staged

__all__ = ["saved_model", "write_saved_model"]


def saved_model(model, directory, input_dtype="float32"):
    """Write a model as a SavedModel with input `image` and outputs `probabilities` and `embedding`.

    A classifier gives `probabilities`, and `embedding` where exactly one model is nested in it; a bare encoder gives
    `embedding`. The batch is dynamic; all outputs are float32, also those of a mixed-precision model, which is
    exported in float32.

    Args:
        model: Functional or built sequential `keras.Model` from images to one output.
        directory: Path of the folder to make. Nothing may be there.
        input_dtype: "float32" for images in 0..1 (default), or "uint8" for 0..255, divided by 255 inside the graph.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        UserError: If the model cannot be exported, or something is at `directory`.
    """
    served, directory = serving(model, input_dtype), Path(directory)
    refuse_existing(directory)
    with staged(directory.parent) as folder:
        write_saved_model(served, folder / "model")
        if not place(folder / "model", directory):
            refuse_existing(directory)
    return directory


def write_saved_model(served, directory):
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
            "replace the layer that it names by one made of Keras or TensorFlow operations",
        ) from error
