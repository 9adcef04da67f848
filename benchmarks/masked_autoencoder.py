"""What a small vision transformer gains on CIFAR-10 by masked images, epoch by epoch.

    python -m benchmarks.masked_autoencoder
    python -m benchmarks.masked_autoencoder --validate --images 5000 --epochs 10

`recipes.small_images.masked_autoencoder` on the first 20,000 images of train. Accuracies are those of a linear
classifier on the frozen representation, fitted to the labels of the images trained on, and scored on all test images:
of raw inputs, of as many principal components as the representation is wide, of the untrained transformer, and every
five epochs. What counts is the last one; the others show where it is going. Results of protocol 1, whose linear
classifier did not subtract the features' mean, also hold "untrained, centered": the accuracy of the untrained
transformer, whose features are nearly all mean, with the mean subtracted.

With `--validate` the last 5,000 images of train stand for the test split: choices were made so. It writes nothing.
"""

import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import numpy as np

from benchmarks.joint_embedding_row import VALIDATION, clock, principal
from benchmarks.pages import publish
from benchmarks.protocol import VERSION, note
from keras_ssl import callbacks, data, evaluate, recipes
from keras_ssl.transfer import fit_linear

EVERY = 5  # epochs from one score to the next


def splits(images, validate):
    """Images to train on and to score on."""
    train = data.load("cifar10", "train")
    rest, test = (train[:-VALIDATION], train[-VALIDATION:]) if validate else (train, data.load("cifar10", "test"))
    return rest[:images], test


def measure(given):
    """The curve, and what it is compared with."""
    train, test = splits(given.images, given.validate)
    recipe = recipes.small_images.masked_autoencoder(train, given.epochs, given.seed)
    components = f"PCA, {recipe.objective.encoder.output_shape[-1]}"
    h = [evaluate.embed(recipe.objective.encoder, source) for source in (train, test)]
    mean = h[0].mean(axis=0)
    floors = {
        "raw inputs": evaluate.linear_probe(None, train, test)["accuracy"],
        components: accuracy(principal(components, None, train, test, given.seed)[0], train, test),
    }
    probe = callbacks.LinearProbe(train, test, every=EVERY, limit=None)
    timer, seconds = clock()
    watching = [timer, probe, callbacks.Progress("MaskedAutoencoder")]
    history = recipe.fit(verbose=0, callbacks=watching).history
    return {
        "protocol": {"version": VERSION},
        "floors": floors | {"untrained": probe.before},
        "mean_share": float(np.square(mean).sum() / np.square(h[0]).sum(axis=1).mean()),
        "curve": dict(zip(range(EVERY, recipe.epochs + 1, EVERY), history[probe.key])),
        "losses": history["loss"],
        "seconds_per_epoch": float(np.median(seconds)),
        "images": len(train),
        "test": len(test),
        "epochs": recipe.epochs,
        "seed": given.seed,
    }


def accuracy(h, train, test):
    """That of the linear classifier on representations of train and test images."""
    return float((fit_linear(h[0], train.labels).predict(h[1]) == test.labels).mean())


def section(result):
    """The table, and the lines under it."""
    columns = result["floors"] | {f"epoch {epoch}": value for epoch, value in result["curve"].items()}
    cells = " | ".join(f"{value:.3f}" for value in columns.values())
    last = list(result["curve"].values())[-1]
    gains = {name: 100 * (last - value) for name, value in result["floors"].items()}
    centered = gains.get("untrained, centered")  # with protocol 1
    return (
        f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n| {cells} |\n\n"
        f"`MaskedAutoencoder` on the first {result['images']:,} images of CIFAR-10, {result['epochs']} epochs of "
        f"{result['seconds_per_epoch']:.0f} s (2 cores,\nnot idle otherwise), one seed: linear accuracy on "
        f"{result['test']:,} test images, {gains['untrained']:+.1f} points over the untrained transformer\n"
        + (f"and {centered:+.1f} over it with the mean subtracted" if centered is not None else "")
        + f" (the mean is {100 * result['mean_share']:.0f} % of the mean squared length of the untrained features)."
        + note(result)
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=20_000, help="the first of train (20,000)")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    given = parser.parse_args()
    if given.epochs < EVERY or given.epochs % EVERY:
        parser.error(f"--epochs: a multiple of {EVERY}, so that the last one is scored")
    result = measure(given)
    print(json.dumps(result, indent=1))
    print(section(result))
    if all(getattr(given, key) == parser.get_default(key) for key in vars(given)):
        publish("masked_autoencoder", result)


if __name__ == "__main__":
    main()
