"""What oneDNN's kernels are worth in a training step on this CPU: fresh processes with and without them, in turn.

    python -m benchmarks.onednn [--pairs 6]

A step is SimCLR's on 32x32 images with a ResNet-18 (16 of them) and on 28x28 ones with the small conv_net of the
recipes (128), two views each, and Adam, in float32. Each process takes steps to warm up and then those that count. Of a
pair, the one that goes first changes. CPU-seconds are those of the process, and stand beside wall seconds because these
depend on what else the machine does. Results go to `benchmarks/results/onednn.json` and into docs/speed.md.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.pages import publish

MODELS = {"resnet18": (32, 3, 16, 2, 3), "conv_net": (28, 1, 128, 5, 30)}
"""Height and width, channels, images in a batch, steps to warm up, steps that count."""


def cpu_seconds():
    """Those of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def step(name):
    """Seconds of one step in this process."""
    import keras
    import tensorflow as tf

    from keras_ssl import encoders, objectives

    size, channels, batch, warm_up, steps = MODELS[name]
    keras.utils.set_random_seed(0)
    shape = (size, size, channels)
    small = {"filters": (32, 64, 128, 128), "pooling": "flatten", "first_stride": 2}
    objective = objectives.SimCLR(encoders.resnet18(shape) if name == "resnet18" else encoders.conv_net(shape, **small))
    objective.compile(keras.optimizers.Adam(1e-3))
    view_1, view_2 = np.random.default_rng(0).random((2, batch, *shape), dtype="float32")
    data = tf.data.Dataset.from_tensors({"view_1": view_1, "view_2": view_2}).repeat()
    objective.fit(data, steps_per_epoch=warm_up, verbose=0)
    wall, cpu = time.perf_counter(), cpu_seconds()
    objective.fit(data, steps_per_epoch=steps, verbose=0)
    return {"wall": (time.perf_counter() - wall) / steps, "cpu": (cpu_seconds() - cpu) / steps}


def in_a_process(name, on):
    """The same in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.onednn", "--step", name]
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": on, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def section(result):
    """The table."""
    lines = [
        "| step | without, s | with, s | ratio | without, CPU-s | with, CPU-s | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, by_setting in result["seconds"].items():
        cells = []
        for kind in ("wall", "cpu"):
            off, on = (np.array([figures[kind] for figures in by_setting[setting]]) for setting in "01")
            cells += [f"{np.median(off):.2f}", f"{np.median(on):.2f}", f"{np.median(off / on):.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    m = result["machine"]
    return "\n".join(lines) + (
        f"\n\nA float32 step of SimCLR in a fresh process, medians of {result['pairs']} interleaved pairs and of their "
        f"ratios\n({m['cores']} cores with {m['instructions']} that {m['shared by']} share, TensorFlow "
        f"{m['tensorflow']}, Keras {m['keras']}; `python -m benchmarks.onednn`)."
    )


def main():
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=6, help="of processes for each model (6)")
    parser.add_argument("--shared-by", default="one process at a time", help="who else uses the machine, for the table")
    parser.add_argument("--step", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(step(options.step)))
        return
    from benchmarks.resnet_step import machine

    seconds = {name: {"0": [], "1": []} for name in MODELS}
    for k in range(options.pairs):
        for name in MODELS:
            for setting in "01" if k % 2 else "10":
                seconds[name][setting].append(in_a_process(name, setting))
                print(name, setting, seconds[name][setting][-1], flush=True)
    publish(
        "onednn", {"machine": {**machine(), "shared by": options.shared_by}, "pairs": options.pairs, "seconds": seconds}
    )


if __name__ == "__main__":
    main()
