"""Shared settings of the tests: quiet TensorFlow, two logical CPUs for the replica tests, one seed for each test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import keras
import pytest

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(autouse=True)
def one_seed():
    """Start every test from the same random state and with Keras's global state cleared."""
    keras.backend.clear_session(free_memory=False)  # collecting garbage would cost some 0.3 s a test
    keras.utils.set_random_seed(0)
