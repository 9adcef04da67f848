"""Wrong input is refused at every entry point: by an error in three parts, before training, without side effects."""

import re
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ssl import callbacks, checks, cli, data, encoders, evaluate, export, objectives, runs, transfer, views
from keras_ssl.errors import UserError

SHAPE = (6, 6, 1)
GOOD = np.random.default_rng(0).random((8, *SHAPE), "float32")
BYTES = (GOOD * 255).astype("uint8")


def spoiled(value):
    images = GOOD.copy()
    images[3, 1, 1] = value
    return images


def an_encoder():
    return encoders.mlp(SHAPE, units=(4,))


def compiled(kind=objectives.Autoencoder):
    objective = kind(an_encoder())
    objective.compile("adam")
    return objective


def refused(action, *words):
    """Return the error message of `action`, which must have three parts and contain all `words`."""
    with pytest.raises(UserError) as caught:
        action()
    message = str(caught.value)
    assert re.fullmatch(r"Expected .+\. Received .+\. Do: .+\.", message, flags=re.DOTALL)
    for word in words:
        assert word in message
    return message


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run `keras-ssl … --out OUT`, which must exit with status 2, print one paragraph and leave OUT unchanged."""

    def run(*words, out=tmp_path / "out"):
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["keras-ssl", *map(str, words), "--out", str(out)])
        monkeypatch.setattr(objectives.Objective, "fit", None)  # training must not begin
        monkeypatch.setattr(transfer.FineTuning, "fit", None)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 2
        message = capsys.readouterr().err
        assert re.fullmatch(r"keras-ssl: Expected .+\. Received .+\. Do: .+\.\n", message)
        assert sorted(tmp_path.rglob("*")) == before
        return message

    return run


@pytest.fixture
def saved_encoder(tmp_path):
    return runs.save_model(an_encoder(), tmp_path / "encoder.keras")


def photos(folder, count=4, size=SHAPE[:2], mode="L"):
    for number in range(count):
        place = folder / f"class_{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, number).save(place / f"{number}.png")
    return folder


# ---- images at every entry point -------------------------------------------------------------------------------------

BAD_IMAGES = {
    "empty": (GOOD[:0], "Received 0"),
    "one sample": (GOOD[:1], "Received 1"),
    "NaN": (spoiled(np.nan), "NaN or Inf in 1 of 8, the first at index 3"),
    "Inf": (spoiled(np.inf), "NaN or Inf in 1 of 8, the first at index 3"),
    "above the range": (GOOD * 255, "divide by 255"),
    "below the range": (GOOD - 0.5, "values in 0..1"),
    "rank": (GOOD[..., 0], ", 6, 6)"),
    "integers": (GOOD.astype("int32"), "int32"),
}


@pytest.mark.parametrize("which", BAD_IMAGES)
def test_bad_images_are_refused_by_batches(which):
    images, words = BAD_IMAGES[which]
    refused(lambda: data.batches(images, batch_size=2), words)


@pytest.mark.parametrize("which", BAD_IMAGES)
def test_bad_images_are_refused_by_fit_before_it_trains(which):
    images, words = BAD_IMAGES[which]
    objective = compiled()
    refused(lambda: objective.fit(images, verbose=0), words)
    assert int(objective.step) == 0


@pytest.mark.parametrize("which", [name for name in BAD_IMAGES if name != "one sample"])
def test_bad_images_are_refused_by_embed(which):
    images, words = BAD_IMAGES[which]
    refused(lambda: evaluate.embed(an_encoder(), images), words)


@pytest.mark.parametrize("which", ["NaN", "above the range"])
def test_bad_images_are_refused_by_few(which):
    images, words = BAD_IMAGES[which]
    source = data.from_arrays(images, np.arange(8) % 2)
    refused(lambda: data.few(source, 4), words.replace("index 3", "index"))


def test_bytes_where_floats_are_declared_and_the_reverse(tmp_path):
    refused(lambda: compiled().fit(BYTES, verbose=0), "uint8", "255")
    refused(lambda: checks.check_images(BYTES), "dtype uint8")
    refused(lambda: checks.check_images(GOOD, dtype="uint8"), "dtype float32")
    model = transfer.classifier(an_encoder(), 2)
    refused(lambda: export.deploy(model, tmp_path / "m", samples=BYTES), "dtype uint8", "input_dtype")
    refused(lambda: export.deploy(model, tmp_path / "m", samples=GOOD, input_dtype="uint8"), "dtype float32")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(6, 6, 3), (5, 6, 1), (6, 6)])
def test_a_wrong_shape_for_the_encoder(shape):
    images = np.zeros((8, *shape), "float32")
    objective = compiled()
    refused(lambda: objective.fit(images, verbose=0), "(None, 6, 6, 1)", str((8, *shape)))
    assert int(objective.step) == 0
    refused(lambda: evaluate.embed(objective, images), str((8, *shape)))


def test_a_batch_of_one_for_simclr():
    simclr = compiled(objectives.SimCLR)
    pair = {"view_1": GOOD, "view_2": GOOD[::-1].copy()}
    refused(lambda: simclr.fit(pair, batch_size=1, verbose=0), "at least 2 samples", "SimCLR")
    batches = data.batches(GOOD, views=views.Policy([views.flip()]), batch_size=1)
    refused(lambda: simclr.fit(batches, verbose=0), "at least 2 samples", "SimCLR")
    assert int(simclr.step) == 0
    remainder = tf.data.Dataset.from_tensor_slices(pair).batch(
        len(GOOD) - 1
    )  # the size of its last batch is known only in the graph
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at least 2 samples in each batch, since SimCLR"):
        compiled(objectives.SimCLR).fit(remainder, verbose=0)


def test_fewer_samples_than_a_batch():
    refused(lambda: data.batches(GOOD, views=views.digits(), batch_size=256), "8 samples", "batch_size")


# ---- attributes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        (np.array([0.0, 1, 2, np.nan, 4, 5, 6, 7]), "NaN or Inf in 1 of 8, the first at index 3"),
        (np.array([0, 1, 2, -3, 0, 1, 2, 0]), "-3"),
        (np.zeros(8, int), "class 0 everywhere"),
        (np.ones(8), "1 everywhere"),
        (np.arange(7.0), "(7,)"),
        ("shape", "'shape'"),
        (data.dominant_color, "three channels"),
    ],
)
def test_attributes_that_cannot_be_learned_are_refused_by_batches(attribute, words):
    refused(lambda: data.batches(GOOD, batch_size=2, targets={"what": attribute}), words)


def test_classes_that_there_are_not_are_refused_before_attributes_are_learned():
    objective = objectives.AttributePrediction(an_encoder(), {"kind": 3})
    objective.compile("adam")
    batch = {"input": GOOD, "attributes": np.array([0, 1, 2, 0, 1, 3, 0, 1], "float32")[:, None]}
    refused(lambda: objective.fit(batch, verbose=0), "class numbers of 'kind' in 0..2", "3 at index 5")
    assert int(objective.step) == 0


# ---- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_out_of_range_stop_a_bare_fit_before_it_trains(jit_compile, label):
    labels = np.array([0, 1, 2, 0, 1, label, 0, 1])
    model = transfer.classifier(an_encoder(), classes=3)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    before = model.get_weights()
    guard = callbacks.Guard(GOOD, labels)
    refused(lambda: model.fit(GOOD, labels, callbacks=[guard], verbose=0), "labels in 0..2", f"{label} at index 5")
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_labels_out_of_range_under_jit_are_seen_at_the_first_loss_without_the_arrays():
    checked = transfer.classifier(an_encoder(), classes=3)
    model = keras.Model(checked.inputs, checked.outputs[0])  # whose `fit` does not check
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    labels = np.array([0, 1, 2, 0, 1, 3, 0, 1])
    refused(lambda: model.fit(GOOD, labels, callbacks=[callbacks.Guard()], verbose=0), "loss = nan at batch 0")


def test_labels_out_of_range_in_a_source():
    refused(lambda: data.from_arrays(GOOD, np.arange(8), classes=7), "labels in 0..6", "7 at index 7")
    refused(lambda: data.from_arrays(GOOD, np.arange(7)), "one label for each of 8 samples", "7")
    refused(lambda: data.from_arrays(GOOD, np.eye(8)), "argmax")


# ---- the command line ------------------------------------------------------------------------------------------------


def test_a_corrupt_image_is_named_with_its_path(command, tmp_path, saved_encoder):
    folder = photos(tmp_path / "photos")
    (folder / "class_1" / "broken.png").write_bytes(b"no image at all")
    path = str(folder / "class_1" / "broken.png")
    assert path in command("pretrain", "--dataset", folder)
    assert path in command("finetune", "--encoder", saved_encoder, "--dataset", folder)


@pytest.mark.parametrize("count", [0, 1])
def test_a_folder_with_nothing_to_learn_from(command, tmp_path, count):
    (tmp_path / "photos").mkdir()
    if count:
        Image.new("L", (6, 6)).save(tmp_path / "photos" / "one.png")
    command("pretrain", "--dataset", tmp_path / "photos")


def test_a_folder_without_classes_cannot_be_learned(command, tmp_path, saved_encoder):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        Image.new("L", (6, 6), number).save(folder / f"{number}.png")
    for name in ("evaluate", "finetune"):
        assert "one folder for each class" in command(name, "--encoder", saved_encoder, "--dataset", folder)


def test_an_unknown_data_set_lists_those_like_it(command):
    message = command("pretrain", "--dataset", "fashion_mist")
    assert "fashion_mnist" in message
    assert "digits" in message


def test_an_unknown_split_lists_those_there_are():
    refused(lambda: data.load("digits", split="validation"), "'train' or 'test'")


def test_an_unknown_objective_lists_those_there_are(command):
    assert "simclr, moco" in command("pretrain", "--dataset", "digits", "--objective", "simclear")


@pytest.mark.parametrize("epochs", [0, -1])
def test_zero_epochs(command, epochs):
    objective, fit = compiled(), objectives.Objective.fit  # before `command` replaces it
    for name in ("pretrain", "demo"):
        assert "at least one epoch" in command(name, "--dataset", "digits", "--epochs", epochs)
    refused(lambda: fit(objective, GOOD, epochs=epochs), "at least one epoch")


def test_an_out_that_cannot_be_written_in(command, tmp_path, saved_encoder):
    (tmp_path / "file").write_text("not a folder")
    for words in (
        ("pretrain", "--dataset", "digits"),
        ("demo", "--dataset", "digits"),
        ("evaluate", "--encoder", saved_encoder, "--dataset", "digits"),
        ("finetune", "--encoder", saved_encoder, "--dataset", "digits"),
        ("export", saved_encoder),
        ("embed", "--encoder", saved_encoder, "--dataset", "digits"),
    ):
        for out in (tmp_path / "file" / "out", tmp_path / "file" / "more" / "out"):
            assert "file" in command(*words, out=out), words


def test_a_model_file_that_is_not_there(command, tmp_path):
    missing = tmp_path / "missing.keras"
    for words in (
        ("evaluate", "--encoder", missing, "--dataset", "digits"),
        ("finetune", "--encoder", missing, "--dataset", "digits"),
        ("export", missing),
        ("embed", "--encoder", missing, "--dataset", "digits"),
    ):
        message = command(*words)
        assert str(missing) in message
        assert "does not exist" in message


def test_a_model_file_that_is_none(command, tmp_path):
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"no zip")
    assert str(broken) in command("export", broken)
    (tmp_path / "model.h5").write_bytes(b"")
    assert ".keras" in command("export", tmp_path / "model.h5")


def test_a_model_of_another_value_range(command, tmp_path):
    model = runs.save_model(an_encoder(), tmp_path / "encoder.keras")
    description = tmp_path / "encoder.json"
    description.write_text(description.read_text().replace("1.0", "255.0"))
    assert "trained on image of shape (None, 6, 6, 1) as floats in 0..255" in command(
        "embed", "--encoder", model, "--dataset", "digits"
    )


def test_an_existing_version(command, tmp_path, saved_encoder):
    version = export.deploy(keras.saving.load_model(saved_encoder), tmp_path / "served")
    before = {path: path.read_bytes() for path in version.rglob("*") if path.is_file()}
    assert "1, which exists" in command("export", saved_encoder, "--version", 1, out=tmp_path / "served")
    assert {path: path.read_bytes() for path in version.rglob("*") if path.is_file()} == before


def test_a_folder_where_a_run_was_begun(command, tmp_path):
    simclr = compiled(objectives.SimCLR)
    checkpoints = callbacks.Resume(tmp_path / "out" / "checkpoints", simclr)
    checkpoints.on_epoch_end(0)
    assert "--resume" in command("pretrain", "--dataset", "digits")
