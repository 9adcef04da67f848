"""Whether SavedModel and ONNX Runtime give the same outputs as Keras."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from keras_ssl import trees
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.export.axes import Layout, layout
from keras_ssl.export.clients import PerChannel, Sends, ValueRange
from keras_ssl.export.sealing import check_unchanged
from keras_ssl.export.signatures import DEFAULT, Serving, Signatures, need_tensorflow, servings
from keras_ssl.typing import Path, Samples

__all__ = [
    "BATCHES",
    "ParityError",
    "Runtime",
    "check_parity",
    "compare",
    "compare_all",
    "difference",
    "empty_batches",
    "onnx_runtime",
    "saved_model_runtime",
    "verify",
]

Runtime: TypeAlias = Callable[[Samples], dict[str, np.ndarray]]
"""A function from an array, or a dict of arrays by name, to outputs by name."""

BATCHES = (1, 2, 7, 32)
"""Batch sizes that are compared, to find files with a fixed batch size or that mix up samples."""


_RECURRENT = {"LSTM", "GRU", "RNN"}  # at a batch of 0 ONNX Runtime 1.31.1 calls std::terminate


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
    model: Any,
    directory: Path,
    samples: Samples | None = None,
    tolerance: float = 1e-5,
    *,
    outputs: Mapping[str, Any] | None = None,
    signatures: Signatures | None = None,
    value_range: ValueRange = None,
    mean: PerChannel = None,
    std: PerChannel = None,
) -> dict[str, Any]:
    """Compare the outputs of Keras, SavedModel and ONNX Runtime on the CPU, for batches of 1, 2, 7 and 32 samples.

    Args:
        model: The model or objective that was deployed, or None to compare only the ONNX files with the SavedModel. A
            mixed-precision model is compared as it was exported, in float32.
        directory: Version folder that `deploy` made, such as `models/digits/1`.
        samples: Samples as the client sends them. The first 30 are used, repeated if there are fewer, and two of lowest
            and highest values; without a model, the first 32 alone. Default: random ones, seed 0.
        tolerance: Largest difference that passes. Default: 1e-5.
        outputs: As given to `deploy`.
        signatures: As given to `deploy`.
        value_range: As given to `deploy`.
        mean: As given to `deploy`.
        std: As given to `deploy`.

    Returns:
        `{"saved_model": {"probabilities": x, "embedding": y}, "onnx": {…}, "batches": [1, 2, 7, 32]}`. Each number is
        the largest max|a - b| / max|a| of an output over the batches, where a is Keras's output. Outputs of other
        signatures than the default one are named `signature/output`. Without a model there is no "saved_model".

    Raises:
        ParityError: If a difference is above the tolerance.
        UserError: If a file is missing or has changed since it was deployed, or the samples do not fit.
    """
    need_tensorflow()
    check_between("tolerance", tolerance, above=0)
    directory = pathlib.Path(directory)
    for name in ("saved_model.pb", "model.onnx"):
        if not (directory / name).is_file():
            raise UserError(
                f"a folder with {name}", f"{directory}, which has none", "give a version folder, such as DIR/1"
            )
    check_unchanged(directory)
    if model is None:
        figures = _compare_files(directory, samples)
    else:
        sends = Sends(_input_dtype(directory), value_range, mean, std)
        served = servings(model, sends, outputs, signatures)
        layouts = [layout(one, samples if one.name == DEFAULT else None) for one in served]
        runtimes = [
            {"saved_model": saved_model_runtime(directory, one.name)[0], "onnx": onnx_runtime(directory / one.file)}
            for one in served
        ]
        figures = compare_all(served, layouts, runtimes)
    check_parity(figures, tolerance)
    return {**figures, "batches": list(BATCHES)}


def compare_all(
    served: Sequence[Serving], layouts: Sequence[Layout], runtimes: Sequence[Mapping[str, Runtime]]
) -> dict[str, dict[str, float]]:
    """Return the differences of all signatures from Keras. See `verify`.

    Args:
        served: The signatures.
        layouts: The samples of each.
        runtimes: The runtimes of each: "saved_model" and "onnx".
    """
    figures: dict[str, dict[str, float]] = {"saved_model": {}, "onnx": {}}
    for one, its, candidates in zip(served, layouts, runtimes, strict=True):
        for samples in its.samples:
            for name, found in compare(one.answer, candidates, samples).items():
                for output, value in found.items():
                    key = output if one.name == DEFAULT else f"{one.name}/{output}"
                    figures[name][key] = max(value, figures[name].get(key, 0.0))
    return figures


def _compare_files(directory, samples):
    """Differences of the default ONNX file from the SavedModel, on the given samples or random ones."""
    run, inputs = saved_model_runtime(directory)
    onnx = onnx_runtime(directory / "model.onnx")
    if samples is None:
        about = _manifest(directory)["signatures"][DEFAULT]["inputs"]
        samples = {name: _random(entry, 32, k) for k, (name, entry) in enumerate(about.items())}
    elif not isinstance(samples, Mapping):
        samples = {next(iter(inputs)): np.asarray(samples)}
    return compare(run, {"onnx": onnx}, {name: np.resize(x, (32, *x.shape[1:])) for name, x in samples.items()})


def _random(entry, count, seed):
    from keras_ssl.specs import Spec

    low, high = entry["range"] or (None, None)
    spec = Spec(tuple(entry["shape"]), entry["dtype"], low, high)
    return spec.sample(count, seed, tuple(entry["sizes"][axis][0] for axis in entry["axes"] if axis in entry["sizes"]))


def _manifest(directory):
    file = pathlib.Path(directory) / "manifest.json"
    if not file.is_file():
        raise UserError("a folder with manifest.json", f"{directory}, which has none", "give what `deploy` returned")
    return json.loads(file.read_text(encoding="utf-8"))


def _input_dtype(directory):
    """What clients of a deployed model send, as `deploy` was told: the stored dtype of one of its inputs."""
    if not (pathlib.Path(directory) / "manifest.json").is_file():
        return "float32"
    about = _manifest(directory)["signatures"].values()
    dtypes = {entry["dtype"] for one in about for entry in one["inputs"].values() if entry["kind"] is not None}
    return next((dtype for dtype in ("uint8", "int16") if dtype in dtypes), "float32")


def compare(reference: Runtime, candidates: Mapping[str, Runtime], samples: Samples) -> dict[str, dict[str, float]]:
    """Return the largest difference of each candidate from the reference, by output, over all batch sizes.

    Args:
        reference: Function from samples to a dict of arrays.
        candidates: Such functions by name.
        samples: Array, or dict of arrays; batches that they are too few for are left out.

    Returns:
        `{candidate: {output: difference}}`.
    """
    import tensorflow as tf

    figures: dict = {name: {} for name in candidates}
    with tf.device("/CPU:0"):  # a GPU's TF32 differs from float32 by 1e-3, which is no fault of the files
        for size in (size for size in BATCHES if size <= trees.count(samples)):
            batch = trees.take(samples, slice(size))
            expected = reference(batch)
            for name, answer in candidates.items():
                received = answer(batch)
                for output in {**expected, **received}:
                    value = difference(expected.get(output), received.get(output))
                    figures[name][output] = max(value, figures[name].get(output, 0.0))
    return figures


def empty_batches(runtimes: Mapping[str, Runtime], path: Path, samples: Samples) -> dict[str, bool]:
    """Return which runtimes answer a batch of no samples with as many. Some convolutions cannot.

    ONNX Runtime is not asked where its recurrent operators are in the file: they end the process.

    Args:
        runtimes: Runtimes by name: "saved_model" and "onnx".
        path: Path of the ONNX file.
        samples: At least one sample.
    """
    import onnx

    aborts = any(node.op_type in _RECURRENT for node in onnx.load(str(path)).graph.node)
    return {name: not (name == "onnx" and aborts) and _answers_none(run, samples) for name, run in runtimes.items()}


def _answers_none(runtime, samples):
    expected = {name: (0, *y.shape[1:]) for name, y in runtime(trees.take(samples, slice(1))).items()}
    try:
        received = {name: y.shape for name, y in runtime(trees.take(samples, slice(0))).items()}
    except Exception:  # whatever a runtime raises
        return False
    return received == expected


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


def saved_model_runtime(directory: Path, name: str = DEFAULT) -> tuple[Runtime, dict[str, Any]]:
    """Return a function that runs a signature of a SavedModel, and the `tf.TensorSpec`s of its inputs by name.

    Args:
        directory: Folder with `saved_model.pb`.
        name: Name of the signature.
    """
    import tensorflow as tf

    with tf.device("/CPU:0"):
        loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures[name]
    inputs = signature.structured_input_signature[1]

    def run(samples, keep=loaded):  # the variables live only as long as the loaded object
        given = samples if isinstance(samples, Mapping) else {next(iter(inputs)): samples}
        outputs = signature(**{key: tf.constant(x) for key, x in given.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    return run, inputs


def onnx_runtime(path: Path) -> Runtime:
    """Return a function that runs an ONNX file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    first = session.get_inputs()[0].name

    def run(samples):
        given, options = samples if isinstance(samples, Mapping) else {first: samples}, None
        if trees.count(samples) == 0:  # that it cannot answer it is no error, and needs no line on the terminal
            options = onnxruntime.RunOptions()
            options.log_severity_level = 4
        return dict(zip(names, session.run(names, given, options)))

    return run
