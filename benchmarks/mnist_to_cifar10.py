"""What an autoencoder learns on MNIST is worth on CIFAR-10: gray digits to colored photographs.

    python -m benchmarks.mnist_to_cifar10
    python -m benchmarks.mnist_to_cifar10 --validate --seeds 1     # to choose by; writes nothing

Protocol: the recipe `mnist.autoencoder_for_cifar10` trains on the first 10,000 images of MNIST's train split, 5 epochs,
and `transfer.adapt_input` makes its encoder one of 32x32 images in three channels. Beside it the same autoencoder
trains on the first 10,000 of CIFAR-10. Labels are drawn from CIFAR-10's train split; scores are accuracies on its whole
test split. Frozen encoders and raw inputs get the linear classifier of `transfer.fit_linear`; fine-tuning and training
from scratch take 300 Adam steps of 32 samples at the rates of `evaluate.label_efficiency`, and are scored after the
last. The seed is that of the weights, of the order and of the draw of labels. Both data sets come from TensorFlow
Datasets and must be prepared or downloadable.

With `--validate` the last 5,000 images of CIFAR-10's train split stand for its test split, which is not loaded.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pages import publish
from benchmarks.protocol import VERSION, note
from benchmarks.tables import cell
from keras_ssl import callbacks, data, evaluate, networks, recipes, transfer
from keras_ssl.recipes.networks import bottleneck_conv_net

IMAGES, EPOCHS = 10_000, 5
LABELS = (10, 100)
FINE_TUNING_RATE, SCRATCH_RATE = 3e-4, 1e-3
VALIDATION = 5000  # images at the end of train
GAINS = {
    "frozen, over the untrained encoder": ("frozen", "untrained, frozen"),
    "fine-tuned, over training from scratch": ("fine-tuned", "from scratch"),
}


def splits(validate):
    """Images of CIFAR-10 to pretrain on and draw labels from, and those to score on."""
    train = data.load("cifar10", "train")
    return (train[:-VALIDATION], train[-VALIDATION:]) if validate else (train, data.load("cifar10", "test"))


def pretrained(recipe, words):
    """The recipe's encoder after its last epoch, and the seconds that its training took."""
    begun = time.perf_counter()
    recipe.fit(callbacks=[callbacks.Progress(words)], verbose=0)
    return recipe.objective.encoder, time.perf_counter() - begun


def measured(seed, digits, train, test, tuning):
    """Accuracies by row and labels per class, and the seconds of both pretrainings."""
    made = {
        "MNIST": recipes.mnist.autoencoder_for_cifar10(digits, EPOCHS, seed),
        "CIFAR-10": recipes.small_images.bottleneck_autoencoder(train[:IMAGES], EPOCHS, seed),
    }
    encoders: dict = {"raw inputs": None, "untrained": networks.reinitialized(tuning.encoder, seed)}
    seconds = {}
    for name, recipe in made.items():
        encoder, seconds[name] = pretrained(recipe, f"{name}, seed {seed}")
        encoders[name] = transfer.adapt_input(encoder, train.shape)
    embedded = {name: evaluate.embed(encoder, test) for name, encoder in encoders.items()}
    found: dict = {}
    for n in LABELS:
        for row, predictions in few_labels(encoders, embedded, data.few(train, n, seed), test, tuning, seed):
            found.setdefault(row, {})[str(n)] = float((predictions == test.labels).mean())
            print(f"seed {seed}, {n} labels per class, {row}: {found[row][str(n)]:.4f}", flush=True)
    return found, seconds


def few_labels(encoders, embedded, few, test, tuning, seed):
    """Pairs of a row and its predictions of the test images."""
    images, labels = few
    for name, encoder in encoders.items():
        frozen = transfer.fit_linear(evaluate.embed(encoder, images), labels)
        yield name if encoder is None else f"{name}, frozen", frozen.predict(embedded[name])
        if encoder is None:
            continue
        scratch = name == "untrained"
        rate = SCRATCH_RATE if scratch else FINE_TUNING_RATE
        tuning.fit(encoder.get_weights(), images, labels, rate, seed, "random" if scratch else None)
        predictions = networks.predict_in_batches(tuning.model, test.inputs()).argmax(-1)
        yield "from scratch" if scratch else f"{name}, fine-tuned", predictions


def gain(result, name, n, kind):
    """What pretraining on a data set adds, by seed."""
    better, worse = GAINS[kind]
    rows = result["rows"]
    return np.subtract(rows[f"{name}, {better}"][n], rows[worse][n])


def section(result, split="test"):
    """The table, the gains and the protocol."""
    counts = list(result["rows"]["raw inputs"])
    header = f"| CIFAR-10, pretrained on | {' | '.join(f'{n} labels per class' for n in counts)} |"
    lines = [header, "|---" * (len(counts) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(cell(by[n]) for n in counts)} |" for row, by in result["rows"].items()]
    lines.append(f"\nGain by seed, at {' and '.join(counts)} labels per class:\n")
    for kind in GAINS:
        words = (
            f"{name} {' and '.join(cell(gain(result, name, n, kind), sign='+') for n in counts)}"
            for name in ("MNIST", "CIFAR-10")
        )
        lines.append(f"- {kind}: {'; '.join(words)}")
    runs = result["pretraining_seconds"]
    seconds = {name: min(by[name] for by in runs) for name in ("MNIST", "CIFAR-10")}
    lines.append(
        f"\nPretrained on the first {result['images']:,} images of train for {result['epochs']} epochs, in "
        f"{seconds['MNIST']:.0f} s on MNIST and {seconds['CIFAR-10']:.0f} s on CIFAR-10 (the fastest seed); "
        f"{result['test']:,} {split} images; mean ± standard deviation over {len(runs)} seeds ({result['machine']})."
        f"{note(result)}"
    )
    return "\n".join(lines)


def main():
    """Measure seed after seed, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seeds", type=int, default=3, help="0, 1, … of weights, order and labels (3, which is written)"
    )
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    given = parser.parse_args()
    digits, (train, test) = data.load("mnist", f"train[:{IMAGES}]"), splits(given.validate)
    tuning = transfer.FineTuning(bottleneck_conv_net(train), train.classes)
    runs = [measured(seed, digits, train, test, tuning) for seed in range(given.seeds)]
    first = runs[0][0]
    result = {
        "protocol": {"version": VERSION},
        "images": IMAGES,
        "epochs": EPOCHS,
        "test": len(test),
        "rows": {row: {n: [found[row][n] for found, _ in runs] for n in first[row]} for row in first},
        "pretraining_seconds": [seconds for _, seconds in runs],
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    print(f"\n{section(result, 'validation' if given.validate else 'test')}\n")
    if given.seeds == parser.get_default("seeds") and not given.validate:
        publish("mnist_to_cifar10", result)


if __name__ == "__main__":
    main()
