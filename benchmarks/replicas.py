"""N replicas train as one device: the largest difference for every objective and strategy.

    python -m benchmarks.replicas

One step of gradient descent with a rate of 1 from the same weights on the same global batch of 8, in float32: on one
device, and on 2 and 4 logical CPUs under MirroredStrategy and on 2 processes under MultiWorkerMirroredStrategy. The
objectives are those of `tests/cases.py`, with batch normalization, queues, targets and multi-crop. Differences of
losses, of gradients and of all other state are relative to the largest value of each tensor, at least 1. The table goes
to `benchmarks/results/replicas.json` and into docs/distributed.md.
"""

import json
import os
import pathlib
import sys

from benchmarks.pages import RESULTS, publish

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
SETTINGS = {"mirrored, 2": 1, "mirrored, 4": 1, "multiworker, 2": 2}  # and the number of processes


def measure(setting, output, *names):
    """Run the cases of these names, or all, in this process (of several, the first writes the file)."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    kind, replicas = setting.split(", ")
    if kind == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(replicas))
    from keras_ssl import distribute

    strategy = distribute.strategy(kind)  # before anything else runs: its collectives are set up at the start
    from cases import CASES

    found = {}
    for case in [case for case in CASES if not names or case.name in names]:
        keras.utils.set_random_seed(0)
        found[case.name] = distribute.check_replicas(case.build(), case.batch(8, 0), strategy)
        print(setting, case.name, found[case.name], flush=True)
    if distribute.is_chief(strategy):
        pathlib.Path(output).write_text(json.dumps(found))


def start(setting, output, *names):
    """Run the processes of a setting and return what they found."""
    from keras_ssl import distribute

    distribute.launch(
        [sys.executable, "-m", "benchmarks.replicas", "--measure", setting, str(output), *names], SETTINGS[setting]
    )
    return json.loads(output.read_text())


def section(results):
    """The table."""
    lines = [f"| objective | {' | '.join(results)} |", "|---" * (len(results) + 1) + "|"]
    for name in next(iter(results.values())):
        cells = (f"{max(results[setting][name].values()):.0e}" for setting in results)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Measure all settings and write the table."""
    results = {setting: start(setting, RESULTS / ".part.json") for setting in SETTINGS}
    (RESULTS / ".part.json").unlink()
    publish("replicas", results)
    print(section(results))


if __name__ == "__main__":
    measure(*sys.argv[2:]) if sys.argv[1:2] == ["--measure"] else main()
