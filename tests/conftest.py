"""Shared settings of the tests: quiet TensorFlow, two logical CPUs for the replica tests, one seed for each test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import keras
import pytest


@pytest.fixture(autouse=True)
def one_seed():
    """Start every test from the same random state and with Keras's global state cleared."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
