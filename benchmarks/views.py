"""How many pairs of views a second: ours with XLA, without, in tf.data; the same operations as KerasCV layers; digits.

    python -m benchmarks.views [--batch 256] [--size 32] [--rounds 5] [--seconds 1]

Every candidate is measured in every round, in turn, so that a busy machine slows all of them. The table shows medians
over the rounds, the pairs for each second of one core (which a busy machine hardly changes), and the median of the
ratio to the best of KerasCV's candidates within a round. With the default sizes the figures go to
`benchmarks/results/views.json` and into docs/speed.md. KerasCV has one way to apply an operation to some images of a
batch only, `RandomApply`, which is slow; so it is measured also with every operation always on.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.pages import publish
from keras_ssl import views

tf.get_logger().setLevel("ERROR")


def keras_cv_layers(size, sometimes):
    """The operations of `views.natural_images(size)` as KerasCV layers; `sometimes` wraps them in RandomApply."""
    import keras_cv

    layers = keras_cv.layers

    def apply(layer, rate):
        return layers.RandomApply(layer, rate=rate) if sometimes else layer

    return [
        layers.RandomCropAndResize((size, size), crop_area_factor=(0.08, 1.0), aspect_ratio_factor=(3 / 4, 4 / 3)),
        layers.RandomFlip("horizontal"),
        apply(layers.RandomColorJitter((0, 1), 0.8, 0.8, 0.8, 0.2), 0.8),
        apply(layers.Grayscale(output_channels=3), 0.2),
        apply(layers.RandomGaussianBlur(kernel_size=2 * max(1, size // 20) + 1, factor=(0.1, 2.0)), 0.5),
        apply(layers.Solarization((0, 1)), 0.1),
    ]


def in_function(policy, images, jit):
    """A function that makes views of one batch at a time, as fast as a loop can call it."""
    compiled = tf.function(policy, jit_compile=jit)
    batch = tf.constant(images)

    def work():
        for step in range(10**9):
            compiled(batch, tf.constant([0, step]))
            yield

    return work


def in_data(policy, images, jit):
    """The same in a tf.data pipeline, mapped in parallel."""
    mapped = tf.function(policy, jit_compile=True) if jit else policy
    data = tf.data.Dataset.counter().map(
        lambda step: mapped(tf.constant(images), tf.stack([tf.constant(0, tf.int64), step])),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return lambda: iter(data.prefetch(2))


def rate(work, batch, seconds):
    """Images that `work` makes in a second of the clock, and in a second of one core; after two batches to warm up."""
    steps = work()
    for _ in range(2):
        next(steps)
    count, start, core = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - start) < seconds:
        next(steps)
        count += 1
    return count * batch / elapsed, count * batch / (time.process_time() - core)


def candidates(size, batch):
    """Every candidate by its name."""
    rng = np.random.default_rng(0)
    images = rng.random((batch, size, size, 3), dtype="float32")
    digits = rng.random((batch, 28, 28, 1), dtype="float32")
    ours = views.pair(views.natural_images(size))
    affine = views.Policy([views.affine(rotate=15, translate=0.1, scale=(0.85, 1.15), shear=10)])
    made = {
        "ours, XLA": in_function(ours, images, jit=True),
        "ours, tf.data + XLA": in_data(ours, images, jit=True),
        "ours": in_function(ours, images, jit=False),
        "ours, tf.data": in_data(ours, images, jit=False),
    }
    for name, sometimes in (("KerasCV, RandomApply", True), ("KerasCV, always on", False)):
        theirs = views.pair(views.from_layers(keras_cv_layers(size, sometimes)))
        made[name] = in_function(theirs, images, jit=False)
        made[f"{name}, tf.data"] = in_data(theirs, images, jit=False)
    made |= {
        "digits 28x28, XLA": in_function(views.pair(views.digits()), digits, jit=True),
        "digits 28x28, tf.data": in_data(views.pair(views.digits()), digits, jit=False),
        "one affine 28x28, XLA": in_function(affine, digits, jit=True),
        "one affine 28x28, tf.data": in_data(affine, digits, jit=False),
    }
    return made


def section(result):
    """The sentence."""
    ours, pipeline = result["ours, XLA"], result["ours, tf.data + XLA"]
    return (
        f"`views.natural_images(32)` with all its operations makes {ours['pairs_per_second']:,.0f} pairs of 32x32 "
        f"views per second\nin a function compiled by XLA, {ours['times_keras_cv']:.1f} times as many as the same "
        f"operations as KerasCV layers in the same run, and\n{pipeline['pairs_per_second']:,.0f} in a pipeline like "
        f"that of `data.batches`, {pipeline['times_keras_cv']:.1f} times as many (medians of five;\n"
        f"{result['machine']}; `python -m benchmarks.views`)."
    )


def write(result):
    """Write the figures beside this script and into docs/speed.md."""
    publish("views", result)


def main():
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256, help="images in a batch (256)")
    parser.add_argument("--size", type=int, default=32, help="side of images and views in pixels (32)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds for one measurement (1)")
    options = parser.parse_args()
    made = candidates(options.size, options.batch)
    rates = {name: [] for name in made}
    order = [name for _ in range(options.rounds) for name in made]
    for name in track(order, description="measuring"):
        rates[name].append(rate(made[name], options.batch, options.seconds))

    clock = {name: np.array(values)[:, 0] for name, values in rates.items()}
    best = np.max([values for name, values in clock.items() if name.startswith("KerasCV")], axis=0)
    table = Table("candidate", "pairs/s", "lowest", "highest", "per core-s", "times KerasCV")
    result = {"machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}"}
    for name, values in clock.items():
        result[name] = {"pairs_per_second": float(np.median(values)), "lowest": float(values.min())}
        result[name]["times_keras_cv"] = float(np.median(values / best))
        ratio = f"{np.median(values / best):.1f}" if "28x28" not in name else ""
        figures = (np.median(values), values.min(), values.max(), np.median(np.array(rates[name])[:, 1]))
        table.add_row(name, *(f"{figure:,.0f}" for figure in figures), ratio)
    console = Console(width=max(100, Console().width))
    console.print(table)
    console.print(
        f"Batches of {options.batch}, {options.size}x{options.size}x3, all operations; {options.rounds} rounds of "
        f"{options.seconds:g} s; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} (1 min); TensorFlow "
        f"{tf.__version__}. 'one affine' counts views, not pairs."
    )
    if (options.batch, options.size, options.rounds, options.seconds) == (256, 32, 5, 1.0):
        write(result)


if __name__ == "__main__":
    main()
