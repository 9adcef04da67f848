"""The deployment kit in `export/`: proves and answers an artifact, and knows nothing of what made it."""

import ast
import hashlib
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


def verify(*arguments, **environment):
    """Run verify.py as a person would, from elsewhere."""
    command = [sys.executable, str(KIT / "verify.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={**os.environ, **environment})


def reseal(folder):
    """Write the sums of the files as they are now into the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {x: hashlib.sha256((folder / x).read_bytes()).hexdigest() for x in manifest["sha256"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


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


def test_a_sound_artifact_is_proved(deployed):
    done = verify(deployed)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("shapes version 1")
    assert done.stdout.rstrip().endswith("Both formats agree.")
    for name in ("embedding", "probabilities"):
        figures = re.search(rf"^  {name} +(.*)$", done.stdout, re.M)
        assert figures is not None
        assert len(figures[1].split()) == 4
        assert all(float(x) <= 1e-5 for x in figures[1].split())


def test_a_changed_or_missing_file_is_told(copy):
    path = copy / "variables" / "variables.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (copy / "model.onnx").unlink()
    done = verify(copy)
    assert done.returncode == 1
    assert "FAILED: variables/variables.data-00000-of-00001 has changed" in done.stdout
    assert "FAILED: model.onnx is missing" in done.stdout


def test_formats_that_disagree_are_told(copy):
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(copy / "model.onnx"))
    bias = next(x for x in model.graph.initializer if numpy_helper.to_array(x).size > 16)
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(0.01), bias.name))
    onnx.save(model, str(copy / "model.onnx"))
    reseal(copy)
    done = verify(copy)
    assert done.returncode == 1
    assert "FAILED: embedding at batch 7 differs by" in done.stdout


@pytest.mark.parametrize("name", ["saved_model.pb", "model.onnx"])
def test_a_file_that_does_not_load_is_told(copy, name):
    (copy / name).write_bytes(b"no model")
    reseal(copy)
    done = verify(copy)
    assert (done.returncode, done.stdout.count("FAILED: ")) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr


def test_misuse_is_status_2(kit, copy, tmp_path, capsys):
    import verify as kit_verify

    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nowhere", tmp_path / "empty", copy / "model.onnx"):
        assert kit_verify.main([str(folder)]) == 2
        assert "is not a deployed model" in capsys.readouterr().err
    (copy / "manifest.json").write_text("[1, 2]")
    assert kit_verify.main([str(copy)]) == 2
    with pytest.raises(SystemExit) as exit_:
        kit_verify.main([])
    assert exit_.value.code == 2


def test_a_machine_without_the_library_is_told_what_to_install(deployed):
    done = verify(deployed, TENSORFLOW_LIBRARY="/nowhere.so")
    assert done.returncode == 2
    assert "pip install onnxruntime tensorflow" in done.stderr


def test_the_c_api_refuses_what_it_cannot_answer(deployed, copy):
    manifest = (copy / "manifest.json").read_text().replace("StatefulPartitionedCall", "Imagined")
    (copy / "manifest.json").write_text(manifest)
    code = (
        "import sys, numpy as np\n"
        "from c_api import CApiError, Session, run\n"
        "good, renamed = sys.argv[1:]\n"
        "image = np.zeros((1, 6, 6, 2), 'uint8')\n"
        "for folder, inputs in [(good, {'picture': image}), (renamed, {'image': image}),\n"
        "                       (good, {'image': image.astype('float32')}), (good, {'image': image[..., :1]})]:\n"
        "    try: print('answered', run(folder, inputs))\n"
        "    except CApiError as error: print(str(error).splitlines()[0])\n"
    )
    command = [sys.executable, "-c", code, str(deployed), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(KIT)})
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done.stderr
    assert "no input 'picture'" in lines[0]
    assert "no operation 'Imagined'" in lines[1]
    assert not any(line.startswith("answered") for line in lines)


def test_the_onnx_client_answers_and_minds_the_dtype(kit, deployed, capsys):
    import onnx_client

    predict = onnx_client.load(deployed)
    expected = np.load(deployed.parent / "expected.npz")
    for name, value in predict(IMAGES).items():
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-6)
    with pytest.raises(TypeError, match=r"uint8 in 0\.\.255"):
        predict(IMAGES.astype("float32"))
    assert onnx_client.main([str(deployed.parent / "nowhere"), str(deployed.parent / "images.npy")]) == 2
    assert "Give a version folder" in capsys.readouterr().err
    assert onnx_client.main([str(deployed), str(deployed.parent / "images.npy")]) == 0
    names = np.array(["ant", "bee", "cat", "dog"])[expected["probabilities"].argmax(-1)].tolist()
    assert f"classes {names}" in capsys.readouterr().out
    assert onnx_client.main([str(deployed), "nowhere.npy"]) == 1


@pytest.fixture
def stand_in(kit, deployed):
    """A server that speaks TensorFlow Serving's documented REST predict API, in columns, and its address."""
    import onnx_client

    predict = onnx_client.load(deployed)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.path in ("/v1/models/shapes:predict", "/v1/models/shapes/versions/1:predict")
            if known and set(body) == {"inputs"} and isinstance(body["inputs"], list):  # of the only input
                outputs = predict(np.array(body["inputs"], "uint8"))
                status, answer = 200, {"outputs": {name: value.tolist() for name, value in outputs.items()}}
            else:
                status, answer = 404, {"error": f"Servable not found for request: {self.path}"}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
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
    images = str(deployed.parent / "images.npy")
    assert rest.main([images, "--model", "shapes", "--url", stand_in]) == 0
    assert "probabilities (7, 4)" in capsys.readouterr().out
    assert rest.main([images, "--model", "others", "--url", stand_in]) == 1
    assert rest.main([images, "--model", "shapes", "--url", "http://127.0.0.1:9"]) == 1


def test_any_inputs_and_all_signatures_are_proved_and_answered(kit, tmp_path, capsys):
    import onnx_client
    from random_samples import random_samples, signatures

    series, ids = keras.Input((None, 2), name="series"), keras.Input((5,), dtype="int32", name="ids")
    pooled = layers.GlobalAveragePooling1D()
    x = layers.Concatenate()([pooled(series), pooled(layers.Embedding(9, 4)(ids))])
    model = keras.Model({"series": series, "ids": ids}, {"joint": layers.Dense(3)(x)})
    double = (lambda z: {"double": 2.0 * z}, Spec((None, 4), low=-1.0, high=3.0))
    path = export.deploy(model, tmp_path / "m", signatures={"twice": double})
    done = verify(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  joint ", done.stdout, re.M)
    assert re.search(r"^  twice/double ", done.stdout, re.M)

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
    with pytest.raises(KeyError, match="takes ids, series"):
        onnx_client.load(path)({"ids": samples["ids"]})
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
