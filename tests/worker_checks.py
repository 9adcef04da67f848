"""What two workers of `test_multiworker.py` check in one start, as starting takes most of the time.

python worker_checks.py FOUND.json STOCK.txt
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).parent.parent
CASES = "MoCo", "VICReg"


def stock(strategy):
    """Return the error of Keras's own `fit` under the strategy, or nothing where it works."""
    import keras
    import numpy as np
    import tensorflow as tf

    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.ones((8, 4), "float32"), np.ones((8, 1), "float32")))
    try:
        model.fit(data, verbose=0)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(found, error):
    """Let both workers run both checks; the chief writes."""
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
    import replicas

    strategy = replicas.measure("multiworker, 2", found, *CASES)
    message = stock(strategy)
    if strategy.extended.should_checkpoint:
        pathlib.Path(error).write_text(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
