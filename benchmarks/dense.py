"""Segmentation and detection from few labeled scenes: a pretrained encoder, and the same network from scratch.

    python -m benchmarks.dense
    python -m benchmarks.dense --validate --seeds 1     # to choose by; writes nothing
    python -m benchmarks.dense --small                  # a smoke run on the embedded digits; writes nothing

Scenes of 48x48 pixels are composed of one to three MNIST digits on textured ground by `data.scenes`. Digits for
pretraining and for labeled scenes are the first 50,000 of MNIST's train, those for testing its test split, so that no
digit is in both. With `--validate` the last 10,000 of train stand for them, as choices need.

SimCLR trains one encoder on single digits of 28x28 pixels without labels. Each view lays its digit on waves of its own,
so that the two have nothing but the digit in common. Then `transfer.segmenter` and `transfer.detector` train on 10 and
on 50 labeled scenes for the same number of Adam steps: with this encoder, frozen and fine-tuned; and with one of random
weights, frozen and trained ("from scratch"). To fine-tune is to train the head alone at first, and one more block of
the encoder after every eighth of the steps, each at half the rate of the one above (`transfer.layer_rates`). Each scene
is shifted at random in each step, for all rows: without that, a detector learns its scenes by heart (mAP 0.99 on 50 of
them, 0.03 on others). A seed is that of the labeled scenes, of the random weights, of the order and of the shifts.

Scores, after the last step, are the mean IoU over the digits and the ground, and the mean average precision at IoU 0.5
to 0.95, on test scenes that are the same for all. "ground" calls each pixel ground.

Chosen on the digits of `--validate`, with one seed: SimCLR on single digits instead of rotation prediction on scenes,
its batch and views, the size of scenes (48 instead of 32), shifts, and one learning rate for all rows (3e-3; from
scratch, 1e-3 was no better for masks; detectors of all rows were worse at 1e-3 and at 1e-2). Gradients are clipped to a
norm of 1: with three seeds and 50 scenes that raised the mAP of detectors from scratch from 0.05 to 0.09, and those of
pretrained ones from 0.11 and 0.10 to 0.13 and 0.11. Rates of frozen encoders were not compared.

The pretrained encoder, and the scores of each seed and number of scenes, are kept outside the repository as soon as
they are there (see `protocol.kept`), so that a run that was stopped goes on. The result goes to
`benchmarks/results/dense.json` after each seed, unless an option that changes it differs from its default.
"""

import argparse
import functools
import math
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from benchmarks.pages import publish
from benchmarks.protocol import VERSION, figures, kept
from benchmarks.tables import cell, over_seeds
from keras_ssl import callbacks, data, encoders, evaluate, losses, networks, objectives, optimizers, transfer, views
from keras_ssl.seeds import SeedStream
from keras_ssl.views.draws import draw

CLASSES = 10
SEEDS = 5
USUAL = {
    "size": 48,
    "scale": (0.6, 1.2),
    "views_scale": (0.6, 0.9),
    "most": 3,
    "filters": (24, 48, 96, 192),
    "width": 32,
    "digits": 20_000,
    "epochs": 12,
    "steps": 600,
    "shift": 12,
    "test": 300,
    "labeled": [10, 50],
}
SMALL = {**USUAL, "size": 24, "filters": (4, 4), "digits": 32, "epochs": 1, "steps": 2, "test": 8, "labeled": [4]}
PRETRAINING = ("views_scale", "filters", "digits", "epochs")
"""What the pretrained encoder depends on."""
BATCH, RATE, CLIP, PRETRAINING_BATCH, PRETRAINING_RATE = 10, 3e-3, 1.0, 128, 2e-3
ROWS = {  # pretrained, and how the encoder trains
    "untrained, frozen": (False, "frozen"),
    "from scratch": (False, "all"),
    "pretrained, frozen": (True, "frozen"),
    "pretrained, fine-tuned": (True, "gradual"),
}
TASKS = {"mean_iou": "mean IoU", "map": "mAP"}


def digits_of(validate, small):
    """Digits to train on, and others to test on."""
    if small:
        digits = data.load("digits")
        return digits[:1000], digits[1000:]
    train = data.load("mnist", "train")
    return train[:50_000], train[50_000:] if validate else data.load("mnist", "test")


def composed(digits, count, about, seed):
    """Scenes of digits."""
    size, scale, most = (about[key] for key in ("size", "scale", "most"))
    return data.scenes(digits, count=count, size=size, scale=scale, most=most, seed=seed)


def network(size, about):
    """The encoder of images of a size: four convolutions of stride 2."""
    return encoders.conv_net((size, size, 1), filters=about["filters"], first_stride=2, name="encoder")


def on_ground(images, seed):
    """A view that lays digits, which are on black, on waves of random directions, as scenes have them."""
    stream = SeedStream(seed)
    row, column = (ops.arange(side, dtype="float32") for side in images.shape[1:3])
    row, column = row[:, None, None], column[:, None]
    ground = 0.25
    for _ in range(4):
        angle, phase, cycles = draw(stream.next(), images, (0, 2 * math.pi), (0, 2 * math.pi), (0.02, 0.17))
        along = row * ops.sin(angle) + column * ops.cos(angle)
        ground += 0.06 * ops.sin(2 * math.pi * cycles * along + phase)
    (ink,) = draw(stream.next(), images, (0.7, 1))
    return ground + images * (ink - ground)


def pretrained(digits, about, path=None, again=False):
    """An encoder that SimCLR has trained on digits without labels, and the CPU seconds that this took.

    It comes from the file at `path`, if one is given and there.
    """
    keras.utils.set_random_seed(0)
    encoder = network(about["size"], about)
    if path is not None and path.exists() and not again:
        stored = np.load(path)
        encoder.set_weights([stored[f"weight_{k}"] for k in range(len(encoder.weights))])
        return encoder, float(stored["seconds"])
    start = time.process_time()
    source = digits[: about["digits"]]
    policy = views.Policy(
        [
            views.affine(rotate=20, translate=0.2, scale=about["views_scale"], shear=20),
            on_ground,
            views.noise(stddev=(0.0, 0.06)),
        ]
    )
    model = objectives.SimCLR(network(source.shape[0], about), temperature=0.2, seed=0)
    batch = min(PRETRAINING_BATCH, len(source))
    steps = about["epochs"] * (len(source) // batch)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(PRETRAINING_RATE, steps)))
    batches = data.batches(source, policy, batch, seed=0)
    model.fit(batches, epochs=about["epochs"], verbose=0, callbacks=[callbacks.Progress("pretraining")])
    encoder.set_weights(model.encoder.get_weights())
    seconds = time.process_time() - start
    if path is not None:
        weights = {f"weight_{k}": value for k, value in enumerate(encoder.get_weights())}
        np.savez(path, seconds=seconds, **weights)
    return encoder, seconds


def compiled(task, row, encoder, about):
    """A segmenter or a detector on the encoder, ready to be trained."""
    _, trains = ROWS[row]
    if task == "mean_iou":
        model, loss = transfer.segmenter(encoder, CLASSES + 1, width=about["width"]), "sparse_categorical_crossentropy"
    else:
        model = transfer.detector(encoder, CLASSES, count=20, width=about["width"])
        loss = {"maps": losses.CenterLoss()}
    if trains == "frozen":
        transfer.freeze(model, "encoder")
    rate = keras.optimizers.schedules.CosineDecay(RATE, about["steps"])
    factors = transfer.layer_rates(model, 0.5, max(1, about["steps"] // 8)) if trains == "gradual" else None
    adam = optimizers.AdamW(rate, weight_decay=0.0, rate_factors=factors, global_clipnorm=CLIP)
    model.compile(adam, loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def begin(model, row, encoder, seed):
    """Give a model that may be trained new weights, and its optimizer a new start; nothing is compiled anew."""
    model.set_weights(networks.reinitialized(model, seed).get_weights())
    if ROWS[row][0]:
        model.get_layer("encoder").set_weights(encoder.get_weights())
    for variable in model.optimizer.variables:  # the step and Adam's two averages, which begin at 0
        variable.assign(np.zeros(variable.shape))


def train(task, model, labeled, about, seed):
    """Train on labeled scenes for a number of steps, in a random order."""
    batch = min(BATCH, len(labeled))
    rng = np.random.default_rng(seed)
    epochs = -(-about["steps"] * batch // len(labeled))
    order = np.concatenate([rng.permutation(len(labeled)) for _ in range(epochs)])[: about["steps"] * batch]
    scenes = labeled.samples
    shifts = rng.integers(-about["shift"], about["shift"] + 1, (len(order), 2))
    images = moved(labeled.inputs()[order], shifts)
    if task == "mean_iou":
        labels = moved(scenes.masks()[order], shifts)
    else:
        boxes = transfer.box_labels(*scenes.boxes(), labeled.shape)["maps"][order]
        labels = {"maps": moved_boxes(boxes, shifts / np.array(labeled.shape[1::-1]))}
    model.fit(images, labels, batch_size=batch, shuffle=False, verbose=0)


def moved(images, shifts):
    """Images or masks moved by so many pixels, right and down; what comes in has the color of most of an image."""
    most = int(np.abs(shifts).max())
    around = ((most, most), (most, most)) + ((0, 0),) * (images.ndim - 3)
    height, width = images.shape[1:3]
    found = np.empty_like(images)
    for image, (right, down), new in zip(images, shifts, found):
        padded = np.pad(image, around, constant_values=np.median(image).astype(image.dtype))
        new[...] = padded[most - down : most - down + height, most - right : most - right + width]
    return found


def moved_boxes(boxes, shifts):
    """Labels of boxes `(n, m, 5)`, in parts of the image, moved by parts of it; those whose center leaves go."""
    corners = boxes[..., :4] + np.tile(shifts, 2)[:, None]
    center = (corners[..., :2] + corners[..., 2:]) / 2
    stays = (boxes[..., 4] >= 0) & (center > 0).all(-1) & (center < 1).all(-1)
    kept_boxes = np.concatenate([corners.clip(0, 1), boxes[..., 4:]], axis=-1)
    return np.where(stays[..., None], kept_boxes, [0, 0, 0, 0, -1]).astype("float32")


def score(task, model, images, masks, boxes):
    """The score of a segmenter or a detector on test scenes."""
    found = model.predict(images, batch_size=100, verbose=0)
    if task == "mean_iou":
        return evaluate.segmentation_scores(masks, found.argmax(-1), CLASSES + 1)["mean_iou"]
    return evaluate.detection_scores(*boxes, found)["map"]


class Measured:
    """The networks of all rows, compiled once, and the test scenes that they are scored on."""

    def __init__(self, encoder, others, about):
        self.encoder, self.about = encoder, about
        test = composed(others, about["test"], about, seed=20_000)
        self.test = test.inputs(), test.samples.masks(), test.samples.boxes()
        self.models = {}

    def ground(self):
        """The mean IoU of masks that call each pixel ground."""
        masks = self.test[1]
        return evaluate.segmentation_scores(masks, np.zeros_like(masks), CLASSES + 1)["mean_iou"]

    def scores(self, digits, n, seed):
        """Scores of a seed on n labeled scenes, by task and row."""
        labeled = composed(digits, n, self.about, seed=10_000 + seed)  # not those of pretraining
        found = {task: {} for task in TASKS}
        for task in TASKS:
            for row in ROWS:
                if (task, row) not in self.models:
                    start = networks.reinitialized(self.encoder, seed)
                    self.models[task, row] = compiled(task, row, start, self.about)
                model = self.models[task, row]
                begin(model, row, self.encoder, seed)
                train(task, model, labeled, self.about, seed)
                found[task][row] = score(task, model, *self.test)
                print(f"seed {seed}, {n} labeled scenes, {row}: {TASKS[task]} {found[task][row]:.3f}", flush=True)
        return found


def section(result):
    """The table, and the lines under it."""
    about, runs = result["about"], result["runs"]
    counts = [str(n) for n in about["labeled"]]
    titles = [f"{words}, {n} scenes" for words in TASKS.values() for n in counts]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    ground = [cell([result["ground"]])] * len(counts) + ["0"] * len(counts)
    lines.append(f"| ground | {' | '.join(ground)} |")
    for row in ROWS:
        cells = [cell([run[n][task][row] for run in runs]) for task in TASKS for n in counts]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    minutes = result["pretraining_seconds"] / 60
    return "\n".join(lines) + (
        f"\n\n{about['steps']} Adam steps on {' or '.join(counts)} labeled scenes; pretrained once, by SimCLR on "
        f"{about['digits']:,} digits\nfor {about['epochs']} epochs, {minutes:.0f} CPU minutes; "
        f"{about['test']:,} test scenes of other digits; {over_seeds([len(runs)])} of labeled scenes\n"
        f"and weights, last step ({result['machine']})."
    )


def measure(given, about):
    """The result after each seed; what is kept is not measured again."""
    digits, others = digits_of(given.validate, given.small)
    settings = {"dataset": "scenes", "validate": given.validate, **about, "rows": ROWS, "clip": CLIP}
    keep = not given.small
    path = kept("dense-encoder", **{key: about[key] for key in PRETRAINING}).with_suffix(".npz") if keep else None
    encoder, seconds = pretrained(digits, about, path, given.again)
    measured = Measured(encoder, others, about)
    result = {
        "protocol": {"version": VERSION},
        "about": {**about, "rows": ROWS},
        "pretraining_seconds": seconds,
        "ground": measured.ground(),
        "runs": [],
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    for seed in range(given.seeds):
        run = {}
        for n in about["labeled"]:
            score_all = functools.partial(measured.scores, digits, n, seed)
            about_run = {"seed": seed, "n": n, **settings}
            run[str(n)] = figures("dense", score_all, given.again, **about_run) if keep else score_all()
        result["runs"].append(run)
        yield result


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--small", action="store_true", help="few small scenes, one seed, two steps; writes nothing")
    parser.add_argument("--validate", action="store_true", help="score on digits of train; writes nothing")
    parser.add_argument("--again", action="store_true", help="train again what is kept")
    given = parser.parse_args()
    given.seeds = 1 if given.small else given.seeds
    for result in measure(given, SMALL if given.small else USUAL):
        print(f"\n{section(result)}\n", flush=True)
        if not given.small and not given.validate and given.seeds == SEEDS:
            publish("dense", result)


if __name__ == "__main__":
    main()
