"""Shared settings of the tests: quiet TensorFlow, two logical CPUs for the replica tests, one seed for each test."""

import gc
import os
import pathlib
import sys

if sys.dont_write_bytecode:  # each process would compile all that it imports, with TensorFlow for 10 s
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(pathlib.Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same on all machines, and no warning where it is off
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault(  # quicker to compile, 4 times so on JAX
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
)

import hypothesis
import keras
import pytest

hypothesis.settings.register_profile("keras_ssl", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("keras_ssl")

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.threading.set_intra_op_parallelism_threads(1)  # pytest has as many workers as there are cores

    def without_autotuning(dataset, iterate=tf.data.Dataset.__iter__):
        """Its thread can sleep through the end of an iterator, for as long as that lived: 41 s in some tests."""
        options = tf.data.Options()
        options.autotune.enabled = False
        return iterate(dataset.with_options(options))

    tf.data.Dataset.__iter__ = without_autotuning

gc.freeze()  # what was imported stays: looking through it again and again takes a tenth of the time
gc.set_threshold(50_000, 50, 50)


LONGEST = ("conformance_steps", "conformance", "jax", "multiworker", "notebooks", "collapse", "readme", "any_encoder")


def pytest_collection_modifyitems(items):
    """Start the longest files first, so that none of them is left for the end, when one worker has nothing to do."""
    names = [f"test_{name}" for name in LONGEST]
    items.sort(key=lambda item: names.index(item.path.stem) if item.path.stem in names else len(names))


@pytest.fixture(autouse=True)
def no_pages(request, monkeypatch):
    """Have runs write no pages with pictures, which cost seconds, except in tests that are marked `pages`."""
    if not request.node.get_closest_marker("pages"):
        monkeypatch.setattr("keras_ssl.figures.report.write", lambda *_: None)


@pytest.fixture(autouse=True)
def one_seed():
    """Start every test from the same random state and with Keras's global state cleared."""
    keras.backend.clear_session(free_memory=False)  # collecting garbage would cost some 0.3 s a test
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def two_replicas():
    """The one `MirroredStrategy` of the process: those of a second would have the keys of the first's collectives."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())  # smallest graphs
