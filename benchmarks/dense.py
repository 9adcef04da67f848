"""Segmentation and detection from few labeled scenes: a pretrained encoder, and the same network from scratch.

    python -m benchmarks.dense
    python -m benchmarks.dense --validate --seeds 1     # to choose by; writes nothing
    python -m benchmarks.dense --small                  # a smoke run on the embedded digits; writes nothing

Scenes of 64x64 pixels are composed of MNIST digits on textured ground by `data.scenes`. Digits for pretraining and for
labeled scenes are the first 50,000 of MNIST's train, those for testing its test split, so that no digit is in both.
With `--validate` the last 10,000 of train stand for them, as choices need.

SimCLR trains an encoder on scenes without labels. Then `transfer.segmenter` and `transfer.detector` train on 10 and on
50 labeled scenes for the same number of Adam steps: with the encoder frozen, and fine-tuned; with an untrained one,
frozen, and from scratch. The seed is that of the weights, of the pretraining, of the labeled scenes and of the order.
Scores, after the last step, are the mean IoU over the digits and the ground, and the mean average precision at IoU 0.5
to 0.95, on test scenes that are the same for all. "ground" calls each pixel ground.

Each seed is kept outside the repository as soon as it is done (see `protocol.kept`), so that a run that was stopped
goes on. The result goes to `benchmarks/results/dense.json`, unless an option that changes it differs from its default.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pages import publish
from benchmarks.protocol import VERSION, kept
from keras_ssl import callbacks, data, encoders, evaluate, losses, networks, objectives, transfer, views

CLASSES = 10
USUAL = {"size": 64, "scenes": 5000, "epochs": 10, "steps": 500, "test": 500, "labeled": [10, 50]}
SMALL = {"size": 24, "scenes": 32, "epochs": 1, "steps": 2, "test": 8, "labeled": [4]}
BATCH, RATE, FINE_TUNING_RATE = 10, 1e-3, 3e-4
ROWS = {  # pretrained, frozen, learning rate
    "untrained, frozen": (False, True, RATE),
    "from scratch": (False, False, RATE),
    "SimCLR, frozen": (True, True, RATE),
    "SimCLR, fine-tuned": (True, False, FINE_TUNING_RATE),
}
TASKS = {"mean_iou": "mean IoU", "map": "mAP"}


def figures(validate, small):
    """Digits to train on, and others to test on."""
    if small:
        digits = data.load("digits")
        return digits[:1000], digits[1000:]
    train = data.load("mnist", "train")
    return train[:50_000], train[50_000:] if validate else data.load("mnist", "test")


def network(size):
    """The encoder: four convolutions of stride 2."""
    return encoders.conv_net((size, size, 1), filters=(32, 64, 128, 256), first_stride=2)


def pretrained(digits, about, seed):
    """An encoder that SimCLR has trained on scenes without labels, and the CPU seconds that this took."""
    keras.utils.set_random_seed(seed)
    source = data.scenes(digits, count=about["scenes"], size=about["size"], seed=seed)
    policy = views.natural_images(source.shape[:2], scale=(0.3, 1.0), strength=0.5, flip=0.0, blur=0.0, solarize=0.0)
    batch = min(128, len(source))
    model = objectives.SimCLR(network(about["size"]), temperature=0.2, seed=seed)
    steps = about["epochs"] * (len(source) // batch)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    start = time.process_time()
    batches = data.batches(source, policy, batch, seed)
    model.fit(batches, epochs=about["epochs"], verbose=0, callbacks=[callbacks.Progress(f"SimCLR, seed {seed}")])
    return model.encoder, time.process_time() - start


def trained(task, encoder, frozen, rate, labeled, about, seed):
    """A segmenter or detector after its last step on labeled scenes."""
    keras.utils.set_random_seed(seed)
    images, scenes = labeled.inputs(), labeled.samples
    if task == "mean_iou":
        model, loss, labels = (
            transfer.segmenter(encoder, CLASSES + 1),
            "sparse_categorical_crossentropy",
            scenes.masks(),
        )
    else:
        model, loss = transfer.detector(encoder, CLASSES, count=20), {"maps": losses.CenterLoss()}
        labels = transfer.box_labels(*scenes.boxes(), labeled.shape)
    if frozen:
        transfer.freeze(model, "encoder")
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    batch = min(BATCH, len(labeled))
    epochs = max(1, about["steps"] * batch // len(labeled))
    model.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0)
    return model


def score(task, model, test):
    """The score of a segmenter or a detector on test scenes."""
    found = model.predict(test.inputs(), verbose=0)
    if task == "mean_iou":
        return evaluate.segmentation_scores(test.samples.masks(), found.argmax(-1), CLASSES + 1)["mean_iou"]
    return evaluate.detection_scores(*test.samples.boxes(), found)["map"]


def measure(digits, test, about, seed):
    """Scores of one seed by task, row and number of labeled scenes."""
    encoder, seconds = pretrained(digits, about, seed)
    found = {"pretraining_seconds": seconds, **{task: {} for task in TASKS}}
    for n in about["labeled"]:
        labeled = data.scenes(digits, count=n, size=about["size"], seed=10_000 + seed)  # not those of pretraining
        for row, (is_pretrained, frozen, rate) in ROWS.items():
            for task in TASKS:
                start = networks.reinitialized(encoder, seed)
                if is_pretrained:
                    start.set_weights(encoder.get_weights())
                value = score(task, trained(task, start, frozen, rate, labeled, about, seed), test)
                found[task].setdefault(row, {})[str(n)] = value
                print(f"seed {seed}, {n} labeled scenes, {row}: {TASKS[task]} {value:.3f}", flush=True)
    return found


def of_seed(digits, test, about, seed, given):
    """What `measure` returns, from the file where it is kept if there is one."""
    if given.small:
        return measure(digits, test, about, seed)
    path = kept("dense", dataset="scenes", seed=seed, validate=given.validate, **about).with_suffix(".json")
    if path.exists() and not given.again:
        return json.loads(path.read_text())
    found = measure(digits, test, about, seed)
    path.write_text(json.dumps(found))
    return found


def quoted(values):
    """Mean and standard deviation over seeds, where there are several."""
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")


def section(result):
    """The table, and the lines under it."""
    about, runs = result["about"], result["runs"]
    counts = [str(n) for n in about["labeled"]]
    titles = [f"{words}, {n} scenes" for words in TASKS.values() for n in counts]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    ground = [quoted([result["ground"]])] * len(counts) + ["0"] * len(counts)
    lines.append(f"| ground | {' | '.join(ground)} |")
    for row in ROWS:
        cells = [quoted([run[task][row][n] for run in runs]) for task in TASKS for n in counts]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    seeds = f"mean ± standard deviation over {len(runs)} seeds" if len(runs) > 1 else "one seed"
    seconds = np.mean([run["pretraining_seconds"] for run in runs])
    return "\n".join(lines) + (
        f"\n\n{about['steps']} Adam steps on {' or '.join(counts)} labeled scenes; pretrained on {about['scenes']:,} "
        f"scenes for {about['epochs']} epochs, {seconds / 60:.0f} CPU minutes;\n{about['test']:,} test scenes of other "
        f"digits; {seeds}, last step ({result['machine']})."
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="few small scenes, one seed, two steps; writes nothing")
    parser.add_argument("--validate", action="store_true", help="score on digits of train; writes nothing")
    parser.add_argument("--again", action="store_true", help="train again what is kept")
    given = parser.parse_args()
    about = SMALL if given.small else USUAL
    digits, others = figures(given.validate, given.small)
    test = data.scenes(others, count=about["test"], size=about["size"], seed=20_000)
    masks = test.samples.masks()
    runs = [of_seed(digits, test, about, seed, given) for seed in range(1 if given.small else given.seeds)]
    result = {
        "protocol": {"version": VERSION},
        "about": about,
        "ground": evaluate.segmentation_scores(masks, np.zeros_like(masks), CLASSES + 1)["mean_iou"],
        "runs": runs,
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    print(f"\n{section(result)}\n")
    if not given.small and not given.validate and given.seeds == parser.get_default("seeds"):
        publish("dense", result)


if __name__ == "__main__":
    main()
