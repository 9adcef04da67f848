"""Hostile SavedModels and ONNX files, which do more than compute."""

import os
import pathlib
import shutil

import numpy as np

from benchmarks.faults.hostile import case, copied, manifest_of, reseal

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


@case("a restorer that waits for the saver", "folder")
def restorer_that_waits(version, place, canary):
    def change(meta):
        (restore,) = [node for node in meta.graph_def.node if node.name == meta.saver_def.restore_op_name.split(":")[0]]
        restore.input.append("^" + meta.saver_def.save_tensor_name.split(":")[0])

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
