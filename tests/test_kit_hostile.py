"""Damaged and hostile files: the kit refuses each before it runs anything. `benchmarks/faults` has the long form."""

import contextlib
import pathlib
import random

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.faults import artifacts, hostile

SLOW = {"a tensor of 4 TB", "a loop without an end", "ONNX: a tensor of 4 TB"}  # they run, in a process of their own
SLOW |= {name for name in hostile.CASES if "unpacks to" in name}
WORDS = {  # what some are refused for
    "WriteFile in the signature": "only compute: WriteFile (",
    "ReadFile of /etc/passwd": "ReadFile",
    "numpy_function": "PyFunc",
    "tf.print into a file": "PrintV2",
    "WriteFile in a branch of a loop": "only compute: WriteFile (",
    "WriteFile when it is initialized": "only compute: WriteFile (",
    "a table from a file outside": "file 'assets/words.txt' of sha256",
    "RestoreV2 of other variables": "reads files when it answers",
    "SaveV2 in the signature": "writes files when it answers",
    "an answer that waits for the saver": "writes files when it answers",
    "the saver in place of the restorer": "writes files when it answers, is initialized or is loaded",
    "a restorer that waits for the saver": "writes files when it answers, is initialized or is loaded",
    "variables of another folder": "reads other files than variables/ when it is loaded",
    "a function that is an operation": "calls functions that are not in it: WriteFile",
    "ONNX: a tensor in /etc/passwd": "reads other files: /etc/passwd",
    "ONNX: another domain in a branch": "not ONNX's own: ai.onnx.contrib",
    "a tolerance of 1e9": "--tolerance 1e+09",
    "a file besides": "assets.extra is a folder that",
    "a listed file that a deployment does not have": "file 'saved_model.cpb' of sha256",
    "an edited class name, sums as they were": "manifest.json has changed",
    "an input of another shape": "other inputs of serving_default",
    "a manifest without sums": "list of",
}


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return artifacts.deployed(artifacts.sound_model(), tmp_path_factory.mktemp("models") / "sound")


@pytest.mark.parametrize("name", sorted(set(hostile.CASES) - SLOW))
def test_a_hostile_file_is_refused_and_nothing_of_it_executed(version, tmp_path, name, monkeypatch):
    said = []
    if hostile.CASES[name][1] == "folder":  # nothing gets as far as a process of its own
        monkeypatch.setattr(artifacts.kit("verify"), "answers", None)
        monkeypatch.setattr(artifacts.kit("verify"), "_report", lambda faults: [*map(said.append, faults), 1][-1])
    assert artifacts.tried(name, *hostile.CASES[name], version, tmp_path) == ("refused", 0)
    assert WORDS.get(name, "") in "\n".join(said)


def test_the_hostile_files_would_write_if_they_were_run(version, tmp_path):
    for name in ("WriteFile in the signature", "WriteFile when it is initialized", "tf.print into a file"):
        place = tmp_path / name
        place.mkdir()
        canary = place / "canary"
        folder = hostile.CASES[name][0](version, place, canary)
        canary.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            tf.saved_model.load(str(folder)).signatures["serving_default"](image=tf.zeros((1, 6, 6, 2), "uint8"))
        assert canary.exists(), name


def test_every_flipped_bit_is_refused(version):
    for name in artifacts.files_of(version):
        row = artifacts.flips(version, name, 4)
        assert (row["count"], row["refused"], row["wrong"]) == (4, 4, 0), row


def test_a_file_of_any_bytes_is_a_sentence_and_no_traceback(version):
    graphs, rng = artifacts.kit("graphs"), random.Random(0)
    about = hostile.manifest_of(version)["signatures"]
    for name in ("saved_model.pb", "model.onnx"):
        right, found = (version / name).read_bytes(), 0
        for _ in range(40):
            data = bytearray(right)
            for _ in range(8):
                data[rng.randrange(len(data))] = rng.randrange(256)
            data = data[: rng.choice([len(data), rng.randrange(len(data))])]
            if name == "saved_model.pb":
                faults = graphs.saved_model_faults(bytes(data), about)
            else:
                faults = graphs.onnx_faults(bytes(data), about["serving_default"])
            found += all(isinstance(fault, str) for fault in faults) and bool(faults)
        assert found > 10
        deep = b""
        for _ in range(2000):
            deep = b"\x32" + _varint(len(deep)) + deep  # a message in a message
        assert graphs.onnx_faults(b"\x3a" + _varint(len(deep) + 8) + b"\x0a" + deep, about["serving_default"])


def _varint(value):
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def test_what_is_written_in_pieces_is_read_as_a_whole(version, tmp_path):
    """A message that is there twice is merged, as protobuf's parsers do: nothing hides in the first or the second."""
    from tensorflow.core.protobuf import saved_model_pb2

    graphs, about = artifacts.kit("graphs"), hostile.manifest_of(version)["signatures"]
    data = (version / "saved_model.pb").read_bytes()
    addition = saved_model_pb2.SavedModel()
    meta = addition.meta_graphs.add()
    meta.graph_def.node.add(name="hidden", op="WriteFile")
    (right,) = saved_model_pb2.SavedModel.FromString(data).meta_graphs
    for pieces in ((right, meta), (meta, right)):
        body = b"".join(piece.SerializeToString() for piece in pieces)
        joined = b"\x12" + _varint(len(body)) + body
        (fault,) = graphs.saved_model_faults(joined, about)
        assert "only compute: WriteFile (" in fault
        assert graphs.saved_model_faults(joined, about, ["WriteFile"]) == []  # --allow


def test_the_listed_operations_only_compute():
    from tensorflow.core.framework import op_def_pb2, types_pb2
    from tensorflow.python.client import pywrap_tf_session

    known = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())).op
    known = {op.name: op for op in known}
    listed = artifacts.kit("operations").COMPUTE
    assert listed <= set(known)
    stateful = {name for name in listed if known[name].is_stateful}
    assert stateful == {
        *("Assert", "CheckNumerics", "CheckNumericsV2"),  # they stop
        *("Case", "If", "While", "StatefulPartitionedCall"),  # they call functions of the file
        *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarHandleOp", "VarIsInitializedOp", "VariableShape"),
        *("HashTableV2", "MutableHashTableV2", "LookupTableFindV2", "LookupTableImportV2", "LookupTableSizeV2"),
    }
    for name in listed:  # paths are strings
        assert types_pb2.DT_STRING not in {arg.type for arg in (*known[name].input_arg, *known[name].output_arg)}, name
        assert not {"filename", "memory_region_name", "mlir_module", "token"} & {attr.name for attr in known[name].attr}


def test_a_table_in_memory_and_a_recurrence_are_no_fault(tmp_path):
    import keras
    from keras import layers

    from keras_ssl import export

    graphs, protobuf = artifacts.kit("graphs"), artifacts.kit("protobuf")
    ids, series = keras.Input((5,), dtype="int32", name="ids"), keras.Input((None, 2), name="series")
    x = layers.Embedding(9, 4)(layers.IntegerLookup(vocabulary=[3, 5, 7])(ids))
    for model in (keras.Model(ids, layers.Flatten()(x)), keras.Model(series, layers.GRU(3)(series))):
        path = export.saved_model(model, tmp_path / model.inputs[0].name)
        (meta,) = protobuf.Message((path / "saved_model.pb").read_bytes()).messages(2)
        assert graphs._Operations(meta, ()).faults() == []


def test_random_bits_of_samples_are_no_traceback(version, tmp_path):
    path, samples = tmp_path / "images.npz", artifacts.kit("samples")
    np.savez_compressed(path, image=np.zeros((2, 6, 6, 2), "uint8"))
    with artifacts.flipping(path, 200) as each:
        for _ in each:
            with contextlib.suppress(samples.SamplesError):
                samples.read_samples(path)
    assert isinstance(samples.read_samples(path), dict)
    assert pathlib.Path(path).is_file()
