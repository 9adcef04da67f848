"""Whether SavedModel and ONNX Runtime give the same outputs as Keras."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.export.samples import verification_images
from keras_ssl.export.signatures import need_tensorflow, serving
from keras_ssl.typing import Path

__all__ = [
    "BATCHES",
    "ParityError",
    "Runtime",
    "check_parity",
    "check_tolerance",
    "compare",
    "difference",
    "onnx_runtime",
    "saved_model_runtime",
    "verify",
]

Runtime: TypeAlias = Callable[[np.ndarray], dict[str, np.ndarray]]
"""A function from images to outputs by name."""

BATCHES = (1, 2, 7, 32)
"""Batch sizes that are compared, to find files with a fixed batch size or that mix up samples."""


class ParityError(UserError):
    """An exported file gives other outputs than the model it was made from.

    Args:
        expected: See `UserError`.
        received: See `UserError`.
        do: See `UserError`.
        figures: Dict of the measured differences, `{"onnx": {"embedding": 0.2}, …}`.
    """

    def __init__(self, expected: str, received: str, do: str, figures: dict):
        super().__init__(expected, received, do)
        self.figures = figures


def verify(
    model: keras.Model | None, directory: Path, samples: np.ndarray | None = None, tolerance: float = 1e-5
) -> dict[str, Any]:
    """Compare the outputs of Keras, SavedModel and ONNX Runtime on the CPU, for batches of 1, 2, 7 and 32 images.

    Args:
        model: The `keras.Model` that was deployed, or None to compare only the ONNX file with the SavedModel. A
            mixed-precision model is compared as it was exported, in float32.
        directory: Folder with `saved_model.pb` and `model.onnx`, such as `models/digits/1`.
        samples: Images of the artifact's input dtype. The first 32 are used, repeated if there are fewer. Default:
            random ones, seed 0.
        tolerance: Largest difference that passes. Default: 1e-5.

    Returns:
        `{"saved_model": {"probabilities": x, "embedding": y}, "onnx": {…}, "batches": [1, 2, 7, 32]}`. Each number is
        the largest max|a - b| / max|a| of an output over the batches, where a is Keras's output. Without a model there
        is no "saved_model".

    Raises:
        ParityError: If a difference is above the tolerance.
        UserError: If a file is missing, or the samples do not fit.
    """
    need_tensorflow()
    check_tolerance(tolerance)
    directory = pathlib.Path(directory)
    for name in ("saved_model.pb", "model.onnx"):
        if not (directory / name).is_file():
            raise UserError(
                f"a folder with {name}", f"{directory}, which has none", "give a version folder, such as DIR/1"
            )
    run, image = saved_model_runtime(directory)
    images = verification_images(samples, tuple(image.shape), image.dtype.name)
    candidates = {"onnx": onnx_runtime(directory / "model.onnx")}
    reference = run
    if model is not None:
        reference = serving(model, image.dtype.name).answer
        candidates = {"saved_model": run, **candidates}
    figures = compare(reference, candidates, images)
    check_parity(figures, tolerance)
    return {**figures, "batches": list(BATCHES)}


def compare(reference: Runtime, candidates: Mapping[str, Runtime], images: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the largest difference of each candidate from the reference, by output, over all batch sizes.

    Args:
        reference: Function from images to a dict of arrays.
        candidates: Such functions by name.
        images: At least 32 images.

    Returns:
        `{candidate: {output: difference}}`.
    """
    import tensorflow as tf

    figures: dict = {name: {} for name in candidates}
    with tf.device("/CPU:0"):  # a GPU's TF32 differs from float32 by 1e-3, which is no fault of the files
        for size in BATCHES:
            expected = reference(images[:size])
            for name, answer in candidates.items():
                received = answer(images[:size])
                for output in {**expected, **received}:
                    value = difference(expected.get(output), received.get(output))
                    figures[name][output] = max(value, figures[name].get(output, 0.0))
    return figures


def difference(expected: np.ndarray | None, received: np.ndarray | None) -> float:
    """Return max|a - b| / max|a| over whole arrays; infinity if one is missing, misshapen or not finite."""
    if expected is None or received is None or expected.shape != received.shape:
        return float("inf")
    a, b = np.float64(expected), np.float64(received)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo("float32").tiny))


def check_parity(figures: dict[str, dict[str, float]], tolerance: float) -> None:
    """Raise `ParityError` unless every difference that `compare` returned is at most `tolerance`."""
    above = [
        f"{value:.1e} for {output} of {name}"
        for name, outputs in figures.items()
        for output, value in outputs.items()
        if not value <= tolerance
    ]
    if above:
        raise ParityError(
            f"outputs within {tolerance:g} of those of Keras",
            "differences of " + ", ".join(above),
            "look for a layer that is random, or depends on the batch, at inference; raise `tolerance` only if the "
            "difference is harmless",
            figures,
        )


def check_tolerance(tolerance: float) -> None:
    """Raise `UserError` unless `tolerance` is a positive, finite number."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 < tolerance < float("inf"):
        raise UserError("a tolerance above 0", repr(tolerance), "leave it out for 1e-5")


def saved_model_runtime(directory: Path) -> tuple[Runtime, Any]:
    """Return a function that runs a SavedModel on images, and the `tf.TensorSpec` of its input."""
    import tensorflow as tf

    with tf.device("/CPU:0"):
        loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["serving_default"]

    def run(images, keep=loaded):  # the variables live only as long as the loaded object
        return {name: value.numpy() for name, value in signature(image=tf.constant(images)).items()}

    return run, signature.structured_input_signature[1]["image"]


def onnx_runtime(path: Path) -> Runtime:
    """Return a function that runs an ONNX file on images."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"image": images})))
