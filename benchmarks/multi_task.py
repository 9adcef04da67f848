"""Whether learning two tasks at once helps either of them, where labels are few.

    python -m benchmarks.multi_task                            # five seeds; some minutes
    python -m benchmarks.multi_task --seeds 1                  # only some
    python -m benchmarks.multi_task --small                    # one seed of ten steps, to try it; writes nothing

Data: scikit-learn's handwritten digits, 1,400 pictures to train on and 397 to test on. Tasks: the digit, of ten
classes; and its slant, by how much it leans to the right per row, from the second moments of its ink.

Protocol: "few of both" has 5 labels of each digit, and slants of 50 other pictures; "digits few, all slants" has the
same labels of digits and the slants of all 1,400. Each network is `encoders.conv_net` with random weights, which are
the same for all rows of a seed, and takes 300 Adam steps of 64 pictures at 1e-3, from those that have a label of any of
its tasks. It is scored after the last. One network for both tasks takes as many steps as each network of one task. Raw
inputs and the untrained encoder get `transfer.fit_linear`, and ridge regression with the penalty that leaving one out
chooses. Seeds are those of labels, weights and order. Nothing was tuned.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import RidgeCV

from benchmarks.pages import publish
from benchmarks.protocol import VERSION, note
from benchmarks.tables import quoted
from keras_ssl import data, encoders, evaluate, losses, transfer
from keras_ssl.data.few_labels import few_indices

LABELS, SLANTS, STEPS, BATCH, RATE = 5, 50, 300, 64, 1e-3
SETS = {"few": "few of both", "all slants": "digits few, all slants"}
ROWS = {
    "raw_inputs": "raw inputs",
    "untrained": "untrained encoder",
    "single": "one network for each task",
    "fixed": "both tasks, weights 1",
    "uncertainty": 'both tasks, `weighting="uncertainty"`',
    "gradnorm": 'both tasks, `weighting="gradnorm"`',
}
SCORES = {"accuracy": "accuracy of digits", "r2": "R² of slants"}


def slant(images):
    """By how many columns ink lies further right for each row further up, `(n,)`: a regression of columns on rows."""
    ink = images[..., 0] / images[..., 0].sum(axis=(1, 2), keepdims=True)
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]].astype("float64")
    up = -(rows - (ink * rows).sum(axis=(1, 2), keepdims=True))
    right = columns - (ink * columns).sum(axis=(1, 2), keepdims=True)
    return ((ink * up * right).sum(axis=(1, 2)) / (ink * up**2).sum(axis=(1, 2))).astype("float32")


def labels_of(train, slants, setting, seed):
    """Digits and slants of all training pictures, of which most are unknown."""
    chosen = few_indices(train, LABELS, seed)
    digits = np.full(len(train), -1)
    digits[chosen] = train.labels[chosen]
    known = np.full(len(train), np.nan, "float32")
    others = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(train)), chosen))[:SLANTS]
    kept = others if setting == "few" else np.arange(len(train))
    known[kept] = slants[kept]
    return digits, known


def scores(labels, slants, digits=None, values=None):
    """Scores of predictions on test; of a task that is not predicted there are none."""
    found = {} if digits is None else {"accuracy": float((digits == labels).mean())}
    return found | ({} if values is None else {"r2": evaluate.regression_scores(slants, values)["r2"]})


def probes(represent, train, test, digits, known):
    """Predictions of linear models on a representation: digits and slants."""
    x, wanted = represent(train), represent(test)
    has, valued = digits >= 0, ~np.isnan(known)
    ridge = RidgeCV(np.logspace(-4, 4, 17)).fit(x[valued], known[valued])
    return transfer.fit_linear(x[has], digits[has]).predict(wanted), ridge.predict(wanted)


def fitted(images, digits, known, seed, steps, tasks, weighting="fixed"):
    """A network of some tasks, trained on the pictures that have a label of any of them."""
    keras.utils.set_random_seed(seed)
    encoder = encoders.conv_net(images.shape[1:])
    std = float(np.nanstd(known))
    labels = {"digit": digits, "slant": known}
    found = {"digit": "sparse_categorical_crossentropy", "slant": losses.Scaled("mse", std)}
    heads = {"digit": transfer.classifier(encoder, 10), "slant": transfer.regressor(encoder, known)}
    one = tasks[0] if len(tasks) == 1 else None
    model = heads[one] if one else transfer.multi_task(encoder, heads, weighting)
    labels = labels[one] if one else labels
    model.compile(keras.optimizers.Adam(RATE), losses.WhereKnown(found[one]) if one else found, jit_compile=False)
    has = np.flatnonzero((("digit" in tasks) & (digits >= 0)) | (("slant" in tasks) & ~np.isnan(known)))
    for chosen in batches(has, steps, seed):
        y = {task: labels[task][chosen] for task in tasks} if one is None else labels[chosen]
        model.train_on_batch(images[chosen], y)
    return model


def batches(indices, steps, seed):
    """Indices of each step, drawn without replacement, epoch after epoch."""
    generator, size = np.random.default_rng(seed), min(BATCH, len(indices))
    order = np.concatenate([generator.permutation(indices) for _ in range(-(-steps * size // len(indices)))])
    return order[: steps * size].reshape(steps, size)


def measured(name, train, test, slants, setting, seed, steps):
    """Scores of a row."""
    digits, known = labels_of(train, slants["train"], setting, seed)
    images, wanted = train.inputs(), test.inputs()
    if name in ("raw_inputs", "untrained"):
        keras.utils.set_random_seed(seed)
        encoder = encoders.conv_net(train.shape)
        represent = (
            (lambda s: s.inputs().reshape(len(s), -1))
            if name == "raw_inputs"
            else (lambda s: evaluate.embed(encoder, s))
        )
        return scores(test.labels, slants["test"], *probes(represent, train, test, digits, known))
    if name == "single":
        alone = [fitted(images, digits, known, seed, steps, [task]) for task in ("digit", "slant")]
        guesses = [model.predict(wanted, verbose=0) for model in alone]
    else:
        model = fitted(images, digits, known, seed, steps, ["digit", "slant"], name)
        guesses = [model.predict(wanted, verbose=0)[task] for task in ("digit", "slant")]
    found = scores(test.labels, slants["test"], guesses[0].argmax(-1), guesses[1])
    if name in ("uncertainty", "gradnorm"):
        found["weights"] = np.asarray(model.current_weights()).round(4).tolist()
    return found


# ---- the page --------------------------------------------------------------------------------------------------------


def section(result):
    """The table, what a paired test says of it, and the protocol."""
    columns = [(setting, score) for setting in SETS for score in SCORES]
    header = [f"{SETS[setting]}: {SCORES[score]}" for setting, score in columns]
    lines = [f"| digits | {' | '.join(header)} |", "|---" * (1 + len(columns)) + "|"]
    rows = result["rows"]
    for name in (name for name in ROWS if name in rows):
        cells = [quoted(rows[name][setting], score) for setting, score in columns]
        lines.append(f"| {ROWS[name]} | {' | '.join(cells)} |")
    seeds = len(next(iter(next(iter(rows.values())).values())))
    return (
        "\n".join(lines)
        + (
            f"\n\n{_compared(rows, columns) if seeds > 1 else ''}"
            f"{result['train']:,} pictures to train on, {result['test']} to test on; {LABELS} labels of each digit, "
            f"slants of {SLANTS} other pictures or of all; {result['steps']} steps from random weights, nothing tuned; "
            f"mean ± standard deviation over {seeds} seeds, after the last step ({result['machine']}; "
            f"`python -m benchmarks.multi_task`)."
        )
        + note(result)
    )


def _compared(rows, columns):
    """For each row of both tasks, by how much it is above one network for each task, by seed."""
    lines = ["Above one network for each task, by seed, with the 95 % interval of a paired t test:\n"]
    for name in (name for name in ("fixed", "uncertainty", "gradnorm") if name in rows and "single" in rows):
        parts = []
        for setting, score in columns:
            pair = [[run[score] for run in rows[row][setting]] for row in (name, "single")]
            found = evaluate.compare(*pair)
            low, high = found.interval
            parts.append(f"{found.difference:+.3f} ({low:+.3f} to {high:+.3f})")
        lines.append(f"- {ROWS[name]}: {', '.join(parts)}")
    return "\n".join([*lines, "", ""])


def main():
    """Train, score, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="0, 1, … (5)")
    parser.add_argument("--small", action="store_true", help="one seed of ten steps; writes nothing")
    given = parser.parse_args()
    seeds, steps = (1, 10) if given.small else (given.seeds, STEPS)
    train, test = data.load("digits", "train"), data.load("digits", "test")
    slants = {"train": slant(train.inputs()), "test": slant(test.inputs())}
    result = {
        "protocol": {"version": VERSION},
        "train": len(train),
        "test": len(test),
        "steps": steps,
        "rows": {},
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    for name in ROWS:
        by_setting = {}
        for setting in SETS:
            by_setting[setting] = [measured(name, train, test, slants, setting, seed, steps) for seed in range(seeds)]
            print(name, setting, by_setting[setting], flush=True)
        result["rows"][name] = by_setting
    if not given.small and seeds == 5:
        publish("multi_task", result)
    print(f"\n{section(result)}\n")


if __name__ == "__main__":
    main()
