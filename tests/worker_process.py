"""The command line with a tiny recipe, for the workers of `test_multiworker.py`.

    python worker_process.py KILL pretrain …

Worker 1 kills itself with SIGKILL after so many steps; 0 is never. It fails where it writes what the chief shall.
"""

import json
import os
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import callbacks, cli, encoders, objectives, recipes, runs, views

STEPS = 4  # an epoch


def tiny(source, epochs, seed):
    """SimCLR by gradient descent, where a difference stays as small as it was: Adam would enlarge that of roundings."""
    keras.utils.set_random_seed(seed)
    objective = objectives.SimCLR(encoders.conv_net(source.shape, filters=(4, 8)), seed=seed)
    objective.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    pair = views.pair(views.digits())
    pair.pure = False  # compiling them would take longer than all else
    return recipes.Recipe(objective, source[: 24 * STEPS + 3], epochs, pair, batch_size=24, seed=seed)


def forbidden(*_args, **_kwargs):
    """In place of what only the chief may do."""
    raise AssertionError("a worker that is not the chief writes")


def main(kill, *words):
    """Run the command line."""
    if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1:
        runs.save_model = runs.model_files._write_json = tf.train.CheckpointManager.save = forbidden
        if kill:
            callbacks.Guard.on_train_batch_end = lambda guard, batch, logs: (
                os.kill(os.getpid(), signal.SIGKILL) if np.array(guard.model.step) == kill else None
            )
    recipes.choose = lambda objective, dataset: tiny
    sys.argv[1:] = words
    cli.main()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
