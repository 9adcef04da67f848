"""What the workers of `test_multiworker.py` do: checks, if a file for their results is given, then the command line.

    python worker_process.py pretrain …
    python worker_process.py --check FOUND.json pretrain …

After the checks, worker 1 kills itself with SIGKILL in the second epoch. It fails if it writes what only the chief may.
"""

import functools
import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf
from cases import CASES

from keras_ssl import callbacks, cli, distribute, encoders, objectives, recipes, runs, views

STEPS = 4  # an epoch


def tiny(source, epochs, seed):
    """SimCLR by gradient descent, where a difference stays as small as it was: Adam would enlarge that of roundings."""
    keras.utils.set_random_seed(seed)
    objective = objectives.SimCLR(encoders.conv_net(source.shape, filters=(4, 8)), seed=seed)
    objective.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    pair = views.pair(views.digits())
    pair.pure = False  # compiling them would take longer than all else
    return recipes.Recipe(objective, source[: 24 * STEPS + 3], epochs, pair, batch_size=24, seed=seed)


def checks(strategy):
    """How far replicas are from one device, with a queue, a target and batch normalization; and Keras's own `fit`."""
    found = {}
    for case in CASES:
        if case.name in ("MoCo", "VICReg"):
            keras.utils.set_random_seed(0)
            found[case.name] = distribute.check_replicas(case.build(), case.batch(8, 0), strategy)
    return found | {"fit of Keras": error_of_keras(strategy)}


def error_of_keras(strategy):
    """The message of the error from Keras's own `fit` with several workers, or an empty string."""
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.ones((8, 4), "float32"), np.ones((8, 1), "float32")))
    try:
        model.fit(data, verbose=0)
    except Exception as error:
        return str(error)
    return ""


def forbidden(*_args, **_kwargs):
    """In place of what only the chief may do."""
    raise AssertionError("a worker that is not the chief writes")


def kill_at(step):
    """End this process amid training, as the kernel does when memory is short."""
    callbacks.Resume.on_train_batch_end = lambda resume, batch, logs: (
        os.kill(os.getpid(), signal.SIGKILL) if np.array(resume.model.step) == step else None
    )


def main(words):
    """Run the checks and the command line, under one strategy: a second would have the same keys of collectives."""
    strategy = distribute.strategy("multiworker")
    distribute.strategy = lambda name: strategy
    chief = distribute.is_chief(strategy)
    if not chief:
        runs.save_model = runs.model_files._write_json = tf.train.CheckpointManager.save = forbidden
    if words[0] == "--check":
        found, words = checks(strategy), words[2:]
        if chief:
            pathlib.Path(sys.argv[2]).write_text(json.dumps(found))
        else:
            kill_at(STEPS + 2)
    recipes.choose = lambda objective, dataset: tiny
    callbacks.Resume = functools.partial(callbacks.Resume, every_steps=1)  # so that the run resumes in mid-epoch
    sys.argv[1:] = words
    cli.main()


if __name__ == "__main__":
    main(sys.argv[1:])
