"""Reproduce the label-efficiency tables: the recipes, on the test splits, beside their baselines.

    python -m benchmarks.label_efficiency digits mnist fashion_mnist
    python -m benchmarks.label_efficiency --validate mnist     # to choose views, widths and rates by; writes nothing

Protocol: pretraining on the recipe's unlabeled images (digits: all 1,400 of train; the others: the first 20,000), last
epoch; five draws of labels from train (seeds 0 to 4); scores on the whole test split. mnist and fashion_mnist come from
TensorFlow Datasets and must be prepared or downloadable. Results go to `benchmarks/results/`, into
docs/label_efficiency.md and into the README; `tests/test_readme.py` holds them together. With --validate the last fifth
of train takes the place of the test split and is not pretrained on, and test data is not loaded at all.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import tensorflow as tf

from benchmarks.pages import publish
from benchmarks.protocol import VERSION, kept, note
from keras_ssl import callbacks, data, evaluate, progress, recipes, runs
from keras_ssl.figures.palette import label

TITLES = {"digits": "digits", "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
SUMMARIZED = ("1", "10", "100")  # labels per class


def pretrained(name, dataset, source, seed, again):
    """The encoder of a recipe, and the seconds that its training took: a kept one, where there is one."""
    file = kept(f"label_efficiency_{name}", dataset=dataset, seed=seed, images=len(source)).with_suffix(".keras")
    if file.exists() and not again:
        return runs.load_model(file), runs.about(file)["seconds"]
    recipe = recipes.choose(name, dataset)(source, seed=seed)
    begun = time.perf_counter()
    recipe.fit(callbacks=[callbacks.Progress(f"{dataset}, {name}")], verbose=0)
    seconds = time.perf_counter() - begun
    runs.save_model(recipe.objective.encoder, file, seconds=seconds)
    return recipe.objective.encoder, seconds


def splits(dataset, validate):
    """Unlabeled images, and labeled ones to fit and to score on."""
    train = data.load(dataset, "train")
    unlabeled = data.load(dataset, recipes.UNLABELED.get(dataset, "train"))
    if not validate:
        return unlabeled, train, data.load(dataset, "test")
    kept = len(train) * 4 // 5
    return unlabeled[:kept], train[:kept], train[kept:]


def measure(dataset, seed, validate, again=False):
    """Everything that the tables show of one data set."""
    unlabeled, train, test = splits(dataset, validate)
    encoders, seconds = {}, {}
    for name in ("simclr", "autoencoder"):
        encoders[name], seconds[name] = pretrained(name, dataset, unlabeled, seed, again)
    begun = time.perf_counter()
    with progress.bar(f"{dataset}, few labels", after=0) as move:
        few = evaluate.label_efficiency(encoders, train, test, fine_tune=("simclr",), progress=move)
    return {
        "dataset": dataset,
        "protocol": {"version": VERSION},
        "seed": seed,
        "unlabeled": len(unlabeled),
        "test": len(test),
        "pretraining_seconds": seconds,
        "measuring_seconds": time.perf_counter() - begun,
        "scores": {metric: few.summary(metric) for metric in ("accuracy", "precision", "recall", "f1")},
        "steps_to_raw_inputs": {n: few.steps_to(n) for n in few.targets},
        "knn": {name: evaluate.knn(encoder, train, test)["accuracy"] for name, encoder in encoders.items()},
        "collapse": {name: evaluate.collapse(encoder, test) for name, encoder in encoders.items()},
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }


def markdown(result):
    """The table of one data set."""
    accuracy = result["scores"]["accuracy"]
    counts = list(accuracy["raw_inputs"])
    header = f"| {result['dataset']}, labels per class | {' | '.join(map(str, counts))} |"
    lines = [header, "|---" * (len(counts) + 1) + "|"]
    for method, by_labels in accuracy.items():
        cells = (f"{by_labels[n]['mean']:.3f} ± {by_labels[n]['std']:.3f}" for n in counts)
        lines.append(f"| {label(method)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def section(result, split="test"):
    """The table of one data set, and the lines under it."""
    simclr, autoencoder = (result["pretraining_seconds"][name] for name in ("simclr", "autoencoder"))
    return (
        f"{markdown(result)}\n\n{result['unlabeled']:,} unlabeled, {result['test']:,} {split} images; pretraining "
        f"took {simclr:.0f} s with SimCLR and {autoencoder:.0f} s with the Autoencoder, on a machine that\nalso did "
        f"other work ({result['machine']})."
        f"{note(result)}"
    )


def summary(*results):
    """The README's table: a row for each data set and number of labels per class, in percent."""
    methods = list(results[0]["scores"]["accuracy"])
    lines = [f"| data set | labels per class | {' | '.join(map(label, methods))} |", "|---" * (len(methods) + 2) + "|"]
    for result in results:
        for n in SUMMARIZED:
            scores = (result["scores"]["accuracy"][method][n] for method in methods)
            cells = (f"{100 * score['mean']:.1f} ± {100 * score['std']:.1f}" for score in scores)
            lines.append(f"| {TITLES[result['dataset']]} | {n} | {' | '.join(cells)} |")
    unlabeled, test = (" / ".join(f"{result[key]:,}" for result in results) for key in ("unlabeled", "test"))
    return "\n".join(lines) + (
        f"\n\nAccuracy in percent on the test split, mean ± standard deviation over five draws of the labels; "
        f"{unlabeled} unlabeled and\n{test} test images; seed 0, last epoch ({results[0]['machine']}).{note(*results)}"
    )


def main():
    """Measure the data sets that are named and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="+", choices=["digits", "mnist", "fashion_mnist"])
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of weights, order and views (0, which alone is written; draws of labels are 0 to 4)",
    )
    parser.add_argument("--validate", action="store_true", help="score on the last fifth of train; write nothing")
    parser.add_argument("--again", action="store_true", help="pretrain anew where an encoder is kept")
    arguments = parser.parse_args()
    for dataset in arguments.datasets:
        result = measure(dataset, arguments.seed, arguments.validate, arguments.again)
        print(f"\n{section(result, 'validation' if arguments.validate else 'test')}\n")
        if arguments.validate or arguments.seed != 0:
            continue
        publish(f"label_efficiency_{dataset}", result)


if __name__ == "__main__":
    main()
