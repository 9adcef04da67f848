"""The deployment kit in `export/`: proves and answers an artifact, and knows nothing of what made it."""

import ast
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks.faults import hostile
from keras_ssl import export
from keras_ssl.specs import Spec

KIT = Path(__file__).parents[1] / "export"
IMAGES = np.random.default_rng(1).integers(0, 256, (7, 6, 6, 2), "uint8")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A version folder of a classifier that takes uint8, beside the right answers in `expected`."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(inputs))
    encoder = keras.Model(inputs, x, name="encoder")
    inputs = keras.Input((6, 6, 2))
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="probabilities")(encoder(inputs)))
    directory = tmp_path_factory.mktemp("models") / "shapes"
    path = export.deploy(model, directory, IMAGES, "uint8", class_names=["ant", "bee", "cat", "dog"])
    scaled = IMAGES / np.float32(255)
    expected = {"probabilities": np.asarray(model(scaled)), "embedding": np.asarray(encoder(scaled))}
    np.savez(directory / "expected.npz", **expected)
    np.save(directory / "images.npy", IMAGES)
    return path


@pytest.fixture
def copy(deployed, tmp_path):
    """A copy of the version folder that a test may damage."""
    return Path(shutil.copytree(deployed, tmp_path / "1"))


@pytest.fixture
def kit(monkeypatch):
    """The kit's modules, importable."""
    monkeypatch.syspath_prepend(str(KIT))
    monkeypatch.syspath_prepend(str(KIT / "clients"))


@pytest.fixture
def verify(kit, capsys):
    """`verify.py` as a function: its exit status, and what it printed."""
    import verify as module

    def run(*arguments):
        status = module.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_the_kit_imports_neither_keras_nor_keras_ssl_nor_tensorflow():
    for path in KIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"keras", "keras_ssl", "tensorflow"} & {name.split(".")[0] for name in names}, path


def test_the_c_api_answers_what_keras_answers_in_a_process_without_it(deployed):
    code = (
        "import sys, numpy as np\n"
        "from c_api import run\n"
        "version, folder = sys.argv[1:]\n"
        "images = np.load(folder + '/images.npy')\n"
        "outputs = run(version, {'image': images})\n"
        "assert run(version, {'image': images[:2]})['embedding'].shape == (2, 3)\n"
        "expected = np.load(folder + '/expected.npz')\n"
        "assert set(outputs) == set(expected), outputs.keys()\n"
        "for name in outputs:\n"
        "    assert outputs[name].dtype == np.float32\n"
        "    np.testing.assert_allclose(outputs[name], expected[name], rtol=0, atol=1e-6)\n"
        "loaded = {'keras', 'keras_ssl', 'tensorflow'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "print('equal')\n"
    )
    command = [sys.executable, "-c", code, str(deployed), str(deployed.parent)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(KIT)})
    assert done.stdout == "equal\n", done.stderr


def test_a_sound_artifact_is_proved(deployed, verify):
    pinned = (deployed / "manifest.sha256").read_text().split()[0]
    status, printed = verify(deployed, "--manifest-sha256", pinned.upper())
    assert status == 0, printed
    assert printed.startswith("shapes version 1")
    assert f"manifest.json has the SHA-256 {pinned}\n" in printed
    assert "ok      content saved_model.pb" in printed
    assert printed.rstrip().endswith("Both formats agree.")
    for name in ("embedding", "probabilities"):
        figures = re.search(rf"^  {name} +(.*)$", printed, re.M)
        assert figures is not None
        assert len(figures[1].split()) == 4
        assert all(float(x) <= 1e-5 for x in figures[1].split())


def test_a_manifest_with_another_sum_than_was_kept_is_told(deployed, verify):
    status, printed = verify(deployed, "--manifest-sha256", "0" * 64)
    assert status == 1
    assert "FAILED: manifest.json has the SHA-256" in printed


def test_a_changed_or_missing_file_is_told(copy, verify):
    path = copy / "variables" / "variables.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (copy / "model.onnx").unlink()
    status, printed = verify(copy)
    assert status == 1
    assert "FAILED: variables/variables.data-00000-of-00001 has changed" in printed
    assert "FAILED: model.onnx is missing" in printed


def test_formats_that_disagree_are_told(copy, verify):
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(copy / "model.onnx"))
    bias = next(x for x in model.graph.initializer if numpy_helper.to_array(x).size > 16)
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(0.01), bias.name))
    onnx.save(model, str(copy / "model.onnx"))
    status, printed = verify(hostile.reseal(copy, tolerance=1e9), "--tolerance", "1e-4")  # which is what counts
    assert status == 1
    assert "FAILED: embedding at batch 7 differs by" in printed


def test_what_ends_the_process_that_answers_is_told(deployed, verify, tmp_path, monkeypatch):
    import verify as module

    (tmp_path / "answers.py").write_text(
        "import os, sys, time\nos.kill(os.getpid(), 9) if sys.argv[2] == '0' else time.sleep(9)"
    )
    monkeypatch.setattr(module, "__file__", str(tmp_path / "verify.py"))
    status, printed = verify(deployed)
    assert (status, printed.count("FAILED: ")) == (1, 1)
    assert "FAILED: the model cannot be run: status -9" in printed
    status, printed = verify(deployed, "--timeout", 0.2, "--seed", 1)
    assert (status, "FAILED: the model has not answered within 0.2 s" in printed) == (1, True)


def test_misuse_is_status_2(deployed, verify, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nowhere", tmp_path / "empty", deployed / "model.onnx"):
        status, printed = verify(folder)
        assert (status, "is not a deployed model" in printed) == (2, True)
    for arguments in ([], [str(deployed), "--tolerance", "0"]):
        with pytest.raises(SystemExit) as exit_:
            verify(*arguments)
        assert exit_.value.code == 2


def test_a_machine_without_the_library_is_told_what_to_install(deployed, verify, monkeypatch):
    monkeypatch.setenv("TENSORFLOW_LIBRARY", "/nowhere.so")
    status, printed = verify(deployed)
    assert (status, "pip install onnxruntime tensorflow" in printed) == (2, True)


def test_the_c_api_refuses_what_it_cannot_answer(kit, deployed):
    from c_api import CApiError, Session

    signatures = json.loads((deployed / "manifest.json").read_text())["signatures"]
    renamed = json.loads(json.dumps(signatures).replace("StatefulPartitionedCall", "Imagined"))
    image = np.zeros((1, 6, 6, 2), "uint8")
    wrong = [
        (signatures, {"picture": image}, "no input 'picture'"),
        (renamed, {"image": image}, "no operation 'Imagined'"),
        (signatures, {"image": image.astype("float32")}, "uint8"),
        (signatures, {"image": image.astype("float16")}, "uint8"),
        (signatures, {"image": image.astype("complex64")}, "takes none of complex64"),
        (signatures, {"image": image[..., :1]}, "1"),
    ]
    for described, inputs, words in wrong:
        with Session(deployed, described) as session, pytest.raises(CApiError, match=words):
            session.run(inputs)


def test_the_onnx_client_answers_and_minds_the_dtype(kit, deployed, capsys):
    import onnx_client

    predict = onnx_client.load(deployed)
    expected = np.load(deployed.parent / "expected.npz")
    for name, value in predict(IMAGES).items():
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"uint8 in 0\.\.255, and received float32"):
        predict(IMAGES.astype("float32"))
    assert onnx_client.main([str(deployed.parent / "nowhere"), str(deployed.parent / "images.npy")]) == 2
    assert "Give a version folder" in capsys.readouterr().err
    assert onnx_client.main([str(deployed), str(deployed.parent / "images.npy")]) == 0
    names = np.array(["ant", "bee", "cat", "dog"])[expected["probabilities"].argmax(-1)].tolist()
    assert f"classes {names}" in capsys.readouterr().out
    assert onnx_client.main([str(deployed), "nowhere.npy"]) == 1


@pytest.fixture
def stand_in(kit, deployed):
    """A server that speaks TensorFlow Serving's documented REST API, in columns, and its address.

    Of a model with one output, `encoder`, it leaves out the output's name, as TensorFlow Serving does.
    """
    import onnx_client

    predict = onnx_client.load(deployed)
    signature = {"serving_default": {"inputs": {"image": {}}, "outputs": {"embedding": {"dtype": "DT_FLOAT"}}}}
    metadata = {"metadata": {"signature_def": {"signature_def": signature}}}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, metadata) if self.path == "/v1/models/encoder/metadata" else self.answer(
                404, {"error": "none"}
            )

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model = re.fullmatch(r"/v1/models/(shapes|encoder|nameless|page)(/versions/1)?:predict", self.path)
            if not model or set(body) != {"inputs"} or not isinstance(body["inputs"], list):
                return self.answer(404, {"error": f"Servable not found for request: {self.path}"})
            outputs = {name: value.tolist() for name, value in predict(np.array(body["inputs"], "uint8")).items()}
            found = {"outputs": outputs if model[1] == "shapes" else outputs["embedding"]}
            return self.answer(200, None if model[1] == "page" else found)

        def answer(self, status, content):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>" if content is None else json.dumps(content).encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_rest_client(stand_in, deployed, capsys):
    import rest

    expected = np.load(deployed.parent / "expected.npz")
    for version in (None, 1):
        outputs = rest.predict(IMAGES, "shapes", stand_in, version)
        assert set(outputs) == {"probabilities", "embedding"}
        np.testing.assert_allclose(outputs["probabilities"], expected["probabilities"], rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match="Servable not found"):
        rest.predict(IMAGES, "others", stand_in)
    images, manifest = str(deployed.parent / "images.npy"), ["--manifest", str(deployed / "manifest.json")]
    assert rest.main([images, "--model", "shapes", "--url", stand_in]) == 0
    assert "probabilities (7, 4)" in capsys.readouterr().out
    assert rest.main([images, "--model", "shapes", "--url", stand_in, *manifest]) == 0
    names = np.array(["ant", "bee", "cat", "dog"])[expected["probabilities"].argmax(-1)].tolist()
    assert f"classes {names}" in capsys.readouterr().out
    assert rest.main([images, "--model", "others", "--url", stand_in]) == 1
    assert rest.main([images, "--model", "shapes", "--url", "http://127.0.0.1:9"]) == 1


def test_the_rest_client_takes_the_name_of_an_only_output_from_the_server(stand_in, deployed):
    import rest

    outputs = rest.predict(IMAGES, "encoder", stand_in)
    assert list(outputs) == ["embedding"]
    np.testing.assert_allclose(outputs["embedding"], np.load(deployed.parent / "expected.npz")["embedding"], atol=1e-6)
    for model, words in (("nameless", "none"), ("page", "did not answer as TensorFlow Serving does")):
        with pytest.raises(RuntimeError, match=words):
            rest.predict(IMAGES, model, stand_in)
    with pytest.raises(RuntimeError, match="http://"):
        rest.predict(IMAGES, "encoder", "file:///etc/passwd?")


def test_the_rest_client_looks_before_it_sends(stand_in, deployed, tmp_path, capsys):
    import rest

    inputs = json.loads((deployed / "manifest.json").read_text())["signatures"]["serving_default"]["inputs"]
    for wrong, words in (
        (IMAGES.astype("float32"), "as uint8"),
        (IMAGES[0], r"x\[None\]"),
        (IMAGES[:, :5], "of shape"),
    ):
        with pytest.raises(ValueError, match=words):
            rest.predict(wrong, "shapes", stand_in, inputs=inputs)
    for wrong in (np.full((1, 6, 6, 2), np.nan), np.array(["a"])):
        with pytest.raises(ValueError, match=r"takes (finite )?numbers"):
            rest.predict(wrong, "shapes", stand_in)
    np.savez(tmp_path / "pickle.npz", image=np.array([{}], object))
    assert rest.main([str(tmp_path / "pickle.npz"), "--model", "shapes", "--url", stand_in]) == 1
    assert "objects of Python" in capsys.readouterr().err


SAMPLES = {  # of a model of images in 0..1, and what is said
    "bytes as floats": (
        np.full((1, 2, 2), 200, "float32"),
        r"in 0\.\.1, and received 200 at index \(0, 0, 0\): divide by 255",
    ),
    "a little below": (np.full((1, 2, 2), -0.01, "float32"), r"received -0\.01 at index \(0, 0, 0\)$"),
    "infinite": (np.full((1, 2, 2), np.inf, "float32"), "finite numbers"),
    "float16": (np.zeros((1, 2, 2), "float16"), "received float16"),
    "a list": ([[[0, 1], [1, 0]]], "received int64"),
    "two axes": (np.zeros((2, 2), "float32"), r"x\[None\]"),
    "none": (np.zeros((0, 2, 2), "float32"), "at least one"),
}


@pytest.mark.parametrize("which", SAMPLES)
def test_samples_that_a_model_does_not_take(kit, which):
    from samples import SamplesError, check_samples

    about = {"x": {"dtype": "float32", "shape": [None, 2, None], "range": [0, 1]}}
    x, words = SAMPLES[which]
    with pytest.raises(SamplesError, match=words):
        check_samples(x, about)
    right = np.array([[[0, 1], [1 + 1e-7, 0.5]]], "float32")
    assert check_samples(right, about)["x"] is right
    counts = {"a": about["x"], "b": about["x"]}
    with pytest.raises(SamplesError, match="1 of a, 2 of b"):
        check_samples({"a": right, "b": np.repeat(right, 2, 0)}, counts)


def test_samples_are_read_as_numpy_wrote_them(kit, tmp_path):
    from samples import read_samples

    arrays = {"a": np.asfortranarray(IMAGES), "b": np.float32(2), "c": np.zeros((0, 3))}
    np.savez_compressed(tmp_path / "all.npz", **arrays)
    np.save(tmp_path / "one.npy", arrays["a"])
    found = {**read_samples(tmp_path / "all.npz"), "one": read_samples(tmp_path / "one.npy")}
    for name, array in {**arrays, "one": arrays["a"]}.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_any_inputs_and_all_signatures_are_proved_and_answered(verify, tmp_path, capsys):
    import onnx_client
    from random_samples import random_samples, signatures

    series, ids = keras.Input((None, 2), name="series"), keras.Input((5,), dtype="int32", name="ids")
    pooled = layers.GlobalAveragePooling1D()
    x = layers.Concatenate()([pooled(series), pooled(layers.Embedding(9, 4)(ids))])
    model = keras.Model({"series": series, "ids": ids}, {"joint": layers.Dense(3)(x)})
    double = (lambda z: {"double": 2.0 * z}, Spec((None, 4), low=-1.0, high=3.0))
    path = export.deploy(model, tmp_path / "m", signatures={"twice": double})
    status, printed = verify(path)
    assert status == 0, printed
    assert re.search(r"^  joint ", printed, re.M)
    assert re.search(r"^  twice/double ", printed, re.M)

    about = signatures(path)
    samples = random_samples(about["serving_default"]["inputs"], 40, which=1)
    assert {name: (x.shape, x.dtype.name) for name, x in samples.items()} == {
        "series": ((40, 128, 2), "float32"),
        "ids": ((40, 5), "int32"),
    }
    assert set(np.unique(samples["ids"])) == set(range(9))
    ranged = random_samples(about["twice"]["inputs"], 100)["input"]
    assert -1 <= ranged.min() < -0.5 < 2.5 < ranged.max() <= 3

    np.savez(tmp_path / "inputs.npz", **samples)
    assert onnx_client.main([str(path), str(tmp_path / "inputs.npz")]) == 0
    assert "joint (40, 3)" in capsys.readouterr().out
    answer = onnx_client.load(path, "twice")(ranged)
    np.testing.assert_allclose(answer["double"], 2 * ranged)
    with pytest.raises(ValueError, match="takes ids, series"):
        onnx_client.load(path)({"ids": samples["ids"]})
    with pytest.raises(ValueError, match=r"in -1\.\.3, and received 3\.5 at index \(2, 1\)"):
        onnx_client.load(path, "twice")(np.where(np.arange(40).reshape(10, 4) == 9, 3.5, 0).astype("float32"))
    assert onnx_client.main([str(path), str(tmp_path / "inputs.npz"), "--signature", "none"]) == 1


def test_the_serving_files_fit_together():
    compose = (KIT / "serving" / "compose.yaml").read_text()
    config = (KIT / "serving" / "models.config").read_text()
    base_path = re.search(r'base_path: "(.*)"', config)
    assert base_path is not None
    assert f":{base_path[1]}:ro" in compose
    assert re.search(r"image: tensorflow/serving:\d+\.\d+\.\d+$", compose, re.M)
    assert "--model_config_file=/config/models.config" in compose
    assert "./models.config:/config/models.config:ro" in compose
    assert config.count("{") == config.count("}") == 4


def test_the_readme_names_files_that_are_there():
    text = (KIT / "README.md").read_text()
    for name in re.findall(r"export/([\w/]+\.py)|`((?:clients/)?\w+\.py)`", text):
        assert (KIT / "".join(name)).is_file(), name
