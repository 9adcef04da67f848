"""Views a second of a training step: SimCLR on a ResNet-18, ours and lightly's on PyTorch, in one run.

    python -m benchmarks.resnet_step [--peer /tmp/peer-venv/bin/python] [--rounds 7] [--steps 5]
                                     [--precisions float32 bfloat16] [--batch 64]

A step is forward and backward pass of two views of each image of a batch, 32x32x3 and the same in every step, one view
after the other, and Adam. Ours is `fit` of `objectives.SimCLR(encoders.resnet18((32, 32, 3)))`, with oneDNN's kernels:
PyTorch always uses them, TensorFlow on processors without AVX-512 VNNI only with `TF_ENABLE_ONEDNN_OPTS=1`. "Stock
layers" is the same with Keras's own batch normalization (`export.stock`). The peer's is torchvision's ResNet-18 with
the same stem, channels last, lightly's `SimCLRProjectionHead` of the same widths and `NTXentLoss`, under
`torch.autocast` for bfloat16, and PyTorch's fused Adam.

Each side has its process, which waits while the other one works, and in every round all candidates are measured in
turn, so that a busy machine slows all of them (PyTorch's threads, which wait for each other, the most: have it idle).
Quoted are medians over the rounds, and the median of the ratio to lightly's figure within a round. By default bfloat16
is measured only where the processor multiplies it; elsewhere it is emulated, many times slower than float32.

Without `--peer` there is no lightly and nothing is written; else results go to
`benchmarks/results/resnet_step.json` and into docs/speed.md. `requirements-lightly.txt` says how to install the peer.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

from benchmarks.pages import publish

HERE = pathlib.Path(__file__).parent
INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512_vnni", "avx2")  # the best first; with the first two, bfloat16
OURS, STOCK, PEER = "keras_ssl", "stock layers", "lightly"
WARM_UP = 2


def images(batch):
    """Two views of each image."""
    return np.random.default_rng(0).random((2, batch, 32, 32, 3), dtype="float32")


def ours(candidate, precision, batch):
    """A function that takes so many steps, and the encoder's number of weights."""
    import keras
    import tensorflow as tf

    from keras_ssl import encoders, export, objectives

    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision])
    encoder = encoders.resnet18((32, 32, 3))
    objective = objectives.SimCLR(export.stock(encoder) if candidate == STOCK else encoder)
    objective.compile(keras.optimizers.Adam(1e-3))
    view_1, view_2 = images(batch)
    data = tf.data.Dataset.from_tensors({"view_1": view_1, "view_2": view_2}).repeat()
    count = sum(int(np.prod(weight.shape)) for weight in encoder.trainable_weights)
    return lambda steps: objective.fit(data, steps_per_epoch=steps, verbose=0), count


def peers(_, precision, batch):
    """The same for lightly on PyTorch."""
    import torch
    from lightly_peer import import_lightly

    lightly = import_lightly()
    import torchvision

    encoder = torchvision.models.resnet18()
    encoder.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    encoder.maxpool, encoder.fc = torch.nn.Identity(), torch.nn.Identity()
    network = torch.nn.Sequential(encoder, lightly.models.modules.heads.SimCLRProjectionHead(512, 512, 128))
    network = network.to(memory_format=torch.channels_last)
    criterion = lightly.loss.NTXentLoss()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    views = [torch.tensor(view).permute(0, 3, 1, 2) for view in images(batch)]  # channels last in memory

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = criterion(network(views[0]), network(views[1]))
        loss.backward()
        optimizer.step()

    count = sum(weight.numel() for weight in encoder.parameters())
    return lambda steps: [step() for _ in range(steps)], count


def serve(side, batch):
    """Measure what each line of the standard input asks for, and answer with a line."""
    make, made = {"ours": ours, "peer": peers}[side], {}
    for line in sys.stdin:
        candidate, precision, steps = json.loads(line)
        if (candidate, precision) not in made:
            made[candidate, precision] = make(candidate, precision, batch)
            made[candidate, precision][0](WARM_UP)
        run, count = made[candidate, precision]
        begun = time.perf_counter()
        run(steps)
        views = 2 * batch * steps / (time.perf_counter() - begun)
        print(json.dumps({"views": views, "weights": count}), flush=True)


class Side:
    """A process that measures one side's candidates when it is asked."""

    def __init__(self, python, side, batch):
        settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "PYTHONPATH": str(HERE.parent)}
        command = [python, __file__, "--batch", str(batch), "--serve", side]
        self.process = subprocess.Popen(
            command,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )

    def measure(self, *request):
        """Return the figures."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        """Let the process end."""
        self.process.communicate()


def instructions():
    """The best of `INSTRUCTIONS` that the processor has, as far as Linux says."""
    processor = pathlib.Path("/proc/cpuinfo")
    flags = processor.read_text().split() if processor.exists() else []
    return next((name for name in INSTRUCTIONS if name in flags), "")


def machine():
    """Cores, instructions and versions."""
    versions = {name: importlib.metadata.version(name) for name in ("tensorflow", "keras")}
    return {"cores": os.cpu_count(), "instructions": instructions(), **versions}


def measured(options):
    """The figures of all rounds: `{precision: {candidate: [views a second, …]}}`."""
    sides = {"ours": Side(sys.executable, "ours", options.batch)}
    candidates = {OURS: sides["ours"], STOCK: sides["ours"]}
    if options.peer:
        sides["peer"] = Side(options.peer, "peer", options.batch)
        candidates = {OURS: sides["ours"], PEER: sides["peer"], STOCK: sides["ours"]}
    views = {precision: {name: [] for name in candidates} for precision in options.precisions}
    for k in range(options.rounds):
        for precision in options.precisions:
            found = {name: side.measure(name, precision, options.steps) for name, side in candidates.items()}
            if len({figures["weights"] for figures in found.values()}) > 1:
                raise SystemExit(f"Expected encoders with the same number of weights. Received {found}.")
            for name, figures in found.items():
                views[precision][name].append(figures["views"])
            print(k, precision, {name: f"{figures['views']:.1f}" for name, figures in found.items()}, flush=True)
    for side in sides.values():
        side.end()
    return views


def section(result):
    """The table."""
    lines = [f"| precision | {OURS} | {STOCK} | {PEER} | {OURS} / {PEER} |", "|---|---|---|---|---|"]
    for precision, views in result["views_per_second"].items():
        cells = [f"{np.median(views[name]):.0f}" for name in (OURS, STOCK, PEER)]
        ratios = np.divide(views[OURS], views[PEER])
        ratio = f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
        lines.append(f"| {precision} | {' | '.join(cells)} | {ratio} |")
    m, p = result["machine"], result["protocol"]
    return "\n".join(lines) + (
        f"\n\nViews per second of a SimCLR step on a ResNet-18, {p['batch']} images of 32x32, medians of {p['rounds']} "
        f"rounds ({m['cores']} cores with {m['instructions']},\nTensorFlow {m['tensorflow']}, Keras {m['keras']}; "
        f"lightly 1.6.0, PyTorch 2.13.0, channels last; `python -m benchmarks.resnet_step`)."
    )


def main():
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", help="Python interpreter that has lightly")
    parser.add_argument("--rounds", type=int, default=7, help="in each of which all are measured (7)")
    parser.add_argument("--steps", type=int, default=5, help="in one measurement (5)")
    native = ["float32", "bfloat16"] if instructions() in INSTRUCTIONS[:2] else ["float32"]
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"), default=native)
    parser.add_argument("--batch", type=int, default=64, help="images, each of which has two views (64)")
    parser.add_argument("--serve", choices=("ours", "peer"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve, options.batch)
    protocol = {name: getattr(options, name) for name in ("rounds", "steps", "batch")}
    result = {"machine": machine(), "protocol": protocol, "views_per_second": measured(options)}
    if options.peer:
        print(section(result))
        publish("resnet_step", result)
    return None


if __name__ == "__main__":
    main()
