"""Hostile files: SavedModels and ONNX files that do more than compute, manifests that lie, models and samples.

Each of `CASES` is a function of a sound version folder, an empty folder to write in, and the path of a canary, which
the file would write if it were run; it returns the file's path. Sums are made anew, as someone would who may write.
"""

import hashlib
import io
import json
import os
import pathlib
import pickle
import shutil
import zipfile

import numpy as np

CASES = {}
"""By name: the function that makes the file, and what reads it: "folder", "model" or "samples"."""


def case(name, reader):
    """Register a function as a case."""

    def register(make):
        CASES[name] = make, reader
        return make

    return register


def copied(version, place):
    """A copy of the version folder."""
    return pathlib.Path(shutil.copytree(version, place / "1"))


def manifest_of(folder):
    """The manifest, as a dict."""
    return json.loads((folder / "manifest.json").read_text())


def write_manifest(folder, manifest):
    """Write a manifest, or the text of one, and its sum."""
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  manifest.json\n")


def reseal(folder, **changes):
    """Write the sums of the files as they are now into the manifest, and other changes."""
    manifest = {**manifest_of(folder), **changes}
    if "sha256" not in changes:
        listed = (name for name in files(folder) if not name.startswith("manifest."))
        manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
    write_manifest(folder, manifest)
    return folder


def files(folder):
    """Names of the regular files of a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---- SavedModels -----------------------------------------------------------------------------------------------------


def saved_model(version, place, function, resources=()):
    """A version folder whose SavedModel answers by a function of TensorFlow's, and whose manifest says so."""
    import tensorflow as tf

    folder = copied(version, place)
    shutil.rmtree(folder / "variables")
    module = tf.Module()
    module.resources = list(resources)

    def serve(image):
        extra = function()
        h = tf.reduce_mean(tf.cast(image, tf.float32), (1, 2)) + tf.reshape(tf.cast(extra, tf.float32), ())
        return {"probabilities": tf.concat([h, h], 1), "embedding": h[:, :1] * tf.ones((1, 3))}

    spec = tf.TensorSpec((None, 6, 6, 2), "uint8", name="image")
    served = tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": served})
    return described(folder)


def described(folder):
    """Write the SavedModel's own names and shapes into the manifest, so that it does not lie."""
    from tensorflow.core.protobuf import saved_model_pb2

    meta = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0]
    manifest = manifest_of(folder)
    about = manifest["signatures"]["serving_default"]
    for side in ("inputs", "outputs"):
        for name, info in getattr(meta.signature_def["serving_default"], side).items():
            shape = [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
            about[side][name].update(tensor=info.name, shape=shape)
    return reseal(
        folder, signatures=manifest["signatures"], signature={side: about[side] for side in ("inputs", "outputs")}
    )


def effect(name):
    """Register a function of the canary's path, run inside of the graph, as a hostile SavedModel."""

    def register(act):
        @case(name, "folder")
        def make(version, place, canary):
            return saved_model(version, place, lambda: act(str(canary)))

        return act

    return register


def after(operation):
    """0, once an operation has run."""
    import tensorflow as tf

    with tf.control_dependencies([operation]):
        return tf.constant(0.0) + 0.0


@effect("WriteFile in the signature")
def write_file(canary):
    import tensorflow as tf

    return after(tf.io.write_file(canary, "executed"))


@effect("ReadFile of /etc/passwd")
def read_file(canary):
    import tensorflow as tf

    return tf.strings.length(tf.io.read_file("/etc/passwd"))


@effect("numpy_function")
def numpy_function(canary):
    import tensorflow as tf

    return tf.numpy_function(lambda: np.float32(0 * pathlib.Path(canary).write_text("executed")), [], tf.float32)


@effect("py_function")
def py_function(canary):
    import tensorflow as tf

    return tf.py_function(lambda: 0.0 * pathlib.Path(canary).write_text("executed"), [], tf.float32)


@effect("tf.print into a file")
def print_into_a_file(canary):
    import tensorflow as tf

    return after(tf.print("executed", output_stream=f"file://{canary}"))


@effect("WriteFile in a branch of a loop")
def nested_write_file(canary):
    import tensorflow as tf

    def body(k):
        return tf.cond(k < 1, lambda: k + 1 + tf.cast(write_file(canary), tf.int32), lambda: k + 1)

    return tf.while_loop(lambda k: k < 2, body, [tf.constant(0)])[0]


@effect("RestoreV2 of other variables")
def restore_elsewhere(canary):
    import tensorflow as tf

    return tf.raw_ops.RestoreV2(prefix="/etc/passwd", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])[0]


@effect("SaveV2 in the signature")
def save_elsewhere(canary):
    import tensorflow as tf

    return after(
        tf.raw_ops.SaveV2(prefix=canary, tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1.0)])
    )


@effect("ImmutableConst of /etc/passwd")
def mapped_file(canary):
    import tensorflow as tf

    return tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=(1,), memory_region_name="/etc/passwd")


@effect("Abort")
def abort(canary):
    import tensorflow as tf

    return after(tf.raw_ops.Abort(error_msg="hostile"))


@effect("a tensor of 4 TB")
def huge_tensor(canary):
    import tensorflow as tf

    return tf.reduce_sum(tf.fill([2**40], 1.0))


@effect("a loop without an end")
def endless(canary):
    import tensorflow as tf

    return tf.while_loop(lambda k: k > -1.0, lambda k: k * 1.0, [tf.constant(0.0)])[0]


@case("WriteFile when it is initialized", "folder")
def write_when_initialized(version, place, canary):
    import tensorflow as tf

    class Hostile(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

        def _initialize(self):
            tf.io.write_file(str(canary), "executed")

    resource = Hostile()
    canary.unlink(missing_ok=True)  # it was initialized here
    return saved_model(
        version, place, lambda: tf.raw_ops.LookupTableSizeV2(table_handle=resource.resource_handle), [resource]
    )


@case("a table from a file outside", "folder")
def table_from_a_file(version, place, canary):
    import tensorflow as tf

    words = place / "words.txt"
    words.write_text("a\nb\n")
    index = (tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE)
    table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(str(words), *index), "")
    return saved_model(version, place, lambda: tf.strings.length(table.lookup(tf.constant(0, tf.int64))), [table])


def patched(version, place, change):
    """A version folder whose SavedModel has been changed as a message."""
    from tensorflow.core.protobuf import saved_model_pb2

    folder = copied(version, place)
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    change(saved.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    return described(folder)


@case("the saver in place of the restorer", "folder")
def saver_when_loaded(version, place, canary):
    def change(meta):
        meta.saver_def.restore_op_name = meta.saver_def.save_tensor_name.split(":")[0]

    return patched(version, place, change)


@case("variables of another folder", "folder")
def variables_of_another_folder(version, place, canary):
    def change(meta):
        (function,) = [f for f in meta.graph_def.library.function if "traced_restore" in f.signature.name]
        prefix = function.node_def.add(name="elsewhere", op="Const")
        prefix.attr["dtype"].type = 7
        prefix.attr["value"].tensor.dtype = 7
        prefix.attr["value"].tensor.string_val.append(str(version / "variables" / "variables").encode())
        (restore,) = [node for node in function.node_def if node.op == "RestoreV2"]
        restore.input[0] = "elsewhere:output:0"

    return patched(version, place, change)


@case("an answer that waits for the saver", "folder")
def answer_that_saves(version, place, canary):
    def change(meta):
        (served,) = [node for node in meta.graph_def.node if node.name == "StatefulPartitionedCall"]
        served.input.append("^" + meta.saver_def.save_tensor_name.split(":")[0])

    return patched(version, place, change)


@case("a function that is an operation", "folder")
def function_of_an_operation(version, place, canary):
    def change(meta):
        (served,) = [node for node in meta.graph_def.node if node.name == "StatefulPartitionedCall"]
        served.attr["f"].func.name = "WriteFile"

    return patched(version, place, change)


@case("two graphs", "folder")
def two_graphs(version, place, canary):
    from tensorflow.core.protobuf import saved_model_pb2

    folder = copied(version, place)
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    saved.meta_graphs.add().CopyFrom(saved.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    return reseal(folder)


# ---- ONNX ------------------------------------------------------------------------------------------------------------


def onnx_file(version, place, change):
    """A version folder whose ONNX file has been changed as a message."""
    import onnx

    folder = copied(version, place)
    model = onnx.load(str(folder / "model.onnx"))
    change(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return reseal(folder)


def stored_outside(path):
    """A change that takes the first stored tensor from another file."""

    def change(model):
        import onnx

        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": path, "offset": "0", "length": "4"}.items():
            tensor.external_data.add(key=key, value=value)

    return change


@case("ONNX: a tensor in ../../../etc/passwd", "folder")
def onnx_outside(version, place, canary):
    return onnx_file(version, place, stored_outside("../" * 20 + "etc/passwd"))


@case("ONNX: a tensor in /etc/passwd", "folder")
def onnx_absolute(version, place, canary):
    return onnx_file(version, place, stored_outside("/etc/passwd"))


@case("ONNX: an operation of another domain", "folder")
def onnx_other_domain(version, place, canary):
    def change(model):
        model.opset_import.add(domain="hostile", version=1)
        model.graph.node[0].domain = "hostile"

    return onnx_file(version, place, change)


@case("ONNX: another domain in a branch", "folder")
def onnx_nested_domain(version, place, canary):
    from onnx import TensorProto, helper

    def change(model):
        model.opset_import.add(domain="ai.onnx.contrib", version=1)
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        inner = helper.make_graph(
            [helper.make_node("PyOp", [], ["y"], domain="ai.onnx.contrib")], "inner", [], [output]
        )
        always = helper.make_node(
            "Constant", [], ["always"], value=helper.make_tensor("v", TensorProto.BOOL, (), [True])
        )
        branch = helper.make_node("If", ["always"], ["unused"], then_branch=inner, else_branch=inner)
        model.graph.node.extend([always, branch])

    return onnx_file(version, place, change)


@case("ONNX: a tensor of 4 TB", "folder")
def onnx_huge(version, place, canary):
    from onnx import helper

    def change(model):
        shape = helper.make_node("Constant", [], ["shape"], value_ints=[2**40])
        model.graph.node.extend([shape, helper.make_node("ConstantOfShape", ["shape"], ["huge"])])
        model.graph.node.append(helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0))
        name = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["before" if output == name else output for output in node.output]
        model.graph.node.append(helper.make_node("Add", ["before", "sum"], [name]))

    return onnx_file(version, place, change)


@case("ONNX: no model", "folder")
def onnx_bytes(version, place, canary):
    folder = copied(version, place)
    (folder / "model.onnx").write_bytes(os.urandom(2000))
    return reseal(folder)


# ---- manifests and files ---------------------------------------------------------------------------------------------


def lie(name, **changes):
    """Register a change of the manifest's own values."""

    @case(name, "folder")
    def make(version, place, canary):
        return reseal(copied(version, place), **changes)

    return make


lie("a manifest without sums", sha256={})
lie("a tolerance of 1e9", tolerance=1e9)
lie("a tolerance that is no number", tolerance=float("nan"))
lie("no signatures", signatures={})
lie("names for fewer classes", class_names=["ant"])


def entry(name, **changes):
    """Register a change of what the manifest says of the input."""

    @case(name, "folder")
    def make(version, place, canary):
        folder = copied(version, place)
        signatures = manifest_of(folder)["signatures"]
        default = signatures["serving_default"]
        default["inputs"]["image"].update(changes)
        return reseal(folder, signatures=signatures, signature={side: default[side] for side in ("inputs", "outputs")})

    return make


entry("an input of another shape", shape=[None, 8, 8, 2])
entry("an input of 10^15 numbers", shape=[None, 100_000, 100_000, 100_000])
entry("an input of another dtype", dtype="float32")
entry("an input of another tensor", tensor="saver_filename:0")


@case("an edited class name, sums as they were", "folder")
def edited_class(version, place, canary):
    folder = copied(version, place)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"bee"', '"cow"'))
    return folder


@case("an ONNX file outside", "folder")
def onnx_path(version, place, canary):
    folder = copied(version, place)
    shutil.move(folder / "model.onnx", place / "model.onnx")
    signatures = manifest_of(folder)["signatures"]
    signatures["serving_default"]["onnx"] = "../model.onnx"
    sums = manifest_of(folder)["sha256"]
    sums["../model.onnx"] = sums.pop("model.onnx")
    return reseal(folder, signatures=signatures, sha256=sums)


@case("a key twice", "folder")
def key_twice(version, place, canary):
    folder = copied(version, place)
    write_manifest(folder, (folder / "manifest.json").read_text().replace("{", '{"tolerance": 1e9, ', 1))
    return folder


@case("JSON 100,000 deep", "folder")
def deep_json(version, place, canary):
    folder = copied(version, place)
    write_manifest(folder, "[" * 100_000 + "]" * 100_000)
    return folder


@case("a file besides", "folder")
def stray_file(version, place, canary):
    folder = copied(version, place)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"hostile")
    return folder


@case("a listed file that a deployment does not have", "folder")
def listed_stray(version, place, canary):
    folder = copied(version, place)
    shutil.copy(folder / "saved_model.pb", folder / "saved_model.cpb")
    return reseal(folder)


@case("a link in place of a file", "folder")
def link(version, place, canary):
    folder = copied(version, place)
    shutil.move(folder / "model.onnx", place / "model.onnx")
    (folder / "model.onnx").symlink_to(place / "model.onnx")
    return folder


@case("a pipe in place of a file", "folder")
def pipe(version, place, canary):
    folder = copied(version, place)
    (folder / "manifest.sha256").unlink()
    os.mkfifo(folder / "manifest.sha256")
    return folder


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
