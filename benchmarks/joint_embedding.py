"""All joint-embedding objectives by one protocol: the same encoder, views, epochs, batch, seeds; last epoch.

    python benchmarks/joint_embedding.py --dataset fashion_mnist
    python benchmarks/joint_embedding.py --dataset fashion_mnist --peer /tmp/peer/bin/python
    python benchmarks/joint_embedding.py --dataset fashion_mnist --objectives byol --seeds 1 --validate
    python benchmarks/joint_embedding.py --dataset cifar10 --backend jax --data cifar10.npz --checkpoints run \\
        --encoder resnet18 --objectives simclr byol --images 50000 --epochs 200 --batch 512 --bfloat16 --seeds 1

Objectives, encoder, views and optimizer are those of the recipes for the data set. Scores are on the test split, of the
encoder after its last epoch: accuracy of nearest neighbours and of a linear classifier, both with the labels of all
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

Results go to `benchmarks/results/`; rows that are there are kept while the protocol is the same, unless `--again` (or
their entry is deleted, as where one recipe has changed). At the default sizes the table goes into the README; results
of other sizes have a file of their own.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from joint_embedding_row import LIGHTLY, PEER, RAW, UNTRAINED
from readme import RESULTS, write_section

NAMES = {
    "simclr": "SimCLR",
    "moco": "MoCo",
    "nnclr": "NNCLR",
    "byol": "BYOL",
    "simsiam": "SimSiam",
    "dino": "DINO",
    "barlow_twins": "BarlowTwins",
    "vicreg": "VICReg",
    "swav": "SwAV",
}
SCORES = {"knn": "kNN", "linear": "linear", "ten_labels": "10 labels per class"}
ROW = pathlib.Path(__file__).with_name("joint_embedding_row.py")


def label(name):
    """How the table calls a row."""
    own = name.removeprefix(PEER)
    return (PEER if own != name else "") + NAMES.get(own, own)


def section(result):
    """The README's table, and the line under it."""
    lines = [f"| {result['dataset']} | {' | '.join(SCORES.values())} | s / epoch | GiB |", "|---" * 6 + "|"]
    for name, runs in result["rows"].items():
        cells = [quoted(runs, score) for score in SCORES]
        if "minutes" in runs[0]:
            fastest = min(run["seconds_per_epoch"] for run in runs)  # on a machine that does other things too
            peak = runs[0].get("peak_gib")  # later peaks hold the scoring of earlier seeds
            cells += [f"{fastest:.0f}", f"{peak:.1f}" if peak else ""]
        else:
            cells += ["", ""]
        lines.append(f"| {label(name)} | {' | '.join(cells)} |")
    p = result["protocol"]
    return "\n".join(lines) + (
        f"\n\nTrained on the first {p['images']:,} images of train for {p['epochs']} epochs; "
        f"{result['test']:,} test images; mean ± standard deviation over {p['seeds']} seeds.\n"
        "More than two standard deviations above raw inputs and the untrained encoder:\n"
        + ";\n".join(f"by {title} {beyond(result['rows'], score)}" for score, title in SCORES.items())
        + "."
    )


def beyond(rows, score):
    """Which of our rows are more than two standard deviations, of both together, above raw inputs and untrained."""
    values = {name: [run[score] for run in runs] for name, runs in rows.items()}
    found = {name: (np.mean(scores), np.std(scores)) for name, scores in values.items()}
    floors = [found[name] for name in (RAW, UNTRAINED) if name in found]
    ours = [name for name in NAMES if name in found]
    above = [
        f"`{NAMES[name]}`"
        for name in ours
        if all(found[name][0] - mean > 2 * np.hypot(found[name][1], std) for mean, std in floors)
    ]
    return "all" if len(above) == len(ours) else ", ".join(above) or "none"


def quoted(runs, score):
    """Mean and standard deviation over seeds, where there are several."""
    values = [run[score] for run in runs]
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")


def write_arrays(dataset, file):
    """Write the images and labels of a data set that TensorFlow Datasets has."""
    from keras_ssl import data

    arrays = {}
    for split in ("train", "test"):
        source = data.load(dataset, split)
        arrays |= {f"{split}_images": source.images, f"{split}_labels": source.labels}
    np.savez(file, **arrays)


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
        old = json.loads(file.read_text()) if file.exists() else {"protocol": None}
        found = old["rows"] if old["protocol"] == protocol and not given.validate else {}
        result = {"dataset": given.dataset, "protocol": protocol, "test": len(np.load(given.data)["test_labels"])}
        for name in wanted(given):
            if given.again or name not in found:
                found[name] = measured(name, given, folder)
            result["rows"] = {key: found[key] for key in order() if key in found}
            if not given.validate:
                file.write_text(json.dumps(result, indent=1) + "\n")
    if usual and not given.validate:
        write_section(f"joint embedding: {given.dataset}", section(result))
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


def measured(name, given, folder):
    """Figures of each seed, from a process of its own."""
    arguments, output = pathlib.Path(folder) / "options.json", pathlib.Path(folder) / "row.json"
    arguments.write_text(json.dumps(vars(given)))
    subprocess.run([sys.executable, str(ROW), name, str(arguments), str(output)], check=True)
    return json.loads(output.read_text())


if __name__ == "__main__":
    main()
