"""All other objectives on the images of `joint_embedding.py`, with its epochs, seeds and scores; last epoch.

    python -m benchmarks.classical --dataset fashion_mnist
    python -m benchmarks.classical --dataset cifar10 --objectives rotation --seeds 1 --validate

Objectives and encoders are those of the recipes in `recipes.CLASSICAL`, also where `recipes.choose` has another one for
a data set. Rows stand in groups of one encoder each, below the principal components of as many dimensions and the same
encoder untrained. Scores are those of `joint_embedding.py`; "MSE" is the squared error per pixel of rebuilding the
first 2,000 test images, where whole images are rebuilt.

With `--validate` the last 5,000 images of train stand for the test split: choices were made so. It writes nothing.
"""

import argparse
import tempfile

import numpy as np

from benchmarks.joint_embedding_row import PCA, RAW, UNTRAINED
from benchmarks.pages import RESULTS, refresh
from benchmarks.protocol import VERSION, note
from benchmarks.tables import SCORES, beyond, collected, fastest, quoted, write_arrays

GROUPS = {
    "convolutional, 512": {
        "autoencoder": "`Autoencoder`",
        "sparse_autoencoder": "`SparseAutoencoder`",
        "denoising_autoencoder": "`DenoisingAutoencoder`",
        "variational_autoencoder": "`VariationalAutoencoder`",
        "inpainting": "`Inpainting`",
        "rotation": "`RotationPrediction`",
        "flip": "`FlipPrediction`",
        "jigsaw": "`JigsawPrediction`",
        "attributes": "`AttributePrediction`",
    },
    "convolutional, spectrally normalized, 512": {"gan": "`GAN`"},
    "convolutional, 128": {"bottleneck_autoencoder": "`Autoencoder`", "bigan": "`BiGAN`"},
    "dense, 32": {"dense_autoencoder": "`Autoencoder`"},
    "dense, 16": {"deep_dense_autoencoder": "`Autoencoder`"},
    "vision transformer, 128": {"masked_autoencoder": "`MaskedAutoencoder`"},
}
NAMES = {name: title for group in GROUPS.values() for name, title in group.items()}
PROTOCOL = ("images", "epochs", "seeds")


def floors(group):
    """Names of the rows that stand above those of a group: principal components, and its encoder untrained."""
    return [f"{PCA}, {group.rpartition(', ')[2]}", f"{UNTRAINED}: {next(iter(GROUPS[group]))}"]


def section(result):
    """The table, and the lines under it."""
    rows = result["rows"]
    lines = [f"| {result['dataset']} | {' | '.join(SCORES.values())} | MSE | s / epoch |", "|---" * 6 + "|"]
    lines.append(line(RAW, rows[RAW]))
    for group, names in GROUPS.items():
        if any(name in rows for name in names):
            pca, untrained = floors(group)
            titles = {pca: pca, untrained: f"{UNTRAINED} ({group})"} | names
            lines += [line(title, rows[name]) for name, title in titles.items() if name in rows]
    p = result["protocol"]
    below = {name: (RAW, *floors(group)) for group, names in GROUPS.items() for name in names if name in rows}
    found = {title: beyond(rows, score, below) for score, title in SCORES.items()}
    return "\n".join(lines) + (
        f"\n\nTrained on the first {p['images']:,} images of train for {p['epochs']} epochs; {result['test']:,} test "
        f"images; mean ± standard deviation over {p['seeds']} seeds; seconds of the fastest.\n"
        "Rates and batches are those of the recipes (batches of 128; `GAN` and `BiGAN` of 64).\n"
        "More than two standard deviations above raw inputs, PCA and the untrained encoder:\n"
        + ";\n".join(f"by {title} {words(names)}" for title, names in found.items())
        + "."
        + note(result)
    )


def line(title, runs):
    """One row of the table."""
    error = quoted_error(runs) if "mse" in runs[0] else ""
    seconds = fastest(runs) if "seconds_per_epoch" in runs[0] else ""
    return f"| {title} | {' | '.join(quoted(runs, score) for score in SCORES)} | {error} | {seconds} |"


def quoted_error(runs):
    """Mean squared error over seeds."""
    return f"{np.mean([run['mse'] for run in runs]):.4f}"


def words(names):
    """Titles of rows, as a list in words."""
    titles = [NAMES[name].strip("`") + f" ({name})" * (NAMES[name] == "`Autoencoder`") for name in names]
    return ", ".join(titles) or "none"


def main():
    """Measure row after row, writing the results after each, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="fashion_mnist", help="mnist, fashion_mnist (default) or cifar10")
    parser.add_argument("--images", type=int, default=10_000, help="the first of train (10,000)")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, … of weights and order")
    parser.add_argument("--objectives", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there already")
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    parser.set_defaults(backend="tensorflow", bfloat16=False, encoder="recipe", checkpoints=None, every=0)
    given = parser.parse_args()
    wanted = [RAW]
    for group, names in GROUPS.items():
        if chosen := [name for name in names if name in given.objectives]:
            wanted += [*floors(group), *chosen]
    usual = all(getattr(given, key) == parser.get_default(key) for key in PROTOCOL)
    with tempfile.TemporaryDirectory() as folder:
        given.data = f"{folder}/data.npz"
        write_arrays(given.dataset, given.data)
        head = {
            "dataset": given.dataset,
            "protocol": {key: getattr(given, key) for key in PROTOCOL} | {"version": VERSION},
            "test": len(np.load(given.data)["test_labels"]),
        }
        file = RESULTS / f"classical_{given.dataset}.json" if usual and not given.validate else None
        result = collected(file, head, wanted, given, folder)
    print(section(result))
    if file:
        refresh(f"classical_{given.dataset}")


if __name__ == "__main__":
    main()
