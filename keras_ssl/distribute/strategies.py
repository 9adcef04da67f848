"""Creating a `tf.distribute.Strategy` by name."""

import contextlib
import json
import os
from typing import Any

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.names import check_strategy

__all__ = ["is_chief", "scope_of", "strategy"]


def strategy(name: Any = "mirrored") -> Any:
    """Return a distribution strategy. Create and compile the encoder and the objective in its `scope()`.

    Negatives, statistics of decorrelation losses, centers, queues and assignments are global across replicas, and this
    package's batch normalization is synchronized, so N replicas train as one device does on the global batch (see
    `check_replicas`).

    Args:
        name: "mirrored": all GPUs of this machine, or all logical CPUs if there are none. "multiworker": the machines
            listed in the environment variable TF_CONFIG. "none": one device. A `tf.distribute.Strategy` is returned
            unchanged. Default: "mirrored".

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        UserError: If the name is unknown, TF_CONFIG is missing or malformed, or Keras does not run on TensorFlow.

    Example:
        `with distribute.strategy("mirrored").scope(): simclr = objectives.SimCLR(encoders.conv_net((32, 32, 3)))`
    """
    require_tensorflow("which distribution needs")
    import tensorflow as tf

    if isinstance(name, tf.distribute.Strategy):
        return name
    check_strategy(name)
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        devices = [device.name for device in tf.config.list_logical_devices(kind)]
        # the only reduction that works with `steps_per_execution` above 1
        return tf.distribute.MirroredStrategy(devices, tf.distribute.HierarchicalCopyAllReduce())
    _check_tf_config(os.environ.get("TF_CONFIG"))
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: Any) -> bool:
    """Return whether this process is the first worker, or the only process, and so must write files.

    Args:
        strategy: `tf.distribute.Strategy`.
    """
    return strategy.extended.should_checkpoint


def scope_of(model: Any) -> Any:
    """Return the scope of the strategy that a model was built in, to make variables beside its own in.

    Args:
        model: `keras.Model`. On JAX, the scope does nothing.
    """
    strategy = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _check_tf_config(text):
    """Raise unless TF_CONFIG gives the addresses of all workers and the index of this process."""
    example = '{"cluster": {"worker": ["host-a:12345", "host-b:12345"]}, "task": {"type": "worker", "index": 0}}'
    do = f"set it on every worker, each with its own index, for example to {example}"
    if text is None:
        raise UserError("the environment variable TF_CONFIG", "none", do)
    try:
        config = json.loads(text)
        cluster, kind, index = config["cluster"], config["task"]["type"], config["task"]["index"]
        jobs = {job: cluster[job] for job in ("chief", "worker") if job in cluster}
    except (ValueError, TypeError, KeyError) as error:
        raise UserError("TF_CONFIG with cluster, task.type and task.index", f"{text!r} ({error!r})", do) from error
    for job, addresses in jobs.items():
        if not isinstance(addresses, list) or not all(isinstance(one, str) and _has_port(one) for one in addresses):
            raise UserError(f"cluster.{job} in TF_CONFIG as a list of host:port", repr(addresses), do)
    addresses = [one for job in jobs.values() for one in job]
    if len(set(addresses)) != len(addresses):
        raise UserError("an address of its own for each worker in TF_CONFIG", ", ".join(addresses), do)
    if kind not in list(jobs):
        raise UserError("task.type in TF_CONFIG as chief or worker, and listed in cluster", repr(kind), do)
    if not isinstance(index, int) or not 0 <= index < len(jobs[kind]):
        raise UserError(f"task.index in TF_CONFIG in 0..{len(jobs[kind]) - 1}", repr(index), do)


def _has_port(address):
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdigit() and 0 < int(port) < 65536
