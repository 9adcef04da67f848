"""Runs that were killed at a random step and resumed: how many of their tensors equal those of an uninterrupted run.

    python -m benchmarks.resume
    python -m benchmarks.resume MoCo          # some objectives only, which writes nothing

Ten objectives of `tests/cases.py`, on images, series, rows and texts, are trained for 4 epochs of 7 steps by
`callbacks.Resume.fit`, with a checkpoint every 3 steps. Each is killed twice with SIGKILL, at steps drawn with seed 0:
once alone, and once with ReduceLROnPlateau and EarlyStopping beside, and then resumed in another process. Compared are
the weights, all other variables of the model, the variables of the optimizers, the state of both callbacks, and the
logs of the epochs from the interrupted one on, bit for bit. The result goes to `benchmarks/results/resume.json` and
into docs/watching.md.
"""

import multiprocessing
import os
import pathlib
import platform
import signal
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from cases import CASES, images, pairs_of_texts, rows, series  # noqa: E402

from benchmarks.pages import publish  # noqa: E402
from keras_ssl import callbacks, data, views  # noqa: E402
from keras_ssl.callbacks import states  # noqa: E402

NAMES = (
    "SimCLR, series",
    "SimCLR, ids and mask",
    "MoCo",
    "BYOL",
    "VICReg",
    "DenoisingAutoencoder",
    "VariationalAutoencoder, rows",
    "GAN",
    "RotationPrediction",
    "MaskedAutoencoder",
)
EPOCHS, STEPS, BATCH, EVERY = 4, 7, 8, 3


def source_and_views(kind):
    """Samples of a kind, and a function that makes views of them."""
    count = STEPS * BATCH
    if kind == "series":
        return data.from_arrays(series(count, 0)["input"], kind="series"), noisy
    if kind == "row":
        return data.from_arrays(rows(count, 0).astype("float32")), noisy
    if kind == "image":
        policy = views.Policy([views.flip(), views.noise()])
        policy.pure = False  # or XLA would compile it
        return data.from_arrays(images(count, 0)), policy
    return data.from_arrays(pairs_of_texts(count, 0)["view_1"]), parts_of_texts


def noisy(x, seed):
    """Add normal noise."""
    return x + 0.1 * tf.random.stateless_normal(tf.shape(x), seed)


def parts_of_texts(x, seed):
    """Leave a fifth of the ids out."""
    kept = tf.random.stateless_uniform(tf.shape(x["padding_mask"]), seed) < 0.8
    return {**x, "padding_mask": x["padding_mask"] * tf.cast(kept, "int32")}


def build(name):
    """The compiled objective, with the same weights in every process."""
    keras.utils.set_random_seed(0)
    objective = next(case for case in CASES if case.name == name).build()
    objective.compile(keras.optimizers.Adam(0.003))
    return objective


def beside(name):
    """Callbacks with a state that changes in every epoch, and with it the learning rate, if there is only one."""
    stopping = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=0.01, restore_best_weights=True)
    return (
        [stopping]
        if name == "GAN"
        else [keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1), stopping]
    )


def train(name, others, folder, kill_at=None):
    """Train from what is in the folder to the end, or until a kill; return all that is compared, by what it is."""
    objective = build(name)
    kinds = [spec.kind for spec in keras.tree.flatten(objective.batch_specs)]
    source, policy = source_and_views(kinds[0])

    def batches(step):
        return data.batches(source, policy if "view_1" in objective.batch_keys else None, BATCH, first_step=step)

    def kill(batch, logs=None):
        if int(objective.step) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    resume = callbacks.Resume(folder, objective, every_steps=EVERY)
    killer = keras.callbacks.LambdaCallback()
    killer.on_train_batch_begin = kill
    history = resume.fit(batches, EPOCHS, [*others, killer], verbose=0).history
    optimizers = {id(update.optimizer): update.optimizer for update in objective.updates}.values()
    variables = [*objective.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    found = {f"variable {k}": keras.ops.convert_to_numpy(variable) for k, variable in enumerate(variables)}
    for number, (kind, state) in enumerate(states.states(others)):
        leaves = keras.tree.flatten({key: value for key, value in state.items() if value is not None})
        found |= {f"{number} {kind} {k}": np.array(leaf) for k, leaf in enumerate(leaves)}
    return found | {f"log {key}": np.array(values) for key, values in history.items()}


def compare(name, kills, connection):
    """Kill and resume an objective once for each of `kills`, and send what came of it.

    TensorFlow is imported here, but has not run anything before the process of each kill is forked.
    """
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        for kill_at, with_others in kills:
            others = beside(name) if with_others else []
            killed = fork.Process(target=train, args=(name, others, f"{folder}/{kill_at}", kill_at))
            killed.start()
            killed.join()
            if killed.exitcode != -signal.SIGKILL:
                raise SystemExit(f"{name} ended with {killed.exitcode} before step {kill_at}")
        for kill_at, with_others in kills:
            whole = train(name, beside(name) if with_others else [], f"{folder}/whole {kill_at}")
            resumed = train(name, beside(name) if with_others else [], f"{folder}/{kill_at}")
            equal = [_equal(resumed.get(key), values) for key, values in whole.items()]
            run = {"objective": name, "beside": with_others, "step": kill_at}
            connection.send(run | {"tensors": len(equal), "equal": sum(equal)})
    connection.close()


def _equal(found, expected):
    """Whether all bits are the same; of logs, those that the resumed run has, which are at least its last."""
    if found is None or not len(np.atleast_1d(found)):
        return False
    expected = expected[len(expected) - len(found) :] if np.ndim(found) == 1 else expected
    return found.dtype == expected.dtype and found.tobytes() == expected.tobytes()


def measure(names):
    """The kills of all names, two objectives at a time."""
    rng, fork, found = np.random.default_rng(0), multiprocessing.get_context("fork"), []
    steps = {name: 1 + rng.choice(2 * STEPS - 1, 2, replace=False) for name in NAMES}
    # in the first two epochs, which EarlyStopping does not cut short
    waiting = [(name, [(int(step), bool(k)) for k, step in enumerate(steps[name])]) for name in names]
    running = []
    while waiting or running:
        while waiting and len(running) < 2:
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=compare, args=(*waiting.pop(0), sender))
            process.start()
            sender.close()
            running.append((process, receiver))
        process, receiver = running.pop(0)
        try:
            while True:
                found.append(receiver.recv())
                print(found[-1], flush=True)
        except EOFError:
            process.join()
    machine = f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}, {platform.machine()}"
    return {"runs": found, "machine": machine}


def section(result):
    """The table."""
    lines = ["| objective | killed at step | tensors that are equal | killed at step, callbacks beside | equal |"]
    lines.append("|---|---|---|---|---|")
    for name in NAMES:
        alone, others = sorted((run for run in result["runs"] if run["objective"] == name), key=lambda r: r["beside"])
        cells = [f"{run['step']} | {run['equal']} of {run['tensors']}" for run in (alone, others)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    equal, tensors = (sum(run[key] for run in result["runs"]) for key in ("equal", "tensors"))
    return "\n".join(
        [
            *lines,
            "",
            f"After {len(result['runs'])} kills, {equal:,} of {tensors:,} tensors are equal bit for bit to those of an",
            f"uninterrupted run: {EPOCHS} epochs of {STEPS} steps, a checkpoint every {EVERY} steps. Data are 8x8",
            "images where no other kind is named. The callbacks are ReduceLROnPlateau and EarlyStopping",
            f"({result['machine']}; `python -m benchmarks.resume`).",
        ]
    )


def main():
    """Measure and write the table; with names of objectives, only measure."""
    names = sys.argv[1:]
    result = measure(names or NAMES)
    if not names:
        publish("resume", result)
        print(section(result))


if __name__ == "__main__":
    main()
