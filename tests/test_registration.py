"""What a new process needs to load saved models: `import keras_ssl`, and nothing else."""

import importlib
import json
import pathlib
import pkgutil

import keras
import new_process
import pytest

import keras_ssl
from keras_ssl import optimizers

ROOT = pathlib.Path(keras_ssl.__file__).parent
INTERNAL = {"trees", "__main__", "backends", "batch_keys", "cli", "commands", "files", "logs", "names", "onednn"}
INTERNAL |= {"progress", "registered", "set_names", "typing"}
CosineDecay = keras.optimizers.schedules.CosineDecay

LOADING = """
import json, sys
import keras
import keras_ssl
names, models = json.loads(sys.argv[1])
found = {name: keras.saving.get_registered_object(name) for name in names}
loaded = [keras.saving.load_model(path) for path in models]
print(json.dumps({
    "known": [name for name, value in found.items() if value is not None],
    "optimizers": [keras.saving.get_registered_name(type(model.optimizer)) for model in loaded],
    "configs": [model.optimizer.get_config() for model in loaded],
}))
"""


def registered_names():
    """Names of everything that the package registers with Keras, found by importing all of it."""
    for module in pkgutil.walk_packages([str(ROOT)], "keras_ssl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted(name for name in keras.saving.get_custom_objects() if name.startswith("keras_ssl>"))


def saved(optimizer, path):
    """Save a model that was compiled with an optimizer, and the optimizer's state."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    model.save(path)
    return str(path)


def test_a_new_process_that_imports_keras_ssl_knows_all_that_is_registered(tmp_path):
    names = registered_names()
    assert {"keras_ssl>LARS", "keras_ssl>StretchedSchedule", "keras_ssl>Gaussian", "keras_ssl>Queue"} <= set(names)
    assert {"keras_ssl>SimCLR", "keras_ssl>masking_noise", "keras_ssl>nt_xent", "keras_ssl>Prototypes"} <= set(names)
    schedules = CosineDecay(0.01, 20), optimizers.StretchedSchedule(CosineDecay(0.04, 20, alpha=10), 2)
    made = [optimizers.LARS(0.1), optimizers.AdamW(*schedules)]
    paths = [saved(optimizer, tmp_path / f"{optimizer.name}.keras") for optimizer in made]
    printed = new_process.run(LOADING, json.dumps([names, paths]), folder=ROOT.parent)
    found = json.loads(printed.splitlines()[-1])
    assert found["known"] == names
    assert found["optimizers"] == ["keras_ssl>LARS", "keras_ssl>AdamW"]
    assert found["configs"] == json.loads(json.dumps([optimizer.get_config() for optimizer in made]))


def test_every_public_package_is_an_attribute_of_keras_ssl():
    found = {module.name for module in pkgutil.iter_modules([str(ROOT)])}
    assert set(keras_ssl.__all__) == found - INTERNAL
    for name in keras_ssl.__all__:
        assert getattr(keras_ssl, name).__name__ == f"keras_ssl.{name}"
    assert set(keras_ssl.__all__) <= set(dir(keras_ssl))
    with pytest.raises(AttributeError, match="no attribute 'backbones'"):
        _ = keras_ssl.backbones
