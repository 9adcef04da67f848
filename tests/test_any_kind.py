"""Ids, series, rows and a dict of inputs go the whole way: embed, few labels, fine-tune, and the command line."""

import json

import cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from typer.testing import CliRunner

from keras_ssl import callbacks, cli, data, encoders, evaluate, objectives, runs, specs, transfer, views
from keras_ssl.errors import UserError

LABELS = np.arange(24) % 2


def of_ids():
    return encoders.transformer(20, width=8, depth=1, heads=2)


def ids(n, seed):
    return cases.pairs_of_texts(n, seed)["view_1"]["token_ids"]


KINDS = {
    "ids": (of_ids, ids),
    "series": (cases.of_series, lambda n, seed: cases.series(n, seed)["input"]),
    "row": (cases.of_rows, lambda n, seed: cases.rows(n, seed).astype("float32")),
    "ids, mask": (cases.of_ids_and_mask, lambda n, seed: cases.pairs_of_texts(n, seed)["view_1"]),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def source_of(kind, seed=0):
    _, make = KINDS[kind]
    kinds = None if "," in kind else kind
    return data.from_arrays(make(24, seed), LABELS, kind=kinds)


@every_kind
def test_a_source_knows_its_kind_and_gives_batches_of_it(kind):
    source = source_of(kind)
    assert source.kind == kind or set(source.kind.split(", ")) == {"ids", "mask"}
    batch = next(iter(data.batches(source, batch_size=8, shuffle=False)))["input"]
    specs.check(source.specs, batch, "the batch")
    expected = source[:8].inputs()
    keras.tree.map_structure(np.testing.assert_array_equal, batch, expected)
    assert len(source[source.labels == 1]) == 12
    first, rest = source.split(0.5)
    assert len(first) == len(rest) == 12


@every_kind
def test_it_is_embedded_measured_with_few_labels_and_fine_tuned(kind):
    make, _ = KINDS[kind]
    encoder, train, test = make(), source_of(kind), source_of(kind, seed=1)
    h = evaluate.embed(encoder, train)
    assert h.shape == (24, 8)
    np.testing.assert_allclose(h, encoder.predict(train.inputs(), verbose=0), atol=1e-6)
    assert 0 <= evaluate.knn(encoder, train, test)["accuracy"] <= 1
    few = evaluate.label_efficiency(encoder, train, test, labels_per_class=(2,), seeds=1, steps=2)
    first = "tf_idf" if "ids" in kind else "raw_inputs"
    assert list(few.values) == [first, "untrained", "from_scratch", "encoder", "encoder_finetuned"]
    classifier = transfer.classifier(encoder, classes=2)
    assert specs.specs_of(classifier) == specs.specs_of(encoder)
    assert transfer.freeze(classifier, encoder.name).trainable == ("probabilities",)


def test_raw_ids_are_bags_of_words():
    found = evaluate.embed(None, np.array([[1, 1, 3, 0], [2, 0, 0, 0]]), like=of_ids())
    assert found.shape == (2, 20)
    np.testing.assert_allclose(found[0, [0, 1, 2, 3]], np.sqrt([0, 2 / 3, 0, 1 / 3]), atol=1e-6)
    np.testing.assert_allclose(np.square(found).sum(axis=1), 1, atol=1e-6)


def test_simclr_trains_on_views_of_series_under_the_doctor():
    def scaled(x, seed):
        (factor,) = views.draws.draw(seed, x, (0.5, 1.5))
        return x * factor

    policy = views.Policy([scaled], kind="series")
    batches = data.batches(source_of("series"), views=policy, batch_size=12)
    simclr = objectives.SimCLR(cases.of_series())
    simclr.compile("sgd", run_eagerly=True)
    watching = callbacks.Guard(source_of("series").inputs())
    assert np.isfinite(simclr.fit(batches, verbose=0, callbacks=[watching]).history["loss"]).all()


@every_kind
def test_the_command_line_takes_it_from_files(kind, tmp_path):
    make, sample = KINDS[kind]
    path = runs.save_model(make(), tmp_path / "encoder.keras")
    folder = tmp_path / "sets"
    folder.mkdir()
    for seed, split in enumerate(("train", "test")):
        arrays = sample(24, seed)
        arrays = arrays if isinstance(arrays, dict) else {kind: arrays}
        np.savez(folder / f"{split}.npz", labels=LABELS, **arrays)

    def invoke(*words):
        result = CliRunner().invoke(cli.app, [*map(str, words)])
        assert result.exit_code == 0, result.output
        return result.output

    with_data = ("--encoder", path, "--dataset", folder)
    assert "(24, 8)" in invoke("embed", *with_data, "--out", tmp_path / "h.npz")
    shown = invoke("evaluate", *with_data, "--labels-per-class", 2, "--seeds", 1, "--steps", 1, "--out", tmp_path)
    assert ("TF-IDF" if "ids" in kind else "raw inputs") in shown
    invoke("finetune", *with_data, "--labels-per-class", 2, "--steps", 1, "--out", tmp_path)
    assert "Model: " in invoke("export", tmp_path / "classifier.keras", "--out", tmp_path / "served")
    facts = json.loads((tmp_path / "classifier.json").read_text())
    manifest = json.loads((tmp_path / "served" / "1" / "manifest.json").read_text())
    assert "preparation" not in facts, "only images have one"
    assert manifest["preparation"] is None
    assert set(manifest["signature"]["outputs"]) == {"probabilities", "embedding"}
    assert len(manifest["signature"]["inputs"]) == (2 if "," in kind else 1)


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_what_a_model_does_not_take_is_a_clear_error():
    text, pair = of_ids(), cases.of_ids_and_mask()
    good = ids(4, 0)
    for model, samples, message in [
        (text, {"ids": good}, "one tensor"),
        (pair, good, "a dict of token_ids, padding_mask"),
        (pair, {"token_ids": good}, "a dict of token_ids, padding_mask.*token_ids"),
        (pair, {"token_ids": good, "padding_mask": good, "foreign": good}, "foreign"),
        (text, good.astype("float32"), "integers in 0..19.*float32"),
        (text, good + 15, r"integers in 0\.\.19.*2\d at index 0"),
        (cases.of_series(), cases.series(4, 0)["input"] * np.nan, "finite"),
        (cases.of_series(), cases.series(4, 0)["input"][:, :7], r"shape \(None, 12, 2\)"),
        (cases.of_series(), data.from_arrays(good), r"series|shape"),
    ]:
        with pytest.raises(UserError, match=message):
            evaluate.embed(model, samples)


class Batches(keras.utils.PyDataset):
    """Batches of a list, as on backends other than TensorFlow; `test_doors.py` has them, too."""

    def __init__(self, made):
        super().__init__()
        self.made = made

    def __len__(self):
        return len(self.made)

    def __getitem__(self, index):
        return self.made[index]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_ids_outside_the_vocabulary_are_an_error_in_data_sets(jit_compile):
    batch = cases.pairs_of_texts(8, 0)
    batch["view_2"]["token_ids"][3, 0] = 20
    simclr = objectives.SimCLR(cases.of_ids_and_mask())
    simclr.compile("sgd", jit_compile=jit_compile)
    before = simclr.encoder.get_weights()
    with pytest.raises(UserError, match=r"view_2.*0\.\.19.*20 at index 3"):
        simclr.fit(batch, verbose=0)
    for x in (tf.data.Dataset.from_tensors(batch), tf.data.Dataset.from_tensors((batch, np.zeros(8)))):
        with pytest.raises(UserError, match=r"view_2.*0\.\.19.*20 at index 3"):
            simclr.fit(x, verbose=0)
    good = cases.pairs_of_texts(8, 0)
    for call in (
        lambda: simclr.evaluate(batch, verbose=0),
        lambda: simclr.fit(good, validation_data=(batch,), verbose=0),
        lambda: simclr.fit(Batches([batch]), verbose=0),
        lambda: simclr.evaluate(Batches([batch]), verbose=0),
        lambda: simclr.fit(iter([batch]), steps_per_epoch=1, verbose=0),
    ):
        with pytest.raises(UserError, match=r"view_2.*0\.\.19.*20 at index 3"):
            call()
    with pytest.raises(UserError, match=r"view_2.*0\.\.19.*20 at index 3"):
        simclr.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0)
    for weight, value in zip(simclr.encoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_arrays_that_fit_no_kind_are_clear_errors():
    for make, message in [
        (lambda: data.from_arrays(np.zeros((4, 8, 8))), "kind="),
        (lambda: data.from_arrays(np.zeros((4, 8)), kind="text"), "a kind among"),
        (lambda: data.from_arrays({"ids": np.zeros((4, 8), int), "mask": np.ones((3, 8), int)}), "as many"),
        (lambda: data.from_arrays(np.zeros((4, 8), "float32"), kind="ids"), "integers"),
        (lambda: data.Windows(np.zeros((4, 2)), length=5), "at least 5 steps"),
    ]:
        with pytest.raises(UserError, match=message):
            make()


def test_a_set_of_unknown_rank_is_told_how_to_say_it():
    autoencoder = objectives.Autoencoder(cases.of_rows())
    autoencoder.compile("sgd")
    unknown = tf.data.Dataset.from_generator(lambda: iter([np.zeros((2, 6), "float32")]), output_types="float32")
    with pytest.raises(UserError, match=r"unknown rank.*ensure_shape.*output_signature"):
        autoencoder.fit(unknown, verbose=0)


# ---- samples that are not in memory ----------------------------------------------------------------------------------


def test_windows_overlap_without_copies():
    stream = np.arange(20, dtype="float32").reshape(10, 2)
    source = data.Source(data.Windows(stream, length=4, stride=3), kinds="series")
    assert len(source) == 3
    np.testing.assert_array_equal(source.inputs()[1], stream[3:7])
    np.testing.assert_array_equal(source[1:].inputs()[0], stream[3:7])
    batch = next(iter(data.batches(source, batch_size=2, shuffle=False)))["input"]
    np.testing.assert_array_equal(batch, source.inputs()[:2])


def test_files_are_decoded_when_needed_and_broken_ones_named(tmp_path):
    for k in range(5):
        np.save(tmp_path / f"{k}.npy", np.full((6, 6, 1), 50 * k, "uint8"))
    files = data.Files(sorted(tmp_path.glob("*.npy")), np.load)
    source = data.Source(files, np.arange(5) % 2, 2)
    assert source.shape == (6, 6, 1)
    np.testing.assert_allclose(source.inputs([3])[0, 0, 0], 150 / 255)
    batch = next(iter(data.batches(source, batch_size=5, shuffle=False)))["input"]
    np.testing.assert_allclose(batch, source.inputs(), rtol=1e-6)
    files.check()
    (tmp_path / "2.npy").write_bytes(b"broken")
    np.save(tmp_path / "4.npy", np.zeros((6, 5, 1), "uint8"))
    with pytest.raises(UserError, match=r"2 of 5 that cannot, the first .*2\.npy"):
        files.check()


def test_a_folder_is_read_as_training_needs_it(tmp_path):
    for k in range(6):
        name = tmp_path / ("even" if k % 2 == 0 else "odd") / f"{k}.jpg"
        name.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (8, 8), "uint8")).save(name)
    kept, read = (data.load(tmp_path, in_memory=in_memory) for in_memory in (True, False))
    assert isinstance(read.samples, data.Files)
    assert read.class_names == kept.class_names == ("even", "odd")
    np.testing.assert_array_equal(read.labels, kept.labels)
    np.testing.assert_array_equal(read.stored, kept.stored)
    h = evaluate.embed(encoders.mlp((8, 8, 1), (4,)), read)
    assert h.shape == (6, 4)
    name.write_bytes(name.read_bytes()[:-30])  # its header is whole
    with pytest.raises(UserError, match=rf"1 of 6 that cannot.*{name}"):
        data.load(tmp_path, in_memory=False)
    trusted = data.load(tmp_path, in_memory=False, trust=True)
    trusted.inputs([0])
    with pytest.raises(UserError, match=f"can be decoded.*{name}"):
        trusted.inputs()
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"can be decoded.*{name}"):
        list(data.batches(trusted, batch_size=6))


def test_a_folder_that_does_not_fit_into_memory_is_read_as_training_needs_it(tmp_path, monkeypatch):
    for k in range(2):
        Image.fromarray(np.full((8, 8), 40 * k, "uint8")).save(tmp_path / f"{k}.png")
    assert isinstance(data.load(tmp_path).samples, data.Arrays)
    monkeypatch.setattr("keras_ssl.data.readers.pixels._half_of_memory", lambda: 2 * 64 - 1)
    assert isinstance(data.load(tmp_path).samples, data.Files)
    with pytest.raises(UserError, match=r"half of the memory.*in_memory=False"):
        data.load(tmp_path, in_memory=True)


def test_records_are_read_by_index(tmp_path):
    pytest.importorskip("array_record.python", reason="TensorFlow Datasets brings it on Linux only")
    from array_record.python import array_record_data_source, array_record_module

    paths = [str(tmp_path / f"{shard}.array_record") for shard in range(2)]
    for shard, path in enumerate(paths):
        writer = array_record_module.ArrayRecordWriter(path, "group_size:1")
        for k in range(3):
            writer.write(np.full(3, 3 * shard + k, "float32").tobytes())
        writer.close()
    records = array_record_data_source.ArrayRecordDataSource(paths)
    source = data.Source(data.Shards(records, lambda record: np.frombuffer(record, "float32")), kinds="row")
    assert len(source) == 6
    np.testing.assert_array_equal(source[np.array([4, 1])].inputs()[:, 0], [4, 1])
    found = [batch["input"][:, 0] for batch in data.batches(source, batch_size=3, seed=1)]
    assert sorted(np.concatenate(found).tolist()) == list(range(6))
    with pytest.raises(UserError, match="__getitems__"):
        data.Shards(7)
