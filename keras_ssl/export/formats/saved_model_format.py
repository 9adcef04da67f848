"""The SavedModel format."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.export.clients import PerChannel, Sends, ValueRange
from keras_ssl.export.signatures import Serving, Signatures, servings
from keras_ssl.files import check_no_pattern, place, refuse_existing, staged
from keras_ssl.networks import all_layers
from keras_ssl.typing import Path

__all__ = ["saved_model", "write_saved_model"]


def saved_model(
    model: Any,
    directory: Path,
    input_dtype: str = "float32",
    *,
    outputs: Mapping[str, Any] | None = None,
    signatures: Signatures | None = None,
    value_range: ValueRange = None,
    mean: PerChannel = None,
    std: PerChannel = None,
) -> pathlib.Path:
    """Write a model as a SavedModel, without comparing it with Keras.

    The arguments are those of `deploy`. All float outputs are float32; a mixed-precision model is exported in float32.

    Args:
        model: See `deploy`.
        directory: Path of the new folder. Nothing may be there.
        input_dtype: See `deploy`.
        outputs: See `deploy`.
        signatures: See `deploy`.
        value_range: See `deploy`.
        mean: See `deploy`.
        std: See `deploy`.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        UserError: If the model cannot be exported, or something is at `directory`.
    """
    directory = pathlib.Path(directory)
    served = servings(model, Sends(input_dtype, value_range, mean, std), outputs, signatures)
    check_no_pattern(directory)
    refuse_existing(directory)
    with staged(directory.parent) as folder:
        write_saved_model(served, folder / "model")
        if not place(folder / "model", directory):
            refuse_existing(directory)
    return directory


def write_saved_model(served: Serving | Sequence[Serving], directory: Path) -> None:
    """Write one `Serving`, or several, as a SavedModel in `directory`, with each weight stored once.

    `keras.export.ExportArchive` stores each weight twice: under the Keras layer and under the TensorFlow variable.

    Args:
        served: The signatures.
        directory: Path of the folder.

    Raises:
        UserError: If TensorFlow cannot trace or write one of them.
    """
    import tensorflow as tf

    check_no_pattern(directory)
    served = [served] if isinstance(served, Serving) else served
    module, functions, variables, resources = tf.Module(), {}, {}, {}
    try:
        for one in served:
            function = one.function().get_concrete_function()
            functions.update(dict.fromkeys((one.name, *one.aliases), function))
            variables.update({id(variable): variable for variable in function.graph.variables})
            resources.update({id(resource): resource for resource in _resources(one.network)})
        module.weights, module.resources = list(variables.values()), list(resources.values())
        tf.saved_model.save(module, str(directory), signatures=functions)
    except (OSError, UserError):
        raise
    except Exception as error:
        raise UserError(
            "a model that can be written as a SavedModel",
            f"{type(error).__name__}: {error}",
            "replace the layer it names by one made of Keras or TensorFlow operations",
        ) from error


def _resources(network):
    """Lookup tables and other resources of TensorFlow that layers hold."""
    import tensorflow as tf

    layers = all_layers(network) if hasattr(network, "_flatten_layers") else []
    kind = tf.saved_model.experimental.TrackableResource
    return [value for layer in layers for value in vars(layer).values() if isinstance(value, kind)]
