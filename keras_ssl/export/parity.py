"""Whether SavedModel and ONNX Runtime answer what Keras answers."""

from pathlib import Path

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.export.samples import verification_images
from keras_ssl.export.signatures import need_tensorflow, serving

__all__ = [
    "ParityError",
    "verify",
    "compare",
    "difference",
    "check_parity",
    "check_tolerance",
    "saved_model_runtime",
    "onnx_runtime",
    "BATCHES",
]

BATCHES = (1, 2, 7, 32)
"""Batch sizes that are compared: a file that fixed its batch, or that mixes up its samples, shows it here."""


class ParityError(UserError):
    """An exported file answers otherwise than the model that it was made from.

    Args:
        expected: See `UserError`.
        received: See `UserError`.
        do: See `UserError`.
        figures: Dict of the measured differences, `{"onnx": {"embedding": 0.2}, …}`.
    """

    def __init__(self, expected: str, received: str, do: str, figures: dict):
        super().__init__(expected, received, do)
        self.figures = figures


def verify(model, directory, samples=None, tolerance=1e-5):
    """Compare the answers of Keras, SavedModel and ONNX Runtime on the CPU, at batches of 1, 2, 7 and 32 images.

    Args:
        model: The `keras.Model` that was deployed, or None to compare the ONNX file with the SavedModel alone. A
            mixed-precision model is compared as it was exported, in float32.
        directory: Folder that holds `saved_model.pb` and `model.onnx`, such as `models/digits/1`.
        samples: Images of the dtype that the artifact takes; the first 32 are used, repeated if they are fewer. None
            (default): random ones, seed 0.
        tolerance: Largest difference that passes. Default 1e-5.

    Returns:
        `{"saved_model": {"probabilities": x, "embedding": y}, "onnx": {…}, "batches": [1, 2, 7, 32]}`, where a
        figure is the largest over the batches of max|a - b| / max|a| over the whole output, a being Keras's answer.
        Without a model there is no "saved_model".

    Raises:
        ParityError: If a difference is above the tolerance.
        UserError: If a file is missing, or the samples do not fit.
    """
    need_tensorflow()
    check_tolerance(tolerance)
    directory = Path(directory)
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


def compare(reference, candidates, images):
    """Return the largest difference of each candidate from the reference, per output, over all batch sizes.

    Args:
        reference: Callable from images to a dict of arrays.
        candidates: Dict of such callables.
        images: At least 32 images.

    Returns:
        `{candidate: {output: difference}}`.
    """
    import tensorflow as tf

    figures: dict = {name: {} for name in candidates}
    with tf.device("/CPU:0"):  # a GPU's TF32 would differ from the files' float32 by 1e-3, through no fault of theirs
        for size in BATCHES:
            expected = reference(images[:size])
            for name, answer in candidates.items():
                received = answer(images[:size])
                for output in {**expected, **received}:
                    value = difference(expected.get(output), received.get(output))
                    figures[name][output] = max(value, figures[name].get(output, 0.0))
    return figures


def difference(expected, received):
    """Return max|a - b| / max|a| over a whole array; infinite where either is missing, misshapen or not finite."""
    if expected is None or received is None or expected.shape != received.shape:
        return float("inf")
    a, b = np.float64(expected), np.float64(received)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo("float32").tiny))


def check_parity(figures, tolerance):
    """Raise `ParityError` unless every figure of `compare` is at most `tolerance`."""
    above = [
        f"{value:.1e} for {output} of {name}"
        for name, outputs in figures.items()
        for output, value in outputs.items()
        if not value <= tolerance
    ]
    if above:
        raise ParityError(
            f"answers within {tolerance:g} of those of Keras",
            "differences of " + ", ".join(above),
            "look for a layer that is random or depends on the batch in inference; raise `tolerance` only if the "
            "difference is harmless",
            figures,
        )


def check_tolerance(tolerance):
    """Raise `UserError` unless `tolerance` is a positive, finite number."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 < tolerance < float("inf"):
        raise UserError("a tolerance above 0", repr(tolerance), "leave it out for 1e-5")


def saved_model_runtime(directory):
    """Return a callable from images to a dict of arrays that answers from a SavedModel, and the spec of its image."""
    import tensorflow as tf

    with tf.device("/CPU:0"):
        loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["serving_default"]

    def run(images, keep=loaded):  # the variables live only as long as what was loaded
        return {name: value.numpy() for name, value in signature(image=tf.constant(images)).items()}

    return run, signature.structured_input_signature[1]["image"]


def onnx_runtime(path):
    """Return a callable from images to a dict of arrays that answers from an ONNX file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"image": images})))
