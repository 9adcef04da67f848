"""What `make package` runs in an environment with the wheel and JAX only: import, two steps of training, saving.

    KERAS_BACKEND=jax python without_tensorflow.py FOLDER

It is not collected by pytest: the suite needs no network to install from.
"""

import importlib.util
import pathlib
import sys

import keras

import keras_ssl
from keras_ssl import data, encoders, objectives, views
from keras_ssl.errors import UserError

folder = pathlib.Path(sys.argv[1])
assert "site-packages" in keras_ssl.__file__
assert importlib.util.find_spec("tensorflow") is None

simclr = objectives.SimCLR(encoders.conv_net((8, 8, 1), filters=(4, 8)))
simclr.compile("adam")
simclr.fit(data.batches(data.load("digits")[:64], views=views.digits(), batch_size=32), verbose=0)
assert int(simclr.step) == 2
simclr.save(folder / "simclr.keras")
assert int(keras.saving.load_model(folder / "simclr.keras").step) == 2

try:
    data.load("mnist")
    raise SystemExit("a named data set without TensorFlow Datasets")
except UserError as error:
    asked = "keras-ssl[datasets]" in str(error)
assert asked
print(f"1 passed, 0 failed: Python {sys.version.split()[0]}, Keras {keras.__version__} on {keras.backend.backend()}")
