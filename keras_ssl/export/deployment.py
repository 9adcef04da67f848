"""From a model to a new version folder that a server may load at any time."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_ssl.backends import require
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.export.axes import layout
from keras_ssl.export.clients import PerChannel, Sends, ValueRange
from keras_ssl.export.formats import write_onnx, write_saved_model
from keras_ssl.export.manifest import manifest
from keras_ssl.export.naming import SCORES
from keras_ssl.export.parity import (
    BATCHES,
    check_parity,
    compare_all,
    empty_batches,
    onnx_runtime,
    saved_model_runtime,
)
from keras_ssl.export.sealing import write_manifest
from keras_ssl.export.signatures import Signatures, servings
from keras_ssl.files import place, staged
from keras_ssl.networks import check_finite_weights, is_graph, without_lora
from keras_ssl.tokenizers import Tokenizer, check_fits
from keras_ssl.typing import Path, Samples

__all__ = ["deploy"]


def deploy(
    model: Any,
    directory: Path,
    samples: Samples | None = None,
    input_dtype: str = "float32",
    tolerance: float = 1e-5,
    class_names: Sequence[str] | None = None,
    version: int | None = None,
    *,
    outputs: Mapping[str, Any] | None = None,
    signatures: Signatures | None = None,
    value_range: ValueRange = None,
    mean: PerChannel = None,
    std: PerChannel = None,
    preparation: Mapping[str, Any] | None = None,
    tokenizer: Tokenizer | None = None,
) -> pathlib.Path:
    """Export a model in both formats, verify them, and put them into the next version folder under `directory`.

    They are written in a hidden folder, which is renamed to its version once Keras, SavedModel and ONNX Runtime have
    been found to agree, for batches of 1, 2, 7 and 32 samples and at two sizes of each axis that is open. On any
    failure nothing is left. No version is ever overwritten, and processes that deploy at the same time get different
    versions.

    Inputs are served under the keys of a dict of inputs or the names of the `keras.Input`s; the only input is "image"
    if it is one. The only output is `probabilities` or `logits` if it comes from a layer of that name, as in
    `transfer.classifier`, which also has the output of its encoder as `embedding`; otherwise it is `embedding`,
    whatever its activation. `outputs` gives other names; a dict of outputs keeps its keys. Floats are served as
    float32. Samples of the wrong shape are refused. LoRA's products are merged into their kernels, unless `outputs` is
    given.

    Args:
        model: Functional or built sequential `keras.Model`, or an objective, whose `signatures()` are all served:
            "embed" is then also the default.
        directory: Path of the model's folder, named after the model. It is made if it does not exist.
        samples: Samples as the client sends them to the default signature, to verify on: an array, or a dict of them by
            name. The first 30 are used, repeated if there are fewer, and two of lowest and highest values. Default:
            random ones, seed 0.
        input_dtype: "float32"; or "uint8" for images in 0..255 or "int16" for audio, divided inside the graph. They are
            not divided if the model's first layers do that, as `Rescaling(1 / 255)` does. Default: "float32".
        tolerance: Largest max|a-b| / max|a| of an output over a batch. Default: 1e-5.
        class_names: Names of the classes for the manifest, in the order of `probabilities` or `logits`, or None.
        version: Number of the version, which must not exist. Default: the next one.
        outputs: `{"name": symbolic tensor or name of a layer}` of the default signature, in place of the model's
            outputs. Default: None.
        signatures: More signatures, by name: a `keras.Model`, or a pair of a model or a function and the specs of its
            inputs, a `specs.Spec` or a dict of them by name. A function takes a tensor, or a dict of them if the specs
            are one, and returns a dict of tensors. Specs say what the model takes where that is not the range of its
            kind: `{"serving_default": (model, Spec((None, 32, 32, 3), low=-1, high=1, kind="image"))}`. Default: None.
        value_range: Lowest and highest value that the client sends where that is not what the model takes (images in
            0..1, or in 0..255 if its first layers divide them), or a dict of such pairs by input. The graph converts.
            Default: None.
        mean: Number, or one for each channel, that the client subtracts from values in this range, or a dict of them by
            input. The graph undoes it. Default: None.
        std: What the client divides by after that. Default: None.
        preparation: How the images that the model was trained on got their size, or the recordings their sample rate,
            for the manifest, so that clients do the same: `source.preparation.to_json()`. Default: None.
        tokenizer: What made the ids of text that the default signature takes, or else another one. It is written as
            `tokenizer.json`, with its SHA-256 in the manifest, so that clients send the same ids. Default: None.

    Returns:
        `pathlib.Path` of the new version folder, which holds `saved_model.pb`, `variables/`, `model.onnx` (and
        `NAME.onnx` for each other signature), `tokenizer.json` if there is one, `manifest.json`, and its SHA-256 in
        `manifest.sha256`.

    Raises:
        UserError: If the model, the samples, the version or the directory cannot be used; if weights are not finite, or
            outputs for the samples, or for those whose floats are all lowest or all highest.
        ParityError: If the three do not agree.
    """
    check_between("tolerance", tolerance, above=0)
    tolerance = float(tolerance)
    directory = pathlib.Path(directory)
    for one in (model, *(signatures or {}).values()):
        check_finite_weights(one[0] if isinstance(one, tuple) else one)
    if outputs is None and is_graph(model):
        model = without_lora(model)
    served = servings(model, Sends(input_dtype, value_range, mean, std), outputs, signatures)
    if tokenizer is not None:
        check_fits(tokenizer, {f"{one.name}/{key}": spec for one in served for key, spec in one.specs.items()})
    for package in ("tf2onnx", "onnx", "onnxruntime"):
        require(package, "which writes or verifies ONNX files")
    layouts = [layout(served[0], samples), *map(layout, served[1:])]
    class_names = _checked_names(class_names, layouts[0])
    version = _checked_version(version, directory)
    with staged(directory) as folder:
        target = folder / "version"
        write_saved_model(served, target)
        if tokenizer is not None:
            tokenizer.save(target / "tokenizer.json")
        for one, its in zip(served, layouts, strict=True):
            write_onnx(one, target, target / one.file, its)
        runtimes = [
            {"saved_model": saved_model_runtime(target, one.name)[0], "onnx": onnx_runtime(target / one.file)}
            for one in served
        ]
        parity = compare_all(served, layouts, runtimes)
        check_parity(parity, tolerance)
        about = manifest(
            target,
            name=directory.resolve().name,
            served=served,
            layouts=layouts,
            parity={**parity, "batches": list(BATCHES)},
            tolerance=tolerance,
            class_names=class_names,
            empty_batch=empty_batches(runtimes[0], target / served[0].file, layouts[0].samples[0]),
            preparation=preparation,
        )
        return _place_version(target, directory, version, about)


def _place_version(folder, directory, version, about):
    """Rename `folder` to `version`, or to the next free number, and write that number in its manifest."""
    while True:
        number = version or _next_version(directory)
        write_manifest(folder, {"version": number, **about})
        if place(folder, directory / str(number)):
            return directory / str(number)
        _checked_version(version, directory)


def _next_version(directory):
    return 1 + max((int(path.name) for path in directory.iterdir() if path.name.isdecimal()), default=0)


def _checked_version(version, directory):
    """The version as an integer that JSON can hold, or None."""
    if version is None:
        return None
    check_between("version", version, least=1, whole=True)
    if (directory / str(version)).exists():
        raise UserError(
            f"a version that is not in {directory} yet",
            f"{version}, which exists",
            "leave `version` out for the next free number",
        )
    return int(version)


def _checked_names(class_names, its):
    if class_names is None:
        return None
    class_names = [str(name) for name in class_names]
    classes = {its.shapes[name][-1] for name in SCORES if name in its.shapes}
    if not classes:
        raise UserError(
            "an output named 'probabilities' or 'logits' for `class_names`",
            f"{len(class_names)} names for the output(s) {', '.join(its.shapes)}",
            "say which output has the classes, `outputs={'probabilities': model.output}`, or leave the names out",
        )
    if classes != {len(class_names)}:
        raise UserError(
            "one class name for each class",
            f"{len(class_names)} names for {classes.pop()} classes",
            "give the names in the order of the classes, or none",
        )
    return class_names
