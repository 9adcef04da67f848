"""From a model to a new version folder that a server may load at any time."""

import json
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.export.formats import write_onnx, write_saved_model
from keras_ssl.export.manifest import manifest
from keras_ssl.export.parity import BATCHES, check_parity, check_tolerance, compare, onnx_runtime, saved_model_runtime
from keras_ssl.export.samples import verification_images
from keras_ssl.export.signatures import serving
from keras_ssl.export.staging import place, staged
from keras_ssl.typing import Path

__all__ = ["deploy"]


def deploy(
    model: keras.Model,
    directory: Path,
    samples: np.ndarray | None = None,
    input_dtype: str = "float32",
    tolerance: float = 1e-5,
    class_names: Sequence[str] | None = None,
    version: int | None = None,
) -> pathlib.Path:
    """Export a model in both formats, verify them, and put them into the next version folder under `directory`.

    They are written in a hidden folder, which is renamed to its version once Keras, SavedModel and ONNX Runtime have
    been found to agree. On any failure nothing is left. No version is ever overwritten, and processes that deploy at
    the same time get different versions.

    Args:
        model: Functional or built sequential `keras.Model` from images to one output: an encoder or a classifier
            (see `saved_model` for the outputs).
        directory: Path of the model's folder, named after the model. It is made if it does not exist.
        samples: Images of `input_dtype` to verify on. The first 32 are used, repeated if there are fewer. Default:
            random ones, seed 0.
        input_dtype: "float32" for images in 0..1, or "uint8" for 0..255, divided by 255 inside the graph. Default:
            "float32".
        tolerance: Largest max|a-b| / max|a| of an output over a batch. Default: 1e-5.
        class_names: Names of the classes for the manifest, in order, or None.
        version: Number of the version, which must not exist. Default: the next one.

    Returns:
        `pathlib.Path` of the new version folder, which holds `saved_model.pb`, `variables/`, `model.onnx` and
        `manifest.json`.

    Raises:
        UserError: If the model, the samples, the version or the directory cannot be used.
        ParityError: If the three do not agree.
    """
    check_tolerance(tolerance)
    directory = pathlib.Path(directory)
    served = serving(model, input_dtype)
    images = verification_images(samples, served.shape, input_dtype)
    class_names = _checked_names(class_names, served)
    _check_version(version, directory)
    with staged(directory) as folder:
        target = folder / "version"
        write_saved_model(served, target)
        write_onnx(served, target / "model.onnx")
        run, _ = saved_model_runtime(target)
        candidates = {"saved_model": run, "onnx": onnx_runtime(target / "model.onnx")}
        parity = compare(served.answer, candidates, images)
        check_parity(parity, tolerance)
        about = manifest(
            target,
            name=directory.resolve().name,
            parity={**parity, "batches": list(BATCHES)},
            tolerance=tolerance,
            samples="random, seed 0" if samples is None else "given",
            class_names=class_names,
        )
        return _place_version(target, directory, version, about)


def _place_version(folder, directory, version, about):
    """Rename `folder` to `version`, or to the next free number, and write that number in its manifest."""
    while True:
        number = version or _next_version(directory)
        text = json.dumps({"version": number, **about}, indent=2) + "\n"
        (folder / "manifest.json").write_text(text, encoding="utf-8")
        if place(folder, directory / str(number)):
            return directory / str(number)
        _check_version(version, directory)


def _next_version(directory):
    return 1 + max((int(path.name) for path in directory.iterdir() if path.name.isdecimal()), default=0)


def _check_version(version, directory):
    if version is None:
        return
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise UserError("a version number of 1 or more", repr(version), "leave it out for the next free number")
    if (directory / str(version)).exists():
        raise UserError(
            f"a version that is not in {directory} yet",
            f"{version}, which exists",
            "leave `version` out for the next free number",
        )


def _checked_names(class_names, served):
    if class_names is None:
        return None
    class_names = [str(name) for name in class_names]
    probabilities = served.network.output.get("probabilities")
    classes = None if probabilities is None else probabilities.shape[-1]
    if len(class_names) != classes:
        raise UserError(
            "one class name for each probability",
            f"{len(class_names)} names for {classes or 'no'} probabilities",
            "give the names in the order of the classes, or none",
        )
    return class_names
