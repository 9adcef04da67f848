"""What it costs that an objective stops at the first update that is not finite.

    python -m benchmarks.finite [--pairs 100] [--only "conv_net, graph"]

Each row trains the same objective twice, side by side in one process: with the package's training step, and with a step
that checks nothing and is otherwise the same. They take single steps in turn, in an order that changes from pair to
pair, and what counts is processor time, because the speed of a shared machine drifts twofold within minutes. Quoted are
the medians of both, the median of the ratio within a pair, and its interval of 95 % from resampled pairs. Rows differ
in what a step consists of: small and large convolutions, dense layers whose weights outweigh their arithmetic, a
transformer, two optimizers; in the mode, graph, XLA or two replicas on two logical CPUs; and in the backend. The table
goes to `benchmarks/results/finite.json` and into docs/speed.md.
"""

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from unittest import mock

import numpy as np

from benchmarks.pages import publish, published

ROWS = {
    "conv_net, graph": ("SimCLR", "conv_net", 64, "graph"),
    "conv_net, XLA": ("SimCLR", "conv_net", 64, "xla"),
    "conv_net, 2 replicas": ("SimCLR", "conv_net", 64, "replicas"),
    "BYOL, graph": ("BYOL", "conv_net", 64, "graph"),
    "ResNet-18, graph": ("SimCLR", "resnet18", 8, "graph"),
    "mlp, graph": ("Autoencoder", "mlp", 256, "graph"),
    "ViT, graph": ("MaskedAutoencoder", "vit", 32, "graph"),
    "GAN, graph": ("GAN", "plain", 64, "graph"),
    "conv_net, JAX": ("SimCLR", "conv_net", 64, "jax"),
    "mlp, JAX": ("Autoencoder", "mlp", 256, "jax"),
}
"""Objective, encoder, batch size and mode of each row."""


def unchecked_on_tensorflow(objective, data):
    """The training step without a check of the updates."""
    import tensorflow as tf

    from keras_ssl.distribute import reducible, replicas

    minimized = {}
    for term, optimizer, variables in objective.updates:
        with tf.GradientTape() as tape:
            outputs, terms = objective.run(data, training=True)
            loss = optimizer.scale_loss(terms[term] / replicas())
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        minimized[term] = terms[term]
    objective.after_step(outputs)
    objective.step.assign_add(1)
    return reducible(objective.track(terms | minimized))


def unchecked_on_jax(objective, state, data):
    """The training step without a check of the updates."""
    import jax

    from keras_ssl.objectives.base.jax_step import _scope, _values

    trainable, non_trainable, optimizer_values, metric_values = state
    optimizer = objective.optimizer
    weights, others, metrics = (
        objective.trainable_variables,
        objective.non_trainable_variables,
        objective.metrics_variables,
    )

    def loss(trainable):
        everything = [*weights, *others, *optimizer.variables]
        with _scope(everything, [*trainable, *non_trainable, *optimizer_values]) as scope:
            outputs, terms = objective.run(data, training=True)
            scaled = optimizer.scale_loss(terms["loss"])
        return scaled, (outputs, terms, _values(others, scope))

    (_, (outputs, terms, non_trainable)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable)
    trainable, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, trainable)
    with _scope([*weights, *others, *metrics], [*trainable, *non_trainable, *metric_values]) as scope:
        objective.after_step(outputs)
        objective.step.assign_add(1)
        logs = objective.track(terms)
    return logs, (trainable, _values(others, scope), optimizer_values, _values(metrics, scope))


def build(name, kind):
    """An objective, and the shape of its images."""
    import keras

    from keras_ssl import encoders, objectives

    keras.utils.set_random_seed(0)
    shape = {"resnet18": (32, 32, 3), "vit": (32, 32, 3)}.get(kind, (28, 28, 1))
    encoder = {
        "conv_net": lambda: encoders.conv_net(shape),
        "plain": lambda: encoders.conv_net(shape, normalize=False),
        "resnet18": lambda: encoders.resnet18(shape),
        "mlp": lambda: encoders.mlp(shape, units=(1024, 512, 128)),
        "vit": lambda: encoders.vit(shape, patch=4, width=96, depth=4, heads=3),
    }[kind]()
    return getattr(objectives, name)(encoder), shape


@functools.cache
def both_cpus():
    """The one strategy of the process: a second would have the same keys of collectives."""
    from keras_ssl import distribute

    return distribute.strategy("mirrored")


def prepared(name, kind, batch, mode):
    """A function that takes a step."""
    import keras
    import tensorflow as tf

    strategy = both_cpus() if mode == "replicas" else None
    with strategy.scope() if strategy else contextlib.nullcontext():
        objective, shape = build(name, kind)
        objective.compile(keras.optimizers.Adam(1e-4), jit_compile=mode in ("xla", "jax"))
    x = np.random.default_rng(0).random((len(objective.batch_keys), batch, *shape), dtype="float32")
    data = tf.data.Dataset.from_tensors(dict(zip(objective.batch_keys, x))).repeat()
    if mode == "jax":
        return on_jax(objective, dict(zip(objective.batch_keys, x)))
    batches = iter(strategy.experimental_distribute_dataset(data) if strategy else data)
    objective.make_train_function()

    def step():
        keras.tree.map_structure(np.array, objective.train_function(batches))

    return step


def on_jax(objective, batch):
    """The same on JAX, whose state goes from step to step."""
    objective.optimizer.build(objective.trainable_variables)
    objective.make_train_function()
    names = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")
    state = [objective._get_jax_state(**dict.fromkeys(names, True))]

    def step():
        logs, state[0] = objective.train_function(state[0], iter([batch]))
        float(logs["loss"])

    return step


def measured(row, pairs):
    """Milliseconds of processor time of each step, of both."""
    from keras_ssl.objectives.base import jax_step, tensorflow_step

    name, kind, batch, mode = ROWS[row]
    module, unchecked = (jax_step, unchecked_on_jax) if mode == "jax" else (tensorflow_step, unchecked_on_tensorflow)
    contexts = {
        "checked": contextlib.nullcontext,
        "unchecked": lambda: mock.patch.multiple(module, train_step=unchecked, raise_if_stopped=lambda *_: None),
    }
    step = {which: prepared(name, kind, batch, mode) for which in contexts}

    def milliseconds(which):
        with contexts[which]():
            begun = time.process_time()
            step[which]()
            return round(1000 * (time.process_time() - begun), 3)

    for _ in range(3):
        for which in contexts:
            milliseconds(which)
    found = {which: [] for which in contexts}
    for k in range(pairs):
        for which in sorted(contexts, reverse=bool(k % 2)):
            found[which].append(milliseconds(which))
    return found


def section(result):
    """The table."""
    lines = ["| training | CPU ms a step, checked | not checked | ratio (95 %) |", "|---|---|---|---|"]
    for row, found in result["rows"].items():
        both = np.array([found["checked"], found["unchecked"]])
        ratios = both[0] / both[1]
        draws = np.random.default_rng(0).integers(0, len(ratios), (2000, len(ratios)))
        low, high = np.percentile(np.median(ratios[draws], axis=1), (2.5, 97.5))
        one, other = np.median(both, axis=1)
        lines.append(f"| {row} | {one:.3g} | {other:.3g} | {np.median(ratios):.3f} ({low:.3f} to {high:.3f}) |")
    return "\n".join(lines) + (
        f"\n\nMedians of {result['pairs']} pairs of steps, taken in turn on {result['cores']} shared cores; intervals "
        "from resampled pairs\n(`python -m benchmarks.finite`)."
    )


def start(row, options):
    """Measure a row in a process of its own."""
    backend = "jax" if ROWS[row][3] == "jax" else "tensorflow"
    command = [sys.executable, "-m", "benchmarks.finite", "--measure", row]
    command += ["--pairs", str(options.pairs)]
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    answer = subprocess.run(command, env=os.environ | settings, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(answer.splitlines()[-1])


def main():
    """Measure the rows and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--only", choices=ROWS, help="measure this row again and keep the others")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        if ROWS[options.measure][3] == "replicas":
            import tensorflow as tf

            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        print(json.dumps(measured(options.measure, options.pairs)))
        return
    rows = published("finite", options.only).get("rows", {})
    for row in [options.only] if options.only else ROWS:
        rows[row] = start(row, options)
        print(row, rows[row], flush=True)
    result = {"cores": os.cpu_count(), "pairs": options.pairs, "rows": {row: rows[row] for row in ROWS if row in rows}}
    print(section(result))
    publish("finite", result)


if __name__ == "__main__":
    main()
