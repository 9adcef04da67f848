"""oneDNN's kernels for TensorFlow on a CPU, which TensorFlow turns on by itself on newer CPUs only."""

import functools
import os
import sys
import warnings

__all__ = ["turn_on", "warn_if_off"]

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
"""The environment variable, which TensorFlow reads when it is imported."""


def turn_on() -> None:
    """Set the environment variable, unless it is set already, or it is too late: TensorFlow has been imported."""
    if "tensorflow" not in sys.modules:
        os.environ.setdefault(VARIABLE, "1")


@functools.cache
def warn_if_off() -> None:
    """Warn, once in a process, if TensorFlow trains on a CPU without them although nobody has turned them off."""
    import platform

    if VARIABLE in os.environ or (sys.platform, platform.machine()) != ("linux", "x86_64"):  # elsewhere it is no choice
        return
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU") or _is_on():
        return
    warnings.warn(
        "TensorFlow was imported without oneDNN's kernels: on this CPU, training takes about 1.5 times as long. "
        f"Import keras_ssl before keras, or set {VARIABLE}=1 (or 0, to leave them off without this warning).",
        stacklevel=3,
    )


def _is_on():
    from tensorflow.python.util import _pywrap_util_port

    return _pywrap_util_port.IsMklEnabled()
