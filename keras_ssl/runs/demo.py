"""The whole way on one data set: pretrain, evaluate, fine-tune, deploy, report."""

import functools
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl import callbacks, data, evaluate, export, files, progress, recipes, transfer
from keras_ssl.backends import require, require_tensorflow
from keras_ssl.data.fitting import labeled
from keras_ssl.figures import plots, report
from keras_ssl.runs import sections
from keras_ssl.typing import Path

__all__ = ["run"]

_LABELS = 10  # per class, for the deployed classifier


def run(
    dataset: str = "digits",
    out: Path = "out",
    seed: int = 0,
    epochs: int | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> dict[str, Any]:
    """Pretrain with SimCLR and with an autoencoder, measure both with few labels, deploy a classifier, and report.

    Args:
        dataset: "digits", or a labeled image set of TensorFlow Datasets with train and test splits. The unlabeled
            images are those of `recipes.UNLABELED`, else all of train. Default: "digits".
        out: Folder for `results.json`, `report.html` and `model/1/`. Default: "out".
        seed: Seed of weights, order and views; the draws of labels have the seeds 0 to 4. Default: 0.
        epochs: Epochs of both pretrainings. Default: the recipes'.
        say: Called with text for the user, such as the table of results. Default: says nothing.

    Returns:
        The dict in `results.json`.

    Raises:
        UserError: If the data set does not exist or has no labels, the folder cannot be written in, or another process
            writes its demo there.
    """
    require_tensorflow("which exports the classifier")
    require("matplotlib", "which draws the report")
    for package in ("tf2onnx", "onnx", "onnxruntime"):
        require(package, "which exports the classifier")
    out = files.writable_folder(out, "choose another --out")
    with files.Lock(out):
        return _run(dataset, out, seed, epochs, say)


def _run(dataset, out, seed, epochs, say):
    start = time.perf_counter()
    train = data.load(dataset, "train", say=say)
    test = data.load(dataset, "test", say=say)
    (_, classes), _ = labeled(train), labeled(test)
    images, labels = data.few(train, _LABELS, seed)  # too few in a class fails here, before any training
    unlabeled = data.load(dataset, recipes.UNLABELED[dataset]) if dataset in recipes.UNLABELED else train
    objectives, histories = {}, {}
    for name in ("simclr", "autoencoder"):
        recipe = recipes.choose(name, dataset)(unlabeled, epochs, seed)
        shown = callbacks.Progress(type(recipe.objective).__name__)
        try:
            histories[name] = recipe.fit(callbacks=[shown], verbose=0).history
        finally:
            shown.close()
        objectives[name] = recipe.objective
    say("Measuring with few labels …")
    encoders = {name: objective.encoder for name, objective in objectives.items()}
    few = _label_efficiency(encoders, train, test)
    say("Fine-tuning and deploying …")
    classifier = transfer.fine_tune(encoders["simclr"], images, labels, classes, seed=seed)
    prepared = None if train.preparation is None else train.preparation.to_json()
    names = train.class_names
    version = export.deploy(classifier, out / "model", samples=images, class_names=names, preparation=prepared)
    manifest = json.loads((version / "manifest.json").read_text())
    results = {
        "dataset": dataset,
        "seed": seed,
        "wall_seconds": 0.0,
        "label_efficiency": {m: {str(n): v for n, v in by.items()} for m, by in few.summary().items()},
        "parity": {kind: max(manifest["parity"][kind].values()) for kind in ("saved_model", "onnx")},
        "collapse": {name: evaluate.collapse(encoder, test) for name, encoder in encoders.items()},
    }
    sections = _sections(objectives, histories, few, classifier, test, manifest)
    results["wall_seconds"] = round(time.perf_counter() - start, 1)
    page = _write_report(out / "report.html", results, version, sections)
    files.write_json(out / "results.json", results)
    say(few.text())
    say(f"\nModel:  {version}  (SavedModel, model.onnx, manifest.json)\nReport: {page}")
    return results


def _label_efficiency(encoders, train, test):
    counts = evaluate.label_counts(train)
    with progress.bar("Few labels", after=0) as move:
        return evaluate.label_efficiency(encoders, train, test, counts, fine_tune=("simclr",), progress=move)


def _sections(objectives, histories, few, classifier, test, manifest):
    """The figures and tables of the report."""
    summary, shown, encoder = few.summary(), sections.some(test, 10), objectives["simclr"].encoder
    n = _LABELS if _LABELS in summary["simclr"] else max(summary["simclr"])
    probabilities = evaluate.embed(classifier, test)
    return [
        *sections.of_few_labels(few, n),
        *sections.of_encoder(encoder, test, functools.cache(lambda: evaluate.embed(encoder, test))),
        report.Section(
            "Pretraining",
            "Loss by epoch, and signs of collapse.",
            lambda: plots.learning_curves(histories),
        ),
        report.Section(
            "Reconstructions",
            "Test images, and their reconstructions by the autoencoder.",
            lambda: _reconstructions(objectives["autoencoder"], shown.inputs()),
        ),
        *sections.of_classifier(classifier, test, probabilities),
        report.Section(
            "Parity of the exported files",
            f"Largest max|a-b| / max|a| to the Keras model at batch sizes {manifest['parity']['batches']}; "
            f"a model is deployed only if it is at most {manifest['tolerance']:g}.",
            table=_parity_table(manifest["parity"]),
        ),
    ]


def _reconstructions(autoencoder, images):
    return plots.reconstructions(images, np.asarray(autoencoder.reconstruct(images)))


def _parity_table(parity):
    outputs = list(parity["onnx"])
    rows = [[kind, *(f"{parity[kind][output]:.1e}" for output in outputs)] for kind in ("saved_model", "onnx")]
    return report.Table(["file", *outputs], rows)


def _write_report(path, results, version, sections):
    accuracy = results["label_efficiency"]
    n = max((k for k in accuracy["simclr"] if int(k) <= 5), key=int)
    simclr, raw = accuracy["simclr"][n]["mean"], accuracy["raw_inputs"][n]["mean"]
    lead = (
        f"With {n} label{'s' if n != '1' else ''} per class, a linear classifier on the pretrained SimCLR encoder gets "
        f"{simclr:.1%} of the test images right; on raw pixels it gets {raw:.1%}."
    )
    facts = {
        "data set": results["dataset"],
        "seed": results["seed"],
        "duration": f"{results['wall_seconds']:.0f} s",
        "model version": version.name,
    }
    return report.write(path, f"keras_ssl on {results['dataset']}", lead, facts, sections)
