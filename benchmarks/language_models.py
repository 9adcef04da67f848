"""Causal language models of the characters of tiny Shakespeare: the loss of validation, and the time it takes.

    python -m benchmarks.language_models TEXT --peer PEER_PYTHON
    python -m benchmarks.language_models TEXT --setting hour    # or long

TEXT is the file of 1,115,394 characters, perhaps compressed by gzip. As in nanoGPT, the first 90 % of the characters
are trained on, and the loss, in nats a character, is that of the last 10 %: of all windows of the context, one after
the other, so that a character sees on average half a context. Beside it stands that of an n-gram of four characters,
with interpolated Kneser-Ney smoothing.

"small" is nanoGPT's budget for a CPU. With `--peer` each seed is also trained by `torch_language_model.py` in PyTorch,
whose Python is PEER_PYTHON: processes of their own, in turn, which say how long they trained, compilation included.
"hour" is meant for less than an hour of two cores, also beside other work: six times the characters of "small" for a
wider model with rotary positions, and one seed. "long" has 8,000 of the same steps in place of 4,500. Both are kept
with `callbacks.Resume` and go on where they stopped, so their seconds are the sum over the calls.

"small" is compiled by XLA, which takes two thirds of the time a step; of the others, whose products are larger, it
would not be faster.
"""

import argparse
import collections
import gzip
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np

from benchmarks.pages import publish
from benchmarks.protocol import kept
from benchmarks.tables import cell, over_seeds
from keras_ssl import callbacks, data, encoders, objectives, optimizers

SMALL = {
    "context": 64,
    "width": 128,
    "depth": 4,
    "heads": 4,
    "batch_size": 12,
    "steps": 2000,
    "rate": 1e-3,
    "lowest_rate": 1e-4,
    "warmup": 100,
    "beta_2": 0.99,
    "weight_decay": 0.1,
    "dropout": 0.0,
    "positions": "learned",
    "xla": True,
}
LARGER = SMALL | {"context": 128, "width": 192, "heads": 6, "batch_size": 16, "rate": 1.5e-3}
LARGER = LARGER | {"dropout": 0.1, "positions": "rotary", "xla": False}
SETTINGS = {"small": SMALL, "hour": LARGER | {"steps": 4500}, "long": LARGER | {"steps": 8000}}
SEEDS = {"small": 3, "hour": 1, "long": 1}
PART = 50  # steps that Keras takes in one call of the compiled function


def corpus(path):
    """The ids of the characters, from 1, of the first 90 % and of the rest, and the size of the vocabulary."""
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        text = file.read()
    number = {character: k for k, character in enumerate(sorted(set(text)), 1)}
    ids = np.array([number[character] for character in text], "int32")
    cut = int(0.9 * len(ids))
    return ids[:cut], ids[cut:], len(number) + 1


def drawn(ids, setting, seed):
    """As many windows as the training sees, drawn with replacement: one epoch of them is the training."""
    count = setting["steps"] * setting["batch_size"]
    starts = np.random.default_rng(seed).integers(len(ids) - setting["context"], size=count)
    return data.Source(data.Windows(ids, setting["context"] + 1, starts=starts), kinds="ids")


def objective_of(setting, vocabulary, seed):
    """The model and its optimizer."""
    keras.utils.set_random_seed(seed)
    encoder = encoders.transformer(
        vocabulary,
        **{key: setting[key] for key in ("width", "depth", "heads", "dropout", "positions")},
        causal=True,
        max_length=setting["context"] if setting["positions"] == "learned" else None,
    )
    objective = objectives.CausalLanguageModel(encoder, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        setting["steps"] - setting["warmup"],
        alpha=setting["lowest_rate"] / setting["rate"],
        warmup_target=setting["rate"],
        warmup_steps=setting["warmup"],
    )
    optimizer = optimizers.AdamW(
        rate, weight_decay=setting["weight_decay"], beta_2=setting["beta_2"], global_clipnorm=1.0
    )
    objective.compile(optimizer, jit_compile=setting["xla"], steps_per_execution=PART)
    return objective


def train(setting, path, seed, folder=None):
    """Train; return the loss of validation in nats a character and the seconds of `fit`, compilation included."""
    first, last, vocabulary = corpus(path)
    objective = objective_of(setting, vocabulary, seed)
    source, size = drawn(first, setting, seed), setting["batch_size"]

    def batches(step):
        return data.batches(source, batch_size=size, shuffle=False, drop_remainder=True, first_step=step)

    clocks = Clocks(folder and folder.with_suffix(".json"))
    with clocks:
        if folder is None:
            history = objective.fit(batches(0), verbose=0)
        else:
            resume = callbacks.Resume(folder, objective)
            history = resume.fit(batches, epochs=1, callbacks=[callbacks.Progress("CausalLanguageModel")], verbose=0)
    rest = data.Source(data.Windows(last, setting["context"] + 1, setting["context"]), kinds="ids")
    validation = data.batches(rest, batch_size=64, shuffle=False)
    return {
        "loss": objective.evaluate(validation, return_dict=True, verbose=0)["loss"],
        "trained": history.history["loss"][-1] if history.history else None,
        "seconds": clocks.seconds,
        "cpu_seconds": clocks.cpu_seconds,
        "parameters": objective.encoder.count_params(),
    }


class Clocks:
    """Seconds and CPU-seconds of this process within `with`, added to those kept in a file, if one is given."""

    def __init__(self, file=None):
        self.file, self.seconds, self.cpu_seconds = file, 0.0, 0.0
        if file and file.exists():
            self.seconds, self.cpu_seconds = json.loads(file.read_text())

    def __enter__(self):
        self.seconds, self.cpu_seconds = self.seconds - time.perf_counter(), self.cpu_seconds - time.process_time()

    def __exit__(self, *error):
        self.seconds, self.cpu_seconds = self.seconds + time.perf_counter(), self.cpu_seconds + time.process_time()
        if self.file:
            self.file.write_text(json.dumps([self.seconds, self.cpu_seconds]))


def n_gram(first, last, vocabulary, n=4, discount=0.75):
    """The loss of an n-gram with interpolated Kneser-Ney smoothing, in nats a character."""
    levels = []  # of contexts of 0, 1, …, n - 1 characters: counts by context and next character, and their sums
    for size in range(n):
        if size == n - 1:
            counts = collections.Counter(_grams(first, size + 1))
        else:  # in how many ways the gram is continued to the left
            counts = collections.Counter(gram[1:] for gram in set(_grams(first, size + 2)))
        sums, kinds = collections.Counter(), collections.Counter()
        for gram, count in counts.items():
            sums[gram[:-1]] += count
            kinds[gram[:-1]] += 1
        levels.append((counts, sums, kinds))
    total, grams = 0.0, _grams(last, n)
    for gram in grams:
        p = 1 / (vocabulary - 1)
        for size, (counts, sums, kinds) in enumerate(levels):
            part, context = gram[n - 1 - size :], gram[n - 1 - size : -1]
            if sums[context]:
                p = (max(counts[part] - discount, 0) + discount * kinds[context] * p) / sums[context]
        total -= math.log(p)
    return total / len(grams)


def _grams(ids, size):
    return list(zip(*(ids[k : len(ids) - size + 1 + k].tolist() for k in range(size))))


def in_a_process(arguments):
    """The JSON that a process prints last."""
    answer = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    return json.loads(answer.stdout.splitlines()[-1])


def compare(given):
    """Train each seed here and, if there is a peer, there, in turn."""
    setting, (first, last, vocabulary) = dict(SETTINGS[given.setting]), corpus(given.text)
    setting["steps"] = given.steps or setting["steps"]
    rows = {"keras_ssl": [], **({"PyTorch": []} if given.peer else {})}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "input.npz"
        about = json.dumps(setting | {"vocabulary": vocabulary})
        np.savez(file, train=first, validation=last, setting=about)
        peer = pathlib.Path(__file__).with_name("torch_language_model.py")
        for seed in range(given.seeds or SEEDS[given.setting]):
            ours = [sys.executable, "-m", "benchmarks.language_models", given.text, "--one", str(seed)]
            ours += ["--setting", given.setting, "--steps", str(setting["steps"])]
            theirs = [given.peer, str(peer), str(file), "--seed", str(seed)]
            for name, command in [("keras_ssl", ours), ("PyTorch", theirs)][:: -1 if seed % 2 else 1]:
                if name in rows:
                    rows[name].append(in_a_process(command))
                    print(name, seed, rows[name][-1], flush=True)
    return {"setting": given.setting, **setting, "rows": rows, "four_gram": n_gram(first, last, vocabulary)}


def section(result):
    """The table, and the lines under it."""
    lines = ["| trained by | loss | seconds | CPU seconds |", "|---|---|---|---|"]
    for name, runs in result["rows"].items():
        cells = [
            cell([run[key] for run in runs], digits)
            for key, digits in (("loss", 3), ("seconds", 0), ("cpu_seconds", 0))
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    runs = next(iter(result["rows"].values()))
    characters = result["steps"] * result["batch_size"] * result["context"]
    return "\n".join(lines) + (
        f"\n\nNats a character on the last tenth of tiny Shakespeare, and the time of training, compilation included:\n"
        f"{over_seeds([len(runs)])}, last step. {result['depth']} blocks, width {result['width']},"
        f" context {result['context']},\n{runs[0]['parameters']:,} parameters, {characters / 1e6:.1f} million "
        f"characters in {result['steps']:,} steps. Counts of four characters\n"
        f"(Kneser-Ney) have {result['four_gram']:.3f}."
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text", help="the file, .txt or .txt.gz")
    parser.add_argument("--setting", choices=SETTINGS, default="small")
    parser.add_argument("--peer", metavar="PYTHON", help="a Python that has PyTorch")
    parser.add_argument("--seeds", type=int, help="instead of those of the setting; writes nothing")
    parser.add_argument("--steps", type=int, help="a multiple of 50 in place of the setting's; writes nothing")
    parser.add_argument("--one", type=int, metavar="SEED", help="train this seed here and print JSON; writes nothing")
    given = parser.parse_args()
    if given.one is not None:
        setting = dict(SETTINGS[given.setting])
        setting["steps"] = given.steps or setting["steps"]
        about = {"seed": given.one, **setting}
        folder = kept("language_models", **about) if given.setting != "small" else None
        print(json.dumps(train(setting, given.text, given.one, folder)))
        return
    result = compare(given)
    print(json.dumps(result, indent=1))
    if given.steps is None and given.seeds is None:
        publish(f"language_models_{given.setting}", result)


if __name__ == "__main__":
    main()
