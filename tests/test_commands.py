"""The command line's first half second: what it says about wrong words, and what it does not import for that."""

import json
import os
import pathlib
import warnings

import new_process
import pytest

import keras_ssl
from keras_ssl import distribute, logs, names, objectives, onednn, recipes, set_names
from keras_ssl.errors import UserError
from keras_ssl.specs import KINDS

ROOT = pathlib.Path(keras_ssl.__file__).parents[1]

STARTING = """
import contextlib, io, json, sys, time
sys.argv = ["/somewhere/bin/keras-ssl"]
from keras_ssl import cli
told = []

def tell(words):
    sys.argv, out, err = ["keras-ssl", *words], io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            told.append([end.code or 0, out.getvalue(), err.getvalue()])

for words in json.loads(WORDS):
    tell(words)
imported = sorted({name.split(".")[0] for name in sys.modules})
seconds = time.process_time()

class Watch:
    asked = []

    def find_spec(self, name, path=None, target=None):
        self.asked.append(name)
        if name == "keras":
            raise ModuleNotFoundError(name, name="jax")

sys.meta_path.insert(0, Watch())
tell(["pretrain", "--dataset", "digits"])
print(json.dumps({"told": told, "imported": imported, "asked": Watch.asked, "seconds": seconds}))
"""
ANSWERS = {
    "--help": (0, "finetune"),
    "--version": (0, keras_ssl.__version__),
    "pretrain --help": (0, "--objective"),
    "pretrian": (2, "Did you mean 'pretrain'?"),
    "--versoin": (2, "Did you mean '--version'?"),
    "pretrain --recpie x": (2, "No such option: --recpie. Did you mean"),
    "pretrain --datset digits": (2, "Did you mean '--dataset'"),
    "pretrain --dataset digits --epochs 0": (2, "--epochs"),
    "pretrain --dataset digits --objective simclear": (2, "an objective among simclr"),
    "pretrain --dataset digits --background whit": (2, "a background color: a name, '#rrggbb'"),
    "pretrain --dataset digits --strategy miror": (2, "'miror' (did you mean 'mirrored'?)"),
    "pretrain --dataset digits --fit crap": (2, "'crap' (did you mean 'crop'?)"),
    "export encoder.keras --input-dtype unit8": (2, "'unit8' (did you mean 'uint8'?)"),
    "export --input-dtype unit8 encoder.keras": (2, "'unit8' (did you mean 'uint8'?)"),
    "pretrain --dataset mnits": (2, "'mnits' (did you mean 'mnist'"),
    "pretrain --dataset ./keras_sl": (2, "keras_sl (did you mean 'keras_ssl'"),
    "evaluate --encoder README.md --dataset digits": (2, "a .keras file"),
    "export REDME.md": (2, "REDME.md, which does not exist"),
    "evaluate --encoder x.keras --dataset digits --labels-per-class 1;2": (2, "x.keras, which does not exist"),
    "launch pretrain --strategy multiworker --dataset digit": (2, "'digit' (did you mean 'digits'"),
}


@pytest.fixture(scope="module")
def started():
    words = json.dumps([line.split() for line in ANSWERS])
    printed = new_process.run(f"WORDS = {words!r}\n{STARTING}", folder=ROOT)
    return json.loads(printed.splitlines()[-1])


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=list(ANSWERS))
def test_a_word_that_cannot_be_right_is_answered_with_what_may_be_meant(started, number):
    status, text = list(ANSWERS.values())[number]
    code, out, err = started["told"][number]
    assert code == status
    assert text in " ".join((err if status else out).split())
    assert (out if status else err) == ""
    assert "Traceback" not in err


def test_nothing_heavy_is_imported_for_that(started):
    assert "keras_ssl" in started["imported"]
    heavy = {"keras", "tensorflow", "jax", "numpy", "absl", "rich", "sklearn", "PIL.Image", "tensorflow_datasets"}
    assert not heavy & set(started["imported"])
    assert started["seconds"] < 3  # for all of them; 0.6 on an idle machine


def test_a_command_registers_all_classes_before_it_runs(started):
    asked = started["asked"]
    assert asked.index("keras_ssl.registered") < asked.index("keras")
    assert "keras_ssl.runs" not in asked
    assert "an installed backend of Keras. Received an environment without jax" in started["told"][-1][2]


# ---- names -----------------------------------------------------------------------------------------------------------


def test_names_are_those_of_what_there_is():
    assert {name: getattr(objectives, kind) for name, kind in names.JOINT_EMBEDDING.items()} == recipes.JOINT_EMBEDDING
    assert set(names.INPUT_DTYPES) == {"float32"}.union(*(kind.stored for kind in KINDS.values()))
    functions = set(recipes.small_images.__all__)
    assert functions == {*names.JOINT_EMBEDDING, *names.CLASSICAL}
    for name in functions:
        names.check_objective(name)
        recipes.choose(name, "photos/")
    with pytest.raises(UserError, match=r"a strategy among none, mirrored, multiworker.*did you mean 'mirrored'\?"):
        distribute.strategy("mirror")


def test_a_mistyped_path_is_told_what_is_beside_it(tmp_path):
    (tmp_path / "encoder.keras").touch()
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match=r"encodr.keras \(did you mean 'encoder.keras'\?\), which does not exist"):
        names.check_model_file(tmp_path / "encodr.keras")
    with pytest.raises(UserError, match=r"photo \(did you mean 'photos'\?\), which does not exist"):
        names.check_dataset(tmp_path / "photo")
    (tmp_path / "film.mp4").touch()
    for name in (tmp_path / "film.mp4", str(tmp_path / "film.mp4")):
        with pytest.raises(UserError, match=r"film.mp4, a file of another kind\. Do: put images, recordings or videos"):
            names.check_dataset(name)


def test_the_sets_of_tensorflow_datasets_are_all_found_without_importing_it():
    tfds = pytest.importorskip("tensorflow_datasets")
    real = set(tfds.list_builders(with_community_datasets=False))
    assert len(real) > 400
    assert real <= set_names.known()
    assert len(set_names.known() - real) < 30  # classes that are no sets
    assert all(map(set_names.exists, ["mnist", "Mnist", "cifar10_corrupted/fog_1", "mnist:3.0.1"]))
    assert not any(map(set_names.exists, ["mnits", "huggingface:mnist", "no such set", "fotos/"]))


def test_a_set_of_ones_own_that_is_prepared_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="my_set"):
        names.check_dataset("my_set")
    (tmp_path / "my_set").mkdir()
    names.check_dataset("my_set")


# ---- log lines -------------------------------------------------------------------------------------------------------

WRITTEN = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795937704.834663   31102 cudart_stub.cc:31] Could not find cuda drivers on your machine.
E0000 00:00:1795937735.582464   31102 cuda_platform.cc:52] failed call to cuInit
a warning of Python's
"""


def test_log_lines_are_held_back_and_nothing_else_is(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with logs.held_back():
        os.write(2, WRITTEN)
    assert capfd.readouterr().err == "a warning of Python's\n"
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


# ---- oneDNN ----------------------------------------------------------------------------------------------------------


def test_onednn_is_turned_on_while_it_is_time(monkeypatch):
    monkeypatch.delenv(onednn.VARIABLE)
    onednn.turn_on()  # too late
    assert onednn.VARIABLE not in os.environ
    monkeypatch.setattr(onednn.sys, "modules", {})
    onednn.turn_on()
    assert os.environ[onednn.VARIABLE] == "1"
    monkeypatch.setenv(onednn.VARIABLE, "0")
    onednn.turn_on()
    assert os.environ[onednn.VARIABLE] == "0"


@pytest.mark.parametrize(("chosen", "on", "count"), [(None, False, 1), (None, True, 0), ("0", False, 0)])
def test_a_warning_says_once_that_onednn_is_off_unless_that_was_chosen(monkeypatch, chosen, on, count):
    monkeypatch.delenv(onednn.VARIABLE) if chosen is None else monkeypatch.setenv(onednn.VARIABLE, chosen)
    monkeypatch.setattr(onednn, "_is_on", lambda: on)
    monkeypatch.setattr(onednn.sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    onednn.warn_if_off.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        onednn.warn_if_off()
        onednn.warn_if_off()
    onednn.warn_if_off.cache_clear()
    assert [str(one.message)[:50] for one in caught] == ["TensorFlow was imported without oneDNN's kernels: "] * count
