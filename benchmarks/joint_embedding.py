"""All joint-embedding objectives by one protocol: the same encoder, views, epochs, batch, seeds; last epoch.

    python -m benchmarks.joint_embedding --dataset fashion_mnist
    python -m benchmarks.joint_embedding --dataset fashion_mnist --peer /tmp/peer/bin/python
    python -m benchmarks.joint_embedding --dataset fashion_mnist --objectives byol --seeds 1 --validate
    python -m benchmarks.joint_embedding --dataset cifar10 --backend jax --data cifar10.npz --checkpoints run \\
        --encoder resnet18 --objectives simclr byol --images 50000 --epochs 200 --batch 512 --bfloat16 --seeds 1

Objectives, encoder, views and optimizer are those of the recipes for the data set. Scores are on the test split, of the
encoder after its last epoch: accuracy of nearest neighbors and of a linear classifier, both with the labels of all
images trained on, and of a linear classifier with 10 labels per class (mean of five draws). Raw inputs and the
untrained encoder stand beside them. Each row is measured in a process of its own, whose peak of memory after the first
training is shown; seconds per epoch are the median over epochs after the first, which compiles, of the fastest seed.

With `--peer PYTHON`, an interpreter that has lightly (`requirements-lightly.txt`), each objective that lightly has is
followed by lightly's loss, heads and transforms from the same first weights, with the same images, epochs, batch,
optimizer and seeds.

With `--validate` the last 5,000 images of train stand for the test split: choices were made so. It writes nothing.

With `--backend jax` TensorFlow need not be installed: images and labels come from `--data`, an .npz of "train_images",
"train_labels", "test_images" and "test_labels", which a run with TensorFlow writes if it is not there. `--checkpoints`
keeps the newest state in a folder every few epochs; the same command goes on from there.

Results go to `benchmarks/results/`; rows that are there are kept while the protocol is the same, unless `--again`.
Embeddings are kept too (`protocol.py`), so that another protocol of scoring trains nothing. At the default sizes the
table goes into docs/objectives.md; results of other sizes have a file of their own.
"""

import argparse
import pathlib
import tempfile

import numpy as np

from benchmarks.joint_embedding_row import LIGHTLY, PEER, RAW, UNTRAINED
from benchmarks.pages import RESULTS, refresh
from benchmarks.protocol import VERSION, note
from benchmarks.tables import SCORES, beyond, collected, fastest, quoted, write_arrays
from keras_ssl.names import JOINT_EMBEDDING as NAMES


def label(name):
    """How the table calls a row."""
    own = name.removeprefix(PEER)
    return (PEER if own != name else "") + NAMES.get(own, own)


def section(result):
    """The table, and the lines under it."""
    lines = [f"| {result['dataset']} | {' | '.join(SCORES.values())} | s / epoch | GiB |", "|---" * 6 + "|"]
    for name, runs in result["rows"].items():
        cells = [quoted(runs, score) for score in SCORES]
        if "minutes" in runs[0]:
            peak = runs[0].get("peak_gib")  # later peaks hold the scoring of earlier seeds
            cells += [fastest(runs), f"{peak:.1f}" if peak else ""]
        else:
            cells += ["", ""]
        lines.append(f"| {label(name)} | {' | '.join(cells)} |")
    p = result["protocol"]
    return "\n".join(lines) + (
        f"\n\nTrained on the first {p['images']:,} images of train for {p['epochs']} epochs; "
        f"{result['test']:,} test images; mean ± standard deviation over {p['seeds']} seeds.\n"
        "More than two standard deviations above raw inputs and the untrained encoder:\n"
        + ";\n".join(f"by {title} {those_beyond(result['rows'], score)}" for score, title in SCORES.items())
        + "."
        + note(result)
    )


def those_beyond(rows, score):
    """Which of our rows are above raw inputs and the untrained encoder, in words."""
    ours = [name for name in NAMES if name in rows]
    above = beyond(rows, score, dict.fromkeys(ours, (RAW, UNTRAINED)))
    return "all" if len(above) == len(ours) else ", ".join(f"`{NAMES[name]}`" for name in above) or "none"


def command_line():
    """What can be said."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="fashion_mnist", help="with recipes: fashion_mnist (default) or cifar10")
    parser.add_argument("--images", type=int, default=10_000, help="the first of train (10,000)")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, … of weights, order and views")
    parser.add_argument("--objectives", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--peer", help="Python interpreter that has lightly")
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there already")
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    parser.add_argument("--data", help=".npz of images and labels; written if it is not there")
    parser.add_argument("--backend", choices=["tensorflow", "jax"], default="tensorflow")
    parser.add_argument("--encoder", choices=["recipe", "resnet18"], default="recipe", help="and with it the optimizer")
    parser.add_argument("--batch", type=int, default=512, help="with --encoder resnet18 (512)")
    parser.add_argument("--rate", type=float, default=2e-3, help="with --encoder resnet18 (2e-3)")
    parser.add_argument("--bfloat16", action="store_true", help="compute in mixed precision")
    parser.add_argument("--checkpoints", help="folder to go on from")
    parser.add_argument("--every", type=int, default=10, help="epochs between two checkpoints (10)")
    return parser


def main():
    """Measure row after row, writing the results after each, and print the table."""
    parser = command_line()
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given.data = given.data or f"{folder}/data.npz"
        if not pathlib.Path(given.data).exists():
            write_arrays(given.dataset, given.data)
        sizes = ("images", "epochs", "seeds", "encoder", "backend", "bfloat16")
        protocol = {key: getattr(given, key) for key in sizes}
        if given.encoder != "recipe":
            protocol |= {"batch": given.batch, "rate": given.rate}
        usual = protocol == {key: parser.get_default(key) for key in sizes}
        other = "" if usual else f"_{given.encoder}_{given.backend}_{given.epochs}"
        file = RESULTS / f"joint_embedding_{given.dataset}{other}.json"
        protocol["version"] = VERSION
        head = {"dataset": given.dataset, "protocol": protocol, "test": len(np.load(given.data)["test_labels"])}
        result = collected(None if given.validate else file, head, list(wanted(given)), given, folder)
        result["rows"] = {name: result["rows"][name] for name in order() if name in result["rows"]}
    if usual and not given.validate:
        refresh(f"joint_embedding_{given.dataset}")
    print(section(result))


def wanted(given):
    """Names of the rows to measure."""
    for name in (RAW, UNTRAINED, *given.objectives):
        yield name
        if given.peer and name in LIGHTLY:
            yield PEER + name


def order():
    """Names of all rows in the table's order."""
    return [RAW, UNTRAINED, *(row for name in NAMES for row in (name, PEER + name))]


if __name__ == "__main__":
    main()
