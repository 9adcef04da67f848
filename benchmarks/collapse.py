"""Does `callbacks.CollapseDoctor` find planted collapses, and leave healthy training alone?

    python -m benchmarks.collapse
    python -m benchmarks.collapse --seeds-from 100 --planted 4 --healthy 36

Thresholds were chosen on the seeds from 100 on, by the second command, and are tested on those from 0 on, by the
first. Each run is small: the embedded digits, two dense layers, ten epochs of 20 steps of Adam at 0.01 on
batches of 256 pairs. Heads and other arguments are the objectives' defaults, but for the target_momentum of BYOL,
healthy or not, which is 0.9: 200 steps are few for 0.99. Healthy runs go round the nine objectives until
there are as many as asked for. kNN is the accuracy of the encoder on the test split, for the reader: the doctor sees no
labels. What the first command finds goes to `benchmarks/results/collapse.json` and into docs/watching.md.
"""

import argparse
import json
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.progress import track

from benchmarks.pages import RESULTS, refresh
from benchmarks.protocol import VERSION
from keras_ssl import callbacks, data, encoders, evaluate, losses, measures, objectives, recipes, views

EPOCHS, RATE = 10, 0.01
ROUNDS = 4  # through the 1,400 images, with new views, make an epoch


class WithoutStopGradient(objectives.SimSiam):
    """SimSiam whose gradient goes through what is predicted, too."""

    def loss_terms(self, outputs):
        """Return SimSiam's terms."""
        one = losses.negative_cosine(outputs["p_1"], outputs["z_2"])
        other = losses.negative_cosine(outputs["p_2"], outputs["z_1"])
        return {"loss": (one + other) / 2, **measures.spread(outputs["z_1"])}


def identity(width):
    """A predictor that is none."""
    inputs = keras.Input((width,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name="predictor")


UNSEEN = 5e-7
"""A difference between views that is of no use."""


def constant(pairs):
    """Both views of all samples are one gray image, as good as: `fit` refuses views that are equal."""
    return {key: np.full_like(view, 0.5 + k * UNSEEN) for k, (key, view) in enumerate(pairs.items())}


def identical(pairs):
    """The second view is the first, as good as."""
    return pairs | {"view_2": pairs["view_1"] * (1 - UNSEEN)}


HEALTHY = {kind.__name__: kind for kind in recipes.JOINT_EMBEDDING.values()} | {
    "BYOL": lambda encoder, **kwargs: objectives.BYOL(encoder, target_momentum=0.9, **kwargs)
}
PLANTED = {
    "SimSiam, no stop-gradient": WithoutStopGradient,
    "SimSiam, no predictor": lambda encoder, **kwargs: objectives.SimSiam(
        encoder, predictor=identity(encoder.output_shape[-1]), **kwargs
    ),
    "BYOL, no predictor": lambda encoder, **kwargs: HEALTHY["BYOL"](encoder, predictor=identity(128), **kwargs),
    "VICReg, variance=0": lambda encoder, **kwargs: objectives.VICReg(encoder, variance=0.0, **kwargs),
    "DINO, center_momentum=1": lambda encoder, **kwargs: objectives.DINO(encoder, center_momentum=1.0, **kwargs),
    "SimSiam, constant views": objectives.SimSiam,
    "SimCLR, identical views": objectives.SimCLR,
}
EXPECTED = {
    "SimSiam, no stop-gradient": {"few dimensions"},
    "SimSiam, no predictor": {"few dimensions"},
    "BYOL, no predictor": {"one point", "few dimensions"},
    "VICReg, variance=0": {"no scale"},
    "DINO, center_momentum=1": {"one point", "one prototype"},
    "SimSiam, constant views": {"constant views"},
    "SimCLR, identical views": {"identical views"},
}  # first diagnoses that are right
SPOILED = {"SimSiam, constant views": constant, "SimCLR, identical views": identical}


def pairs_of(batches):
    """The pairs of the next rounds through the images, as arrays."""
    seen = [batch for _ in range(ROUNDS) for batch in batches]
    return {key: np.concatenate([batch[key] for batch in seen]) for key in seen[0]}


def run(name, seed, pairs, train, test):
    """Train once; return what the doctor found, and the loss and its figures over the epochs."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    pairs = SPOILED[name](pairs) if name in SPOILED else pairs
    objective = (HEALTHY | PLANTED)[name](encoders.mlp(train.shape, units=(64, 64)), seed=seed)
    objective.compile(keras.optimizers.Adam(RATE))
    doctor = callbacks.CollapseDoctor(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", callbacks.CollapseWarning)
        history = objective.fit(pairs, batch_size=256, epochs=EPOCHS, callbacks=[doctor], verbose=0).history
    figures = {key: values for key, values in history.items() if key == "loss" or key.startswith("doctor_")}
    return {
        "name": name,
        "seed": seed,
        "found": [[finding.epoch, finding.diagnosis] for finding in doctor.findings],
        "figures": {key: [float(f"{value:.3g}") for value in values] for key, values in figures.items()},
        "knn": round(evaluate.knn(objective.embedder, train, test)["accuracy"], 4),
    }


def planned(options):
    """Seeds, each with the names of its runs."""
    seeds = range(options.seeds_from, options.seeds_from + max(options.planted, -(-options.healthy // len(HEALTHY))))
    healthy = [(seed, name) for seed in seeds for name in HEALTHY][: options.healthy]
    planted = [(seed, name) for seed in seeds[: options.planted] for name in PLANTED]
    return {seed: [name for own, name in planted + healthy if own == seed] for seed in seeds}


def row(name, runs):
    """A line of the table: how many were found and as what, and medians over the runs after their last epoch."""
    found = [run["found"][0] for run in runs if run["found"]]
    first = sorted({diagnosis for _, diagnosis in found})
    when = f", after epoch {np.median([epoch for epoch, _ in found]):g}" if found and found[0][0] else ""
    cells = [name, f"{len(found)} of {len(runs)}", (", ".join(first) + when) or "none"]
    for key in ("loss", "doctor_std", "doctor_rank", "doctor_scale"):
        cells.append(f"{np.median([run['figures'][key][-1] for run in runs]):.3g}")
    return "| " + " | ".join([*cells, f"{np.median([run['knn'] for run in runs]):.3f}"]) + " |"


def section(result):
    """The table: planted collapses, each after the healthy runs of its objective, then the others."""
    runs = {name: [run for run in result["runs"] if run["name"] == name] for name in (*PLANTED, *HEALTHY)}
    lines = ["| run | found | first diagnosis | loss | std | rank | scale | kNN |", "|---|---|---|---|---|---|---|---|"]
    for objective in HEALTHY:
        lines.append(row(objective, runs[objective]))
        lines += [row(name, runs[name]) for name in PLANTED if name.split(",")[0] == objective]
    healthy = [run for name in HEALTHY for run in runs[name]]
    alarms = sum(bool(run["found"]) for run in healthy)
    planted = [run for name in PLANTED for run in runs[name]]
    caught = sum(bool(run["found"]) and run["found"][0][1] in EXPECTED[run["name"]] for run in planted)
    return "\n".join(lines) + (
        f"\n\nFound and correctly named: {caught} of {len(planted)} planted collapses; false alarms: {alarms} of "
        f"{len(healthy)} healthy runs. Figures are\nmedians over the runs, after the last epoch; digits, "
        f"{EPOCHS} epochs of 20 steps, seeds from {result['seeds_from']} on (`python -m benchmarks.collapse`)."
    )


def write(result):
    """Write the result, a line for each run, and the table."""
    lines = ",\n".join(json.dumps(run) for run in result["runs"])
    head = json.dumps({key: value for key, value in result.items() if key != "runs"})
    text = f'{head[:-1]}, "runs": [\n{lines}\n]}}\n'
    (RESULTS / "collapse.json").write_text(text)
    refresh("collapse")


def main():
    """Run all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds-from", type=int, default=0, help="first seed of weights, order and views (0)")
    parser.add_argument("--planted", type=int, default=10, help="runs of each planted collapse (10)")
    parser.add_argument("--healthy", type=int, default=50, help="healthy runs, of all objectives together (50)")
    options = parser.parse_args()
    train, test = data.load("digits", "train"), data.load("digits", "test")
    batches = data.batches(train, views=views.digits(), batch_size=256, seed=options.seeds_from)
    result = {"protocol": {"version": VERSION}, "seeds_from": options.seeds_from, "runs": []}
    for seed, names in planned(options).items():
        pairs = pairs_of(batches)
        result["runs"] += [run(name, seed, pairs, train, test) for name in track(names, description=f"seed {seed}")]
    if options == parser.parse_args([]):
        write(result)
    print(section(result))


if __name__ == "__main__":
    main()
