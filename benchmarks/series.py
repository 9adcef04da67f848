"""What representations of series are worth on five sets of the UCR and UEA archives, by the protocol of TS2Vec.

    python -m benchmarks.series                                # all rows, 3 seeds; interrupted, it goes on
    python -m benchmarks.series --peer /tmp/venv-aeon/bin/python
    python -m benchmarks.series --small                        # a few steps on two sets; writes nothing
    python -m benchmarks.series --validate                     # to choose by; writes nothing

An encoder is trained on the series of train, without labels. A support vector machine is fitted on their
representations (`evaluate.fit_svm`), and scored on test, after the last step. TS2Vec is `recipes.series.ts2vec`, with
the budget of its authors' code; "untrained" is its encoder before the first step. SimCLR and VICReg take the same
encoder with `views.time_series`, for half as many steps of 16 series, so that each row sees as many series. Contrastive
predictive coding and Forecasting take a recurrent encoder of the same width, for as many steps of 8. Nothing was tuned.

MultiRocket and Catch22 are supervised classifiers of aeon, in an environment of its own: see
`requirements-aeon.txt`. The sets are files in aeon's wheel, which `pip download` fetches once into the folder of
`protocol.kept`; they are read by `data.load`. With `--validate` three tenths of train stand for test. Each row that is
measured on all sets goes to `benchmarks/results/series.json` when it is done; the other rows there stay.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np

from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION, figures, kept, note
from benchmarks.tables import over_seeds, quoted
from keras_ssl import data, encoders, evaluate, objectives, recipes, views

AEON = "aeon==1.6.0"
SETS = ("ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "BasicMotions")
PEERS = ("MultiRocket", "Catch22")
OWN = ("raw inputs", "untrained", "TS2Vec", "SimCLR", "VICReg", "ContrastivePredictiveCoding", "Forecasting")
ROWS = (*OWN, *PEERS)
WIDTH, RATE = 320, 1e-3


# ---- data ------------------------------------------------------------------------------------------------------------


def folder_of_sets():
    """The folder with one folder for each set, out of aeon's wheel."""
    home = kept("aeon").parent / "aeon"
    if not (home / "data").exists():
        home.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(home), AEON]
        if not list(home.glob("aeon-*.whl")):
            subprocess.run(command, check=True)
        with zipfile.ZipFile(next(home.glob("aeon-*.whl"))) as wheel:
            for member in wheel.namelist():
                parts = pathlib.PurePosixPath(member).parts
                if parts[:3] == ("aeon", "datasets", "data") and parts[3] in SETS and member.endswith(".ts"):
                    path = home / "data" / parts[3] / parts[4]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(wheel.read(member))
    return home / "data"


def splits(name, validate):
    """Series to train on, and to score on."""
    train = data.load(folder_of_sets() / name, "train")
    return train.split(0.7) if validate else (train, data.load(folder_of_sets() / name, "test"))


# ---- rows ------------------------------------------------------------------------------------------------------------


def score(row, name, seed, given):
    """Accuracy of a row on a set, and the CPU-seconds of training."""
    train, test = splits(name, given.validate)
    if row == "raw inputs":
        return {"accuracy": evaluate.svm_probe(None, train, test)["accuracy"], "seconds": 0.0}
    file = kept(f"series-{row}", dataset=name, seed=seed, steps=given.steps, validate=given.validate)
    file = file.with_name(file.name + ".npz")
    if given.again or not file.exists():
        begun = time.process_time()
        encoder = trained(row, train, seed, given.steps)
        seconds = time.process_time() - begun
        h = [evaluate.embed(encoder, source) for source in (train, test)]
        np.savez(file, train=h[0], test=h[1], seconds=seconds)
    with np.load(file) as stored:
        features, test_features, seconds = stored["train"], stored["test"], float(stored["seconds"])
    found = evaluate.svm_probe_of_features(features, train.labels, test_features, test.labels)
    return {"accuracy": found["accuracy"], "seconds": seconds}


def trained(row, train, seed, steps):
    """The embedder of an objective after its steps, or before the first."""
    recipe = recipes.series.ts2vec(train, seed=seed)
    steps = steps or recipe.epochs * (len(train) // recipe.batch_size)
    if row == "untrained":
        return recipe.objective.encoder
    if row == "TS2Vec":
        objective, batches = recipe.objective, recipe.batches()
    elif row in ("SimCLR", "VICReg"):
        objective = getattr(objectives, row)(recipe.objective.encoder, seed=seed)
        batches = data.batches(train, views=views.time_series(), batch_size=2 * recipe.batch_size, seed=seed)
        steps //= 2
    else:
        statistics = data.channel_statistics(train)
        encoder = encoders.recurrent(train.shape[-1], width=WIDTH, statistics=statistics)
        objective = getattr(objectives, row)(encoder, seed=seed)
        batches = data.batches(train, batch_size=recipe.batch_size, seed=seed, drop_remainder=True)
    objective.compile(keras.optimizers.AdamW(RATE, weight_decay=0.01))
    epochs, rest = divmod(steps, len(batches))
    if epochs:
        objective.fit(batches, epochs=epochs, verbose=0)
    if rest:
        objective.fit(batches, steps_per_epoch=rest, verbose=0)
    return objective.embedder


def peer(row, name, seed, given):
    """Accuracy of a classifier of aeon, from a process of its own environment."""

    def scored():
        train, test = splits(name, given.validate)
        script = pathlib.Path(__file__).with_name("aeon_peer.py")
        with tempfile.TemporaryDirectory() as folder:
            arrays = pathlib.Path(folder) / "arrays.npz"
            np.savez(arrays, train=train.stored, train_labels=train.labels, test=test.stored, test_labels=test.labels)
            command = [given.peer, script, row, arrays, str(seed)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(output.splitlines()[-1])

    return figures(f"series-{row}", scored, given.again, dataset=name, seed=seed, validate=given.validate)


def measure(given, rows, done):
    """Put figures of each seed, by row and set, into `rows`, and call `done` after each row that could be measured."""
    for row in given.rows:
        if row in PEERS and not given.peer:
            continue
        of_sets = {}
        for name in given.sets:
            seeds = range(1 if row == "raw inputs" else given.seeds)
            found = [(peer if row in PEERS else score)(row, name, seed, given) for seed in seeds]
            of_sets[name] = found
            accuracy = np.mean([run["accuracy"] for run in found])
            print(f"{row} on {name}: {accuracy:.3f}, {found[-1]['seconds']:.0f} s", flush=True)
        rows[row] = of_sets
        done(rows)


# ---- the page --------------------------------------------------------------------------------------------------------


def section(result):
    """The table, and the lines under it."""
    rows = {row: result["rows"][row] for row in ROWS if row in result["rows"]}
    sets = list(next(iter(rows.values())))
    lines = [f"| | {' | '.join(sets)} | mean | CPU s |", "|---" * (len(sets) + 3) + "|"]
    for row, of_sets in rows.items():
        cells = [quoted(of_sets[name], "accuracy") for name in sets]
        mean = np.mean([run["accuracy"] for runs in of_sets.values() for run in runs])
        seconds = np.mean([run["seconds"] for runs in of_sets.values() for run in runs])
        code = f"`{row}`" if hasattr(objectives, row) else row
        lines.append(f"| {code} | {' | '.join(cells)} | {mean:.3f} | {seconds:.0f} |")
    counts = {len(runs) for of_sets in rows.values() for runs in of_sets.values()}
    seeds = over_seeds(counts) + ("; without ±, one seed" if len(counts) > 1 else "")
    return "\n".join(lines) + (
        f"\n\nAccuracy on test of a support vector machine on frozen representations after the last step;\n{seeds}.\n"
        "MultiRocket and Catch22 are supervised classifiers of aeon. CPU seconds are those of training on one set."
        + note(result)
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="training steps of every row (those of the recipe)")
    parser.add_argument("--peer", help="Python of the environment with aeon; without it, its rows are left out")
    parser.add_argument("--small", action="store_true", help="20 steps on two sets, one seed; writes nothing")
    parser.add_argument("--validate", action="store_true", help="score on a part of train; write nothing")
    parser.add_argument("--again", action="store_true", help="train anew")
    given = parser.parse_args()
    if given.small:
        given.sets, given.seeds, given.steps = ["GunPoint", "BasicMotions"], 1, given.steps or 20
    usual = all(getattr(given, key) == parser.get_default(key) for key in ("sets", "steps"))
    usual = usual and not (given.small or given.validate)
    rows = published("series", usual).get("rows", {})

    def done(rows):
        if usual:
            publish("series", result(rows))

    measure(given, rows, done)
    print(section(result(rows)))


def result(rows):
    """What the results file holds."""
    return {"protocol": {"version": VERSION}, "rows": rows, "cores": os.cpu_count()}


if __name__ == "__main__":
    main()
