"""All joint-embedding objectives by one protocol: the same encoder, views, epochs, batch, seeds; last epoch.

    python benchmarks/joint_embedding.py [--dataset fashion_mnist] [--images 10000] [--epochs 4] [--seeds 1]
                                         [--objectives SimCLR BYOL …]

Encoder, views and optimizer are those of the data set's SimCLR recipe; heads and other arguments are the objectives'
defaults (SimCLR and MoCo with the recipe's temperature), nothing is chosen for one of them. Scores are on the test
split: kNN with all labels of train, and a linear classifier on 10 labels per class (five draws). Raw inputs and the
untrained encoder stand beside them. Results go to `benchmarks/results/joint_embedding_DATASET.json` and into the
README.
"""

import argparse
import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from keras_ssl import callbacks, data, evaluate, objectives, recipes
from keras_ssl.transfer import fit_linear

NAMES = ("SimCLR", "MoCo", "NNCLR", "BYOL", "SimSiam", "DINO", "BarlowTwins", "VICReg", "SwAV")
DRAWS = range(5)
RESULTS = pathlib.Path(__file__).parent / "results"


def scores(encoder, train, test):
    """KNN accuracy, and that of a linear classifier on 10 labels per class, mean over the draws."""
    h = evaluate.embed(encoder, test)
    few = []
    for seed in DRAWS:
        images, labels = data.few(train, 10, seed)
        few.append(float((fit_linear(evaluate.embed(encoder, images), labels).predict(h) == test.labels).mean()))
    return {"knn": evaluate.knn(encoder, train, test)["accuracy"], "ten_labels": float(np.mean(few))}


def trained(name, dataset, source, epochs, seed):
    """The objective after its last epoch, and what the training cost."""
    recipe = recipes.choose("simclr", dataset)(source, epochs, seed)
    if name != "SimCLR":
        arguments = {"temperature": recipe.objective.temperature} if name == "MoCo" else {}
        objective = getattr(objectives, name)(recipe.objective.encoder, seed=seed, **arguments)
        objective.compile(recipe.objective.optimizer.from_config(recipe.objective.optimizer.get_config()))
        recipe.objective = objective
    begun = time.perf_counter()
    history = recipe.fit(callbacks=[callbacks.Guard(), callbacks.Progress(f"{name}, seed {seed}")], verbose=0).history
    cost = {"seconds_per_epoch": (time.perf_counter() - begun) / epochs}
    return recipe.objective, cost | {key: values[-1] for key, values in history.items()}


def section(result):
    """The README's table."""
    lines = ["| objective | kNN | 10 labels per class | s / epoch |", "|---|---|---|---|"]
    for name, runs in result["rows"].items():
        cells = ([run[key] for run in runs if key in run] for key in ("knn", "ten_labels", "seconds_per_epoch"))
        knn, ten, seconds = (f"{np.mean(cell):.3f}" if cell else "" for cell in cells)
        lines.append(f"| {name} | {knn} | {ten} | {seconds and f'{float(seconds):.0f}'} |")
    p = result["protocol"]
    return "\n".join(lines) + (
        f"\n\n{p['dataset']}: the first {p['images']:,} images of train, {p['epochs']} epochs, last epoch, "
        f"{p['seeds']} seed(s), {p['test']:,} test images."
    )


def into_readme(result):
    """Write the table between its markers in the README."""
    readme = RESULTS.parent.parent / "README.md"
    begin, end = f"<!-- joint embedding: {result['protocol']['dataset']} -->", "<!-- end -->"
    before, rest = readme.read_text().split(begin)
    readme.write_text(f"{before}{begin}\n{section(result)}\n{end}{rest.split(end, 1)[1]}")


def main():
    """Measure, write the file after each objective, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="fashion_mnist", help="with a SimCLR recipe (fashion_mnist)")
    parser.add_argument("--images", type=int, default=10_000, help="unlabelled images, the first of train (10,000)")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=1, help="0, 1, … of weights, order and views")
    parser.add_argument("--objectives", nargs="+", choices=NAMES, default=NAMES)
    options = parser.parse_args()
    train, test = data.load(options.dataset, "train"), data.load(options.dataset, "test")
    labelled = train[: options.images]
    result = {"protocol": vars(options) | {"test": len(test)}, "rows": {"raw inputs": [scores(None, labelled, test)]}}
    for name in ("untrained encoder", *options.objectives):
        result["rows"][name] = []
        for seed in range(options.seeds):
            if name == "untrained encoder":
                encoder = recipes.choose("simclr", options.dataset)(labelled, 1, seed).objective.encoder
                result["rows"][name].append(scores(encoder, labelled, test))
                continue
            objective, cost = trained(name, options.dataset, labelled, options.epochs, seed)
            result["rows"][name].append(scores(objective.embedder, labelled, test) | cost)
            keras.backend.clear_session()
        (RESULTS / f"joint_embedding_{options.dataset}.json").write_text(json.dumps(result, indent=1) + "\n")
    into_readme(result)
    print(section(result))


if __name__ == "__main__":
    main()
