"""What other files test on TensorFlow holds on JAX too: in one process, since starting it takes long."""

import os
import pathlib
import subprocess
import sys

import keras
import pytest

HERE = pathlib.Path(__file__).parent
FILES = {
    "test_losses_missing_labels.py": "by_hand",
    "test_optimizers.py": "by_hand or scaling",
    "test_optimizers_schedules.py": "by_hand or target_follows",
    "test_probes.py": "every_epoch or nothing",
    "test_sequences.py": "by_hand",
}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's")
@pytest.mark.timeout(600)  # 40 s of one core, most of it compiling
def test_the_same_on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        " or ".join(FILES.values()),
        *FILES,
    ]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=HERE)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "16 passed" in result.stdout
