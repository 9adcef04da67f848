"""Hostile `.keras` files and samples: what runs code when it is read, unpacks to too much, or is not what it says."""

import io
import json
import os
import pickle
import zipfile

import numpy as np

from benchmarks.faults.hostile import case

# ---- models ----------------------------------------------------------------------------------------------------------


def keras_file(place, change):
    """A `.keras` file whose members have been changed, a dict of bytes by name."""
    import keras

    path, hostile = place / "sound.keras", place / "hostile.keras"
    inputs = keras.Input((4,), name="row")
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(hostile, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return hostile


def with_config(change):
    """A change of the configuration of the Dense layer."""

    def changed(members):
        config = json.loads(members["config.json"])
        change(config["config"]["layers"][1])
        members["config.json"] = json.dumps(config).encode()

    return changed


@case(".keras with a Lambda", "model")
def keras_lambda(version, place, canary):
    import keras

    inputs = keras.Input((4,), name="row")
    text = str(canary)
    layer = keras.layers.Lambda(lambda x: (open(text, "w").close(), x)[1], output_shape=(4,))
    keras.Model(inputs, layer(inputs)).save(place / "lambda.keras")
    canary.unlink(missing_ok=True)  # it was called here
    return place / "lambda.keras"


@case(".keras with a function of another module", "model")
def keras_other_module(version, place, canary):
    def change(layer):
        layer.update(module="os", class_name="system", config={"command": f"touch {canary}"}, registered_name="system")

    return keras_file(place, with_config(change))


@case(".keras with an activation of another module", "model")
def keras_other_function(version, place, canary):
    def change(layer):
        layer["config"]["activation"] = {
            "module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function",
        }  # fmt: skip

    return keras_file(place, with_config(change))


@case(".keras with 10^15 weights", "model")
def keras_huge(version, place, canary):
    return keras_file(place, with_config(lambda layer: layer["config"].update(units=10**15)))


@case(".keras with paths outside", "model")
def keras_paths(version, place, canary):
    def change(members):
        weights = members.pop("model.weights.h5")
        members["../canary"] = members[str(canary)] = members["../../model.weights.h5"] = weights

    return keras_file(place, change)


@case(".keras that unpacks to 256 MB", "model")
def keras_bomb(version, place, canary):
    return keras_file(place, lambda members: members.update({"model.weights.h5": bytes(1 << 28)}))


# ---- samples ---------------------------------------------------------------------------------------------------------


class Executed:
    """What writes the canary when it is unpickled."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return os.mkdir, (self.canary,)


@case(".npy with a pickle", "samples")
def npy_pickle(version, place, canary):
    path = place / "images.npy"
    np.save(path, np.array([Executed(canary)], object), allow_pickle=True)
    return path


@case(".npz with a pickle", "samples")
def npz_pickle(version, place, canary):
    path = place / "images.npz"
    np.savez(path, image=np.array([Executed(canary)], object))
    return path


@case("a pickle named .npy", "samples")
def named_npy(version, place, canary):
    path = place / "images.npy"
    path.write_bytes(pickle.dumps(Executed(canary)))
    return path


def npy(shape, data=b"", dtype="|u1"):
    """Bytes of a .npy file that says that it has a shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


@case(".npy that says 10^15 bytes", "samples")
def npy_huge(version, place, canary):
    path = place / "images.npy"
    path.write_bytes(npy((10**13, 6, 6, 2)))
    return path


@case(".npz that unpacks to 2.2 GB", "samples")
def npz_bomb(version, place, canary):
    path = place / "images.npz"
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("image.npy", "w", force_zip64=True) as file:
        file.write(npy((131 << 24, 1)))
        for _ in range(131):
            file.write(bytes(1 << 24))
    return path


@case(".npz with paths outside", "samples")
def npz_paths(version, place, canary):
    path = place / "images.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../canary", npy((1, 6, 6, 2), bytes(72)))
    return path


@case("a picture", "samples")
def picture(version, place, canary):
    from PIL import Image

    Image.fromarray(np.zeros((6, 6), "uint8")).save(place / "image.png")
    return place / "image.png"


def array(name, x):
    """Register an array that the model does not take."""

    @case(name, "samples")
    def make(version, place, canary):
        np.save(place / "images.npy", x)
        return place / "images.npy"

    return make


array("NaN", np.full((2, 6, 6, 2), np.nan, "float32"))
array("floats in 0..255", np.full((2, 6, 6, 2), 255, "float32"))
array("float16", np.zeros((2, 6, 6, 2), "float16"))
array("a sample without a batch", np.zeros((6, 6, 2), "uint8"))
array("pictures of another size", np.zeros((2, 8, 8, 2), "uint8"))
array("no samples", np.zeros((0, 6, 6, 2), "uint8"))
array("text", np.array(["ant", "bee"]))
