"""The command line, from a folder of images to a deployed model, and what it says when something is wrong."""

import errno
import json
import re
import shlex
import signal
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_ssl import callbacks, cli, data, encoders, evaluate, objectives, runs
from keras_ssl.errors import UserError
from keras_ssl.recipes import choosing


@pytest.fixture(autouse=True)
def float32_policy():
    yield
    keras.mixed_precision.set_global_policy("float32")


def draw_classes(folder, classes=("bright", "dark"), each=12, mode="L"):
    """Class folders of 8x8 PNGs that differ in brightness."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for k in range(each):
            pixels = rng.integers(0, 100, (8, 8) if mode == "L" else (8, 8, 3)) + (155 if number == 0 else 0)
            Image.fromarray(pixels.astype("uint8"), mode).save(folder / name / f"{k}.png")
    return folder


def invoke(*words, expect=0):
    """Run a command in this process and return what it printed."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    if expect == 0 and result.exception:
        raise result.exception
    assert result.exit_code == expect, result.output
    return result.output


def fail(capsys, monkeypatch, *words):
    """Run the installed command's `main`, which must end with status 2, and return what it wrote to stderr."""
    monkeypatch.setattr(sys, "argv", ["keras-ssl", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    return capsys.readouterr().err


def quick_recipe(source, epochs=None, seed=0):
    """In place of the ResNet-18 that folders get: it takes half a minute to compile."""
    from keras_ssl import recipes, views

    keras.utils.set_random_seed(seed)
    encoder = encoders.conv_net(source.shape, filters=(4, 8))
    pair = views.pair(views.Policy([views.flip(), views.noise()]))
    pair.pure = False  # or XLA would compile it
    return recipes.compiled(objectives.SimCLR(encoder, seed=seed), source, epochs or 2, views=pair)


PREPARED = ("--fit", "pad", "--background", "#000080")
PREPARATION = {"fit": "pad", "background": [0, 0, 128]}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A pretrained encoder and the labeled folder that it came from."""
    folder = tmp_path_factory.mktemp("story")
    photos = draw_classes(folder / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(choosing._ANYWHERE, "simclr", quick_recipe)
        words = ("pretrain", "--dataset", photos, "--epochs", 1, "--seed", 3, "--out", folder / "run")
        printed = invoke(*words, *PREPARED)
    return folder, photos, folder / "run", printed


# ---- the whole way ---------------------------------------------------------------------------------------------------


def test_pretrain_writes_what_can_be_loaded_and_resumed(story):
    _, photos, run, printed = story
    assert "24 images of (8, 8, 1); 1 epoch of simclr" in printed
    assert f"Encoder: {run / 'encoder.keras'}" in printed
    names = {"encoder.keras", "encoder.json", "objective.keras", "objective.json", "checkpoints", "pretraining.html"}
    assert {path.name for path in run.iterdir()} == names
    facts = json.loads((run / "encoder.json").read_text())
    image = {"shape": [None, 8, 8, 1], "dtype": "float32", "low": 0.0, "high": 1.0, "kind": "image"}
    expected = {"specs": image, "data": image, "samples": 24, "objective": "SimCLR", "epochs": 1}
    assert expected.items() <= facts.items()
    assert facts["preparation"] == PREPARATION
    assert f"{photos}: 2 classes: bright 12, dark 12" in printed
    assert facts["dataset"] == str(photos)
    encoder = keras.saving.load_model(run / "encoder.keras")
    objective = keras.saving.load_model(run / "objective.keras")
    images = data.load(photos).inputs()
    np.testing.assert_array_equal(evaluate.embed(encoder, images), evaluate.embed(objective, images))
    assert int(objective.step) == 1
    assert headings(run / "pretraining.html") == ["Loss", "Views", "Nearest neighbors"]


def headings(page):
    """The titles of the sections of a report, of which no picture failed."""
    text = page.read_text()
    assert "could not be drawn" not in text
    return re.findall("<h2>(.*?)</h2>", text)


def copy_of(run, tmp_path):
    import shutil

    return shutil.copytree(run, tmp_path / "run")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setitem(choosing._ANYWHERE, "simclr", quick_recipe)


def test_other_objectives_take_a_folder_of_small_images(story, tmp_path):
    _, photos, _, _ = story
    words = ("pretrain", "--dataset", photos, "--objective", "dense_autoencoder", "--epochs", 1, "--out", tmp_path)
    assert "1 epoch of dense_autoencoder" in invoke(*words)
    assert keras.saving.load_model(tmp_path / "encoder.keras").output_shape == (None, 32)


def test_a_second_run_into_the_folder_loses_nothing(story, tmp_path, quick, capsys, monkeypatch):
    _, photos, run, _ = story
    run = copy_of(run, tmp_path)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    message = fail(capsys, monkeypatch, "pretrain", "--dataset", photos, "--epochs", 1, "--out", run)
    assert "add --resume" in message
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_resume_goes_on_and_ends_as_an_uninterrupted_run(story, tmp_path, quick):
    _, photos, _, _ = story
    source = data.load(photos)
    whole = quick_recipe(source, 2, seed=3)
    history = runs.pretrain(whole, tmp_path / "whole")
    assert len(history["loss"]) == 2

    class Killed(BaseException):
        pass

    def kill(resume, epoch, logs=None):
        commit(resume, epoch, logs)
        raise Killed

    commit = callbacks.Resume.on_epoch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks.Resume, "on_epoch_end", kill)
        with pytest.raises(Killed):
            runs.pretrain(quick_recipe(source, 2, seed=3), tmp_path / "run", facts={"dataset": str(photos)})
    words = ("pretrain", "--dataset", photos, "--epochs", 2, "--seed", 3, "--resume", "--out", tmp_path / "run")
    assert "Resuming after epoch 1, of 2 epochs." in invoke(*words)
    resumed = keras.saving.load_model(tmp_path / "run" / "objective.keras")
    assert int(resumed.step) == 2
    for a, b in zip(whole.objective.get_weights(), resumed.get_weights()):
        np.testing.assert_array_equal(a, b)

    encoder = (tmp_path / "run" / "encoder.keras").stat().st_size
    invoke(*words)  # all epochs are done
    again = keras.saving.load_model(tmp_path / "run" / "objective.keras")
    for a, b in zip(resumed.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert (tmp_path / "run" / "encoder.keras").stat().st_size == encoder


def test_a_checkpoint_of_something_else_is_refused(story, tmp_path, capsys, monkeypatch):
    _, _, run, _ = story
    run = copy_of(run, tmp_path)
    before = (run / "encoder.keras").read_bytes()
    message = fail(
        capsys, monkeypatch, "pretrain", "--dataset", "digits", "--objective", "autoencoder", "--resume", "--out", run
    )
    assert "the arguments that the run was started with: objective SimCLR" in message
    assert (run / "encoder.keras").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--seed", 4), "seed 3.*seed 4"),
        (("--epochs", 2), "epochs 1.*epochs 2"),
        (("--fit", "crop", *PREPARED[2:]), r"preparation\.fit pad.*preparation\.fit crop"),
        (("--mixed-precision",), "precision float32.*precision mixed_bfloat16"),
    ],
)
def test_a_run_goes_on_only_as_it_was_begun(story, tmp_path, quick, capsys, monkeypatch, changed, said):
    _, photos, run, _ = story
    run = copy_of(run, tmp_path)
    words = {"--epochs": (1,), "--seed": (3,), "--fit": ("pad",), "--background": ("#000080",)} | {
        changed[0]: changed[1:]
    }
    message = fail(
        capsys, monkeypatch, "pretrain", "--dataset", photos, "--resume", "--out", run,
        *(word for option, value in words.items() for word in (option, *value)),
    )  # fmt: skip
    assert re.search(said, " ".join(message.split()))
    assert json.loads((run / "checkpoints" / "ckpt-1" / "run.json").read_text())["seed"] == 3


def test_a_wrong_resume_does_not_stand_in_the_way_of_the_right_one(story, tmp_path, quick):
    _, photos, run, _ = story
    run = copy_of(run, tmp_path)
    source = data.load(photos, fit="pad", background="#000080")
    other = quick_recipe(source, 1, seed=3)
    other.objective = objectives.Autoencoder(other.objective.encoder)
    other.objective.compile("adam")
    with pytest.raises(UserError, match=r"objective SimCLR, .* more\. Received objective Autoencoder"):
        runs.pretrain(other, run, resume=True, facts={"dataset": str(photos)})
    words = ("pretrain", "--dataset", f"{photos}/", "--epochs", 1, "--seed", 3, "--resume", "--out", run, *PREPARED)
    assert "Resuming after epoch 1, the last: nothing is left to train." in invoke(*words)
    assert json.loads((run / "encoder.json").read_text())["objective"] == "SimCLR"


def test_a_failed_save_leaves_the_old_model_and_nothing_else(story, tmp_path, monkeypatch):
    _, _, run, _ = story
    run = copy_of(run, tmp_path)
    encoder = keras.saving.load_model(run / "encoder.keras")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}

    def half(self, path, *args, **kwargs):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(UserError, match=r"room on the disk of .*run. Received No space left on device. Do: free some"):
        runs.save_model(encoder, run / "encoder.keras", dataset="another")
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_resume_without_a_run_is_an_error_before_the_images_are_read(story, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data, "load", None)
    missing, empty = (tmp_path / "rum", "a folder that does not exist"), (tmp_path, "a folder without checkpoints")
    for out, received in (missing, empty):
        message = fail(capsys, monkeypatch, "pretrain", "--dataset", story[1], "--resume", "--out", out)
        assert f"Expected a run to resume in {out}. Received {received}. Do: check --out" in message
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_says_the_command_to_go_on_at_any_time(story, tmp_path, capsys, monkeypatch):
    photos, run = story[1:3]

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupt)  # as while images are read
    for out, said, more in (
        (copy_of(run, tmp_path), "To go on", ("--resume",)),
        (tmp_path / "new", "Nothing is saved yet. To start again", ()),
    ):
        words = ["pretrain", "--dataset", str(photos), "--out", str(out), *more]
        monkeypatch.setattr(sys, "argv", ["keras-ssl", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 130
        assert capsys.readouterr().err == f"keras-ssl: SIGINT ended the run. {said}: keras-ssl {shlex.join(words)}\n"


@pytest.mark.pages
def test_evaluate_prints_the_table_and_writes_results(story, tmp_path):
    _, photos, run, _ = story
    words = ("evaluate", "--encoder", run / "encoder.keras", "--dataset", photos, "--labels-per-class", "1,2")
    printed = invoke(*words, "--seeds", 1, "--steps", 3, "--out", tmp_path / "figures")
    assert "No test split: 4 of the samples" in printed
    for row in ("labels per class", "raw inputs", "untrained encoder", "from scratch", "encoder, fine-tuned"):
        assert row in printed
    results = json.loads((tmp_path / "figures" / "results.json").read_text())
    assert set(results) == {
        "dataset", "encoder", "knn", "accuracy", "precision", "recall", "f1", "collapse"
    }  # fmt: skip
    assert set(results["accuracy"]["encoder"]) == {"1", "2"}
    titles = headings(tmp_path / "figures" / "evaluation.html")
    assert titles[0] == "Accuracy with few labels"
    assert "What the encoder sees" in titles


@pytest.mark.pages
def test_finetune_then_export_then_serve(story, tmp_path):
    import onnxruntime

    _, photos, run, _ = story
    out = tmp_path / "classifier"
    printed = invoke("finetune", "--encoder", run / "objective.keras", "--dataset", photos, "--steps", 3, "--out", out)
    assert "Test: accuracy" in printed
    facts = json.loads((out / "classifier.json").read_text())
    assert (facts["class_names"], facts["preparation"]) == (["bright", "dark"], PREPARATION)
    assert set(facts["scores"]) == {"accuracy", "precision", "recall", "f1"}
    classifier = keras.saving.load_model(out / "classifier.keras")
    assert headings(out / "finetuning.html")[-1] == "What the decisions depend on"

    words = ("export", out / "classifier.keras", "--out", tmp_path / "served", "--input-dtype", "uint8")
    printed = invoke(*words, "--dataset", photos)
    assert f"Model: {tmp_path / 'served' / '1'}" in printed
    manifest = json.loads((tmp_path / "served" / "1" / "manifest.json").read_text())
    assert (manifest["class_names"], manifest["preparation"]) == (["bright", "dark"], PREPARATION)
    images = data.load(photos).stored
    session = onnxruntime.InferenceSession(tmp_path / "served" / "1" / "model.onnx")
    probabilities, embedding = session.run(["probabilities", "embedding"], {"image": images})
    np.testing.assert_allclose(probabilities, classifier.predict(images / np.float32(255), verbose=0), atol=1e-5)
    assert embedding.shape == (24, 8)


def test_samples_to_verify_on_are_as_clients_send_them(story, tmp_path, monkeypatch):
    _, photos, run, _ = story
    encoder = runs.load_encoder(run / "encoder.keras")
    monkeypatch.setenv("HOME", str(photos.parent))
    stored = runs.load_to_verify("~/photos", encoder, "uint8")
    assert (stored.shape, stored.dtype) == ((24, 8, 8, 1), "uint8")
    np.testing.assert_allclose(stored / 255, runs.load_to_verify("~/photos", encoder), atol=1e-7)
    np.savez(tmp_path / "floats.npz", image=stored.astype("float32") / 255)
    again = runs.load_to_verify(str(tmp_path / "floats.npz"), encoder, "uint8")  # of floats bytes are made
    assert (again.dtype, sorted(one.sum() for one in again)) == ("uint8", sorted(one.sum() for one in stored))


def test_an_encoder_is_exported_as_the_next_version(story, tmp_path):
    _, _, run, _ = story
    for model, version in (("encoder.keras", 1), ("objective.keras", 2)):
        assert str(tmp_path / str(version)) in invoke("export", run / model, "--out", tmp_path)
        manifest = json.loads((tmp_path / str(version) / "manifest.json").read_text())
        assert list(manifest["signature"]["outputs"]) == ["embedding"]


def test_embed_writes_arrays(story, tmp_path):
    _, photos, run, _ = story
    printed = invoke("embed", "--encoder", run / "encoder.keras", "--dataset", photos, "--out", tmp_path / "new" / "h")
    assert f"(24, 8) in {tmp_path / 'new' / 'h.npz'}" in printed
    with np.load(tmp_path / "new" / "h.npz") as arrays:
        encoder = keras.saving.load_model(run / "encoder.keras")
        source = data.load(photos)
        np.testing.assert_array_equal(arrays["embedding"], evaluate.embed(encoder, source))
        np.testing.assert_array_equal(arrays["labels"], source.labels)
        assert tuple(arrays["class_names"]) == ("bright", "dark")
        assert all(path.startswith(str(photos)) for path in arrays["path"])

        image = Image.open(arrays["path"][7])
        np.testing.assert_array_equal(np.asarray(image), source.stored[7, :, :, 0])


def test_images_of_any_form_are_brought_to_the_encoders_as_it_was_trained(story, tmp_path):
    _, _, run, _ = story
    large = tmp_path / "large"
    large.mkdir()
    for k in range(3):
        Image.new("RGB", (20, 12), (80 * k,) * 3).save(large / f"{k}.png")
    (large / "4.png").write_bytes(b"broken")
    words = ("embed", "--encoder", run / "encoder.keras", "--dataset", large, "--out", tmp_path / "h.npz")
    for options, fit in (((), "pad"), (("--fit", "crop"), "crop")):
        printed = invoke(*words, "--skip-broken", *options)
        for said in ("4 images without labels", "3 images in color", "1 of 4 images cannot be read", "4.png"):
            assert said in printed
        (large / "4.png").rename(tmp_path / "4.png")
        encoder = keras.saving.load_model(run / "encoder.keras")
        images = data.load(large, like=encoder, fit=fit, background="#000080", say=str)
        (tmp_path / "4.png").rename(large / "4.png")
        with np.load(tmp_path / "h.npz") as arrays:
            assert "labels" not in arrays
            expected = evaluate.embed(encoder, images)
            np.testing.assert_array_equal(arrays["embedding"], expected)


def test_other_splits_are_tested_on(tmp_path):
    for name in ("Training", "validation"):
        draw_classes(tmp_path / "set" / name, each=3)
    said = []
    train, test = runs.load_labeled(str(tmp_path / "set"), encoders.mlp((8, 8, 1), (4,)), said.append)
    assert (len(train), len(test), train.class_names) == (6, 6, ("bright", "dark"))
    assert "No test split: the split 'val' is used for testing." in said
    (tmp_path / "set" / "validation").rename(tmp_path / "other")
    train, test = runs.load_labeled(str(tmp_path / "set"), encoders.mlp((8, 8, 1), (4,)))
    assert (len(train), len(test)) == (4, 2)


def test_mixed_precision_computes_in_bfloat16(story, tmp_path, quick):
    _, photos, _, _ = story
    invoke("pretrain", "--dataset", photos, "--epochs", 1, "--mixed-precision", "--out", tmp_path)
    encoder = keras.saving.load_model(tmp_path / "encoder.keras")
    assert encoder.layers[1].compute_dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in encoder.weights)


def test_pretrain_trains_under_a_strategy(tmp_path, quick, two_replicas, monkeypatch):
    """On as many images as the replicas can share."""
    from keras_ssl import distribute

    photos = draw_classes(tmp_path / "photos", each=9)
    next((photos / "dark").iterdir()).unlink()
    monkeypatch.setattr(distribute, "strategy", {"mirrored": two_replicas}.get)
    out = tmp_path / "run"
    printed = invoke("pretrain", "--dataset", photos, "--strategy", "mirrored", "--epochs", 1, "--out", out)
    assert "16 images of (8, 8, 1)" in printed
    assert json.loads((out / "encoder.json").read_text())["samples"] == 16
    assert int(keras.saving.load_model(out / "objective.keras").step) == 1


def test_launch_starts_the_command_in_several_processes(monkeypatch):
    from keras_ssl import distribute

    seen = []
    monkeypatch.setattr(distribute, "launch", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr(sys, "argv", ["keras-ssl", "--debug"])
    words = ("pretrain", "--dataset", "digits", "--strategy", "multiworker")
    before = signal.getsignal(signal.SIGTERM)
    try:
        invoke("launch", "--workers", 3, *words)
        invoke("launch", "--", *words)
        with pytest.raises(SystemExit) as end:
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    command = [sys.executable, "-m", "keras_ssl", *words, "--debug"]
    assert seen == [(command, 3), (command, 2)]
    assert end.value.code == 143


def test_launch_refuses_a_command_that_would_train_alone(capsys, monkeypatch):
    message = fail(capsys, monkeypatch, "launch", "--workers", 2, "pretrain", "--dataset", "digits")
    assert "a command with --strategy multiworker" in message


def test_demo_gets_the_options(monkeypatch, tmp_path):
    from keras_ssl.runs import demo

    seen = []
    monkeypatch.setattr(demo, "run", lambda *arguments, say: seen.append(arguments))
    invoke("demo", "--dataset", "fashion_mnist", "--out", tmp_path, "--seed", 4, "--epochs", 2)
    invoke("demo")
    assert seen[0] == ("fashion_mnist", tmp_path, 4, 2)
    assert (seen[1][0], str(seen[1][1]), *seen[1][2:]) == ("digits", "out", 0, None)


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_is_one_paragraph_with_status_2(capsys, monkeypatch, tmp_path):
    message = fail(capsys, monkeypatch, "pretrain", "--dataset", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert message.startswith("keras-ssl: Expected a folder of images, recordings or videos, or a file of ")
    assert "Do: check the path" in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_debug_shows_where_it_was_raised(monkeypatch, tmp_path):
    words = ["keras-ssl", "pretrain", "--debug", "--dataset", str(tmp_path / "nowhere"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(UserError):
        cli.main()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pretrain",), "Missing option '--dataset'"),
        (("pretrain", "--dataset", "digits", "--epochs", "many"), "valid integer"),
        (("train",), "No such command 'train'"),
        (("pretrain", "--dataset", "digits", "--objektive", "simclr"), "No such option"),
        (("launch", "--workers", "0", "pretrain"), "--workers"),
    ],
)
def test_a_wrong_word_is_a_usage_error(capsys, monkeypatch, words, message):
    monkeypatch.setenv("COLUMNS", "200")
    assert message in fail(capsys, monkeypatch, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--labels-per-class", "1;2"), "write --labels-per-class 1,5,10"),
        (("--labels-per-class", "0"), "labels_per_class as a whole number at least 1"),
        (("--labels-per-class", "500"), "at least 500 samples of each class"),
        (("--seeds", "0"), "'--seeds'"),
    ],
)
def test_evaluate_refuses_numbers_that_cannot_be(story, capsys, monkeypatch, words, message):
    _, photos, run, _ = story
    encoder = run / "encoder.keras"
    assert message in fail(capsys, monkeypatch, "evaluate", "--encoder", encoder, "--dataset", photos, *words)


def test_finetune_refuses_no_steps(story, capsys, monkeypatch, tmp_path):
    _, photos, run, _ = story
    words = ("finetune", "--encoder", run / "encoder.keras", "--dataset", photos, "--steps", 0, "--out", tmp_path)
    assert "'--steps'" in fail(capsys, monkeypatch, *words)
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command():
    printed = invoke("--help")
    for command in ("demo", "pretrain", "launch", "evaluate", "finetune", "export", "embed"):
        assert command in printed
