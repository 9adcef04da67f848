"""`export.deploy` and `export.verify`: whole and proved, or not there."""

import hashlib
import json
import shutil
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ssl import export
from keras_ssl.errors import UserError
from keras_ssl.export import deployment, parity
from keras_ssl.export.formats import onnx_format
from keras_ssl.export.samples import verification_samples
from keras_ssl.specs import Spec

SHAPE = (6, 6, 2)
IMAGES = np.random.default_rng(1).random((5, *SHAPE), "float32")


def make_classifier():
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(inputs))
    encoder = keras.Model(inputs, x, name="encoder")
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="probabilities")(encoder(inputs)))


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    return make_classifier()


@pytest.fixture(scope="module")
def deployed(classifier, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "shapes"
    return export.deploy(classifier, directory, IMAGES, class_names=["a", "b", "c", "d"])


def empty(folder):
    return list(folder.iterdir()) == []


def test_a_version_folder_is_complete(deployed):
    assert deployed.name == "1"
    assert [path.name for path in deployed.parent.iterdir()] == ["1"]
    assert {path.name for path in deployed.iterdir()} >= {"saved_model.pb", "variables", "model.onnx", "manifest.json"}
    assert oct(deployed.stat().st_mode & 0o555) == oct(0o555)  # a server that is another user must read it


def test_the_manifest_says_what_there_is(deployed):
    manifest = json.loads((deployed / "manifest.json").read_text())
    assert (manifest["name"], manifest["version"], manifest["samples"]) == ("shapes", 1, "given")
    signature = manifest["signature"]
    image = signature["inputs"]["image"]
    assert (image["shape"], image["dtype"]) == ([None, 6, 6, 2], "float32")
    outputs = {name: (entry["shape"], entry["dtype"]) for name, entry in signature["outputs"].items()}
    assert outputs == {"probabilities": ([None, 4], "float32"), "embedding": ([None, 3], "float32")}
    assert manifest["value_range"] == {"image": [0, 1]}
    assert manifest["class_names"] == ["a", "b", "c", "d"]
    assert manifest["created"].endswith("+00:00")
    names = {"keras", "tensorflow", "keras_ssl", "onnx", "onnxruntime", "tf2onnx", "opset"}
    assert set(manifest["versions"]) == names
    assert manifest["versions"]["keras"] == keras.__version__
    files = {p.relative_to(deployed).as_posix() for p in deployed.rglob("*") if p.is_file()}
    files -= {"manifest.json", "manifest.sha256"}
    assert set(manifest["sha256"]) == files
    assert any(name.startswith("variables/") for name in files)
    for name, sum_ in manifest["sha256"].items():
        assert hashlib.sha256((deployed / name).read_bytes()).hexdigest() == sum_
    own = hashlib.sha256((deployed / "manifest.json").read_bytes()).hexdigest()
    assert (deployed / "manifest.sha256").read_text() == f"{own}  manifest.json\n"  # as sha256sum writes it


def test_parity_is_measured_for_both_formats_and_outputs(deployed, classifier):
    manifest = json.loads((deployed / "manifest.json").read_text())
    again = export.verify(classifier, deployed, IMAGES)
    assert manifest["parity"]["batches"] == again["batches"] == [1, 2, 7, 32]
    for figures in (manifest["parity"], again):
        for format_ in ("saved_model", "onnx"):
            assert set(figures[format_]) == {"probabilities", "embedding"}
            assert all(0 <= x <= 1e-5 for x in figures[format_].values())


def test_verify_sees_another_model(deployed):
    keras.utils.set_random_seed(1)
    with pytest.raises(export.ParityError, match="probabilities of onnx") as error:
        export.verify(make_classifier(), deployed)
    assert error.value.figures["saved_model"]["probabilities"] > 1e-3
    assert isinstance(error.value, UserError)


def test_verify_without_a_model_compares_the_files(deployed):
    assert set(export.verify(None, deployed)) == {"onnx", "batches"}
    with pytest.raises(export.ParityError):
        export.verify(None, deployed, tolerance=1e-12)


def test_verify_says_which_file_is_missing(classifier, deployed, tmp_path):
    with pytest.raises(UserError, match=r"saved_model\.pb.*DIR/1"):
        export.verify(classifier, deployed.parent)


WORDS = {
    "fingerprint.pb": r"fingerprint\.pb is not as it was written",
    "manifest.json": r"manifest\.json or manifest\.sha256 is not as it was written",
    "manifest.sha256": r"manifest\.json or manifest\.sha256 is not as it was written",
    "stray": "stray does not belong to it",
    "model.onnx": r"model\.onnx is not as it was written",
}


@pytest.mark.parametrize("name", WORDS)
def test_verify_refuses_a_folder_that_has_changed(classifier, deployed, tmp_path, monkeypatch, name):
    monkeypatch.setattr(parity, "saved_model_runtime", None)  # nothing is loaded
    version = Path(shutil.copytree(deployed, tmp_path / "1"))
    data = bytearray((version / name).read_bytes() if name != "stray" else b" ")
    data[-1] ^= 1
    (version / name).write_bytes(data)
    for model in (classifier, None):
        with pytest.raises(UserError, match=f"{WORDS[name]}.*deploy the model again"):
            export.verify(model, version)


def test_the_measure_of_parity():
    expected, received = np.array([[4.0, 0.001], [-8.0, 1.0]]), np.array([[4.0, 0.002], [-8.0, 1.4]])
    assert parity.difference(expected, received) == pytest.approx(0.4 / 8)  # largest difference by largest value
    assert parity.difference(expected, expected) == 0
    assert parity.difference(np.zeros(3), np.zeros(3)) == 0
    assert parity.difference(np.zeros(3), np.full(3, 1e-3)) > 1
    for bad in (np.full((2, 2), np.nan), np.full((2, 2), np.inf), expected[:1], None):
        assert parity.difference(expected, bad) == parity.difference(bad, expected) == np.inf


def test_compare_sees_a_fault_in_one_batch_size_and_a_missing_output():
    def right(x):
        return {"a": x.sum(axis=1), "b": x}

    def wrong(x):
        return {"a": x.sum(axis=1) * (1.5 if len(x) == 7 else 1)}

    figures = parity.compare(right, {"wrong": wrong}, np.ones((32, 2)))
    assert figures == {"wrong": {"a": 0.5, "b": np.inf}}


def test_random_samples_and_uint8(classifier, tmp_path):
    first = export.deploy(classifier, tmp_path / "m", input_dtype="uint8")
    second = export.deploy(classifier, tmp_path / "m", np.full((40, *SHAPE), 255, "uint8"), input_dtype="uint8")
    manifests = [json.loads((path / "manifest.json").read_text()) for path in (first, second)]
    assert [path.name for path in (first, second)] == ["1", "2"]
    assert [manifest["samples"] for manifest in manifests] == ["random, seed 0", "given"]
    assert manifests[0]["value_range"] == {"image": [0, 255]}
    assert manifests[0]["signature"]["inputs"]["image"]["dtype"] == "uint8"
    assert export.verify(classifier, first)["batches"] == [1, 2, 7, 32]


def test_samples_are_repeated_to_32():
    specs = {"image": Spec((None, *SHAPE), low=0.0, high=1.0, kind="image")}
    images = verification_samples(IMAGES, specs)["image"]
    assert images.dtype == np.float32
    assert images.shape == (32, *SHAPE)
    np.testing.assert_array_equal(images[5:10], IMAGES)
    np.testing.assert_array_equal(images[30:], IMAGES[:2])


BAD_SAMPLES = {
    "uint8 for floats": (np.zeros((3, *SHAPE), "uint8"), "float32", "/ 255"),
    "floats for uint8": (IMAGES, "uint8", r"np\.round\(255"),
    "integers": (np.zeros((3, *SHAPE), "int64"), "uint8", "uint8"),
    "0..255": (255 * IMAGES, "float32", "divide by 255"),
    "nan": (np.full((2, *SHAPE), np.nan, "float32"), "float32", "finite"),
    "rank": (IMAGES[0], "float32", "missing axis"),
    "channels": (IMAGES[..., :1], "float32", "2 channel"),
    "size": (IMAGES[:, :5], "float32", "resize"),
    "none": (IMAGES[:0], "float32", "at least 1"),
}


@pytest.mark.parametrize("which", BAD_SAMPLES)
def test_bad_samples_are_refused_before_any_work(classifier, tmp_path, monkeypatch, which):
    monkeypatch.setattr(deployment, "write_saved_model", None)
    samples, input_dtype, words = BAD_SAMPLES[which]
    with pytest.raises(UserError, match=words):
        export.deploy(classifier, tmp_path / "m", samples, input_dtype)
    assert empty(tmp_path)


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf"), "small", None, True])
def test_a_bad_tolerance_is_refused(classifier, tmp_path, tolerance):
    with pytest.raises(UserError, match="tolerance"):
        export.deploy(classifier, tmp_path, tolerance=tolerance)
    with pytest.raises(UserError, match="tolerance"):
        export.onnx(classifier, tmp_path / "m.onnx", tolerance=tolerance)
    assert empty(tmp_path)


def test_class_names_must_fit(classifier, tmp_path):
    with pytest.raises(UserError, match="3 names for 4"):
        export.deploy(classifier, tmp_path, class_names=["a", "b", "c"])
    with pytest.raises(UserError, match=r"1 names for the output\(s\) embedding.*outputs="):
        export.deploy(classifier.get_layer("encoder"), tmp_path, class_names=["a"])


def test_nothing_is_deployed_when_the_files_disagree(classifier, tmp_path, monkeypatch):
    right = parity.onnx_runtime

    def wrong(path):
        return lambda images: {name: value + 1e-3 for name, value in right(path)(images).items()}

    monkeypatch.setattr(deployment, "onnx_runtime", wrong)
    monkeypatch.setattr(onnx_format, "onnx_runtime", wrong)
    with pytest.raises(export.ParityError, match="onnx"):
        export.deploy(classifier, tmp_path / "deep" / "m")
    with pytest.raises(export.ParityError, match="onnx"):
        export.onnx(classifier, tmp_path / "m.onnx")
    assert empty(tmp_path)


@pytest.mark.parametrize("step", ["write_onnx", "manifest", "place"])
@pytest.mark.parametrize(
    ("error", "raised"), [(OSError(28, "No space left on device"), UserError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_crash_leaves_nothing(classifier, tmp_path, monkeypatch, step, error, raised):
    def crash(*args, **kwargs):
        raise error

    monkeypatch.setattr(deployment, step, crash)
    (tmp_path / "old").mkdir()
    for directory in (tmp_path / "new", tmp_path / "old"):
        with pytest.raises(raised, match="room on the disk" if raised is UserError else None):
            export.deploy(classifier, directory)
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_a_disk_that_is_full_for_tensorflow_is_not_blamed_on_a_layer(classifier, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, f"{tmp_path}/variables_temp; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    for write in (export.deploy, export.saved_model):
        with pytest.raises(UserError, match=r"room on the disk of .* Received No space left on device. Do: free some"):
            write(classifier, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_poller_never_sees_a_version_that_is_not_whole(classifier, tmp_path):
    seen, stop = [], threading.Event()

    def poll():
        while not stop.is_set():
            for path in tmp_path.iterdir():
                if path.name.isdecimal():
                    manifest = path / "manifest.json"
                    whole = manifest.exists() and all(
                        hashlib.sha256((path / name).read_bytes()).hexdigest() == sum_
                        for name, sum_ in json.loads(manifest.read_text())["sha256"].items()
                    )
                    seen.append((path.name, whole))
            polls.append(1)
            time.sleep(0.002)

    polls: list = []
    poller = threading.Thread(target=poll)
    poller.start()
    try:
        export.deploy(classifier, tmp_path)
        time.sleep(0.05)
    finally:
        stop.set()
        poller.join()
    assert len(polls) > 20
    assert set(seen) == {("1", True)}


def test_deploys_at_once_get_a_version_each(classifier, tmp_path, monkeypatch):
    """Both choose number 1 before either takes it."""
    barrier, choose, results = threading.Barrier(2), deployment._next_version, []
    first = threading.local()

    def choose_together(directory):
        number = choose(directory)
        if not hasattr(first, "done"):
            first.done = True
            barrier.wait(timeout=60)
        return number

    monkeypatch.setattr(deployment, "_next_version", choose_together)
    threads = [threading.Thread(target=lambda: results.append(export.deploy(classifier, tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in results) == ["1", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
    for path in results:
        assert json.loads((path / "manifest.json").read_text())["version"] == int(path.name)


def test_an_existing_version_stays_as_it_is(classifier, tmp_path, monkeypatch):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "mine").write_text("mine")
    (tmp_path / "latest").write_text("not a version")
    with pytest.raises(UserError, match="7, which exists"):
        export.deploy(classifier, tmp_path, version=7)
    assert export.deploy(classifier, tmp_path).name == "8"
    assert export.deploy(classifier, tmp_path, version=3).name == "3"
    assert [path.name for path in (tmp_path / "7").iterdir()] == ["mine"]

    write = deployment.write_onnx  # taken by another process while this one was at work
    monkeypatch.setattr(
        deployment, "write_onnx", lambda *a: [write(*a), (tmp_path / "9" / "theirs").mkdir(parents=True)]
    )
    with pytest.raises(UserError, match="9, which exists"):
        export.deploy(classifier, tmp_path, version=9)
    assert [path.name for path in (tmp_path / "9").iterdir()] == ["theirs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "7", "8", "9", "latest"]


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True])
def test_a_bad_version_is_refused(classifier, tmp_path, version):
    with pytest.raises(UserError, match="version as a whole number at least 1"):
        export.deploy(classifier, tmp_path, version=version)


def test_a_directory_that_cannot_be_written_is_refused_before_any_work(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(deployment, "write_saved_model", None)
    (tmp_path / "file").write_text("in the way")
    for directory in (tmp_path / "file", tmp_path / "file" / "m", "/proc/keras_ssl/m"):
        with pytest.raises(UserError, match="can be written in"):
            export.deploy(classifier, directory)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_deploy_is_quiet(deployed, classifier, tmp_path, capfd, caplog):
    export.deploy(classifier, tmp_path)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert [line for line in captured.err.splitlines() if "tf2onnx" in line or "Saved artifact" in line] == []
    assert caplog.records == []
