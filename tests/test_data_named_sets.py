"""Sets of TensorFlow Datasets: prepared ones load, all else is said at once."""

import socket
import time

import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data.readers import named_sets
from keras_ssl.errors import UserError


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and an empty folder of prepared sets."""
    monkeypatch.setattr(named_sets, "network_answers", lambda: False)
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))


def prepared(name):
    tfds = pytest.importorskip("tensorflow_datasets")
    if not tfds.builder(name).is_prepared():
        pytest.skip(f"{name} is not prepared; get it by `tfds build {name}`")


@pytest.mark.realdata
def test_mnist_loads_as_it_is_stored():
    prepared("mnist")
    test = data.load("mnist", split="test")
    assert test.stored.shape == (10_000, 28, 28, 1)
    assert test.stored.dtype == np.uint8
    assert test.classes == 10
    assert test.class_names == tuple("0123456789")
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    part = data.load("mnist", split="test[:20%]", size=20)
    assert part.stored.shape == (2_000, 20, 20, 1)
    np.testing.assert_array_equal(part.labels, test.labels[:2_000])
    with pytest.raises(UserError, match=r"split of mnist \(train, test\).*'validation'"):
        data.load("mnist", split="validation")


def test_a_set_that_is_not_prepared_is_refused_within_five_seconds(offline, tmp_path):
    start = time.monotonic()
    with pytest.raises(UserError, match=r"svhn_cropped prepared in .*tfds build svhn_cropped") as caught:
        data.load("svhn_cropped")
    assert time.monotonic() - start < 5
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("delay", [0, 60])
def test_the_network_is_tried_for_a_moment_only(monkeypatch, delay):
    def connect(address, timeout):
        if delay:
            time.sleep(delay)  # a name server that does not answer
        raise OSError

    monkeypatch.setattr(socket, "create_connection", connect)
    start = time.monotonic()
    assert not named_sets.network_answers(timeout=0.2)
    assert time.monotonic() - start < 1


def test_the_network_is_seen_where_there_is_one(monkeypatch):
    server = socket.create_server(("localhost", 0))
    monkeypatch.setenv("https_proxy", f"http://localhost:{server.getsockname()[1]}")
    assert named_sets.network_answers()
    server.close()


def test_a_download_that_fails_is_told(offline, monkeypatch):
    def fail(builder):
        raise RuntimeError("404")

    monkeypatch.setattr(named_sets, "network_answers", lambda: True)
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(UserError, match="RuntimeError: 404"):
        data.load("svhn_cropped")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("digit", "did you mean 'digits'"),
        ("fotos/", r"there is no folder .*/fotos"),
        ("no such set", "digits"),
        ("huggingface:mnist", "list_builders"),
        ("mnist/nothing", "BuilderConfig nothing not found"),
        ("imdb_reviews", "'image'.*imdb_reviews with label, text"),
        ("caltech101", "size=64"),
    ],
)
def test_names_that_cannot_be_loaded_say_why(offline, name, message):
    with pytest.raises(UserError, match=message):
        data.load(name)


def test_images_of_several_sizes_are_brought_to_one(monkeypatch):
    """A set of three images of different sizes, made by TFDS itself from random values."""
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(named_sets, "_prepare", lambda builder, name: None)
    rows = [np.full((5, 9, 3), 10, "uint8"), np.full((8, 8, 3), 20, "uint8"), np.full((9, 5, 3), 30, "uint8")]

    class Varying:
        info = type("Info", (), {})()
        data_path = "nowhere"

        def is_prepared(self):
            return True

        def as_dataset(self, split, shuffle_files, decoders):
            import tensorflow as tf

            del split, shuffle_files, decoders
            signature = {"image": tf.TensorSpec((None, None, 3), tf.uint8), "label": tf.TensorSpec((), tf.int64)}
            samples = ({"image": row, "label": number} for number, row in enumerate(rows))
            return tf.data.Dataset.from_generator(lambda: samples, output_signature=signature)

    Varying.info.features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(None, None, 3)), "label": tfds.features.ClassLabel(num_classes=3)}
    )
    Varying.info.splits = {"train": type("Split", (), {"num_examples": 3})}
    monkeypatch.setattr(tfds, "builder", lambda name: Varying())
    loaded = data.load("varying", size=(4, 6))
    assert loaded.stored.shape == (3, 4, 6, 3)
    assert loaded.stored[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert loaded.labels.tolist() == [0, 1, 2]


@pytest.fixture
def shapes(monkeypatch):
    """A prepared set of three images with numbers, a word and a vector of each."""
    tfds = pytest.importorskip("tensorflow_datasets")
    samples = {
        "image": np.zeros((3, 4, 4, 1), "uint8"),
        "label_shape": np.array([2, 0, 1]),
        "size": np.array([0.5, 0.25, 1.0], "float32"),
    }

    class Shapes:
        info = type("Info", (), {})()
        data_path = "nowhere"

        def is_prepared(self):
            return True

        def as_dataset(self, split, shuffle_files, decoders):
            import tensorflow as tf

            del split, shuffle_files
            return tf.data.Dataset.from_tensor_slices(
                {key: samples[key] for key in decoders.extract_features(self.info.features)}
            )

    Shapes.info.features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(4, 4, 1)),
            "label_shape": tfds.features.ClassLabel(num_classes=3),
            "size": tfds.features.Scalar(np.float32),
            "place": tfds.features.Tensor(shape=(2,), dtype=np.float32),
            "word": tfds.features.Text(),
        }
    )
    Shapes.info.splits = {"train": type("Split", (), {"num_examples": 3})}
    monkeypatch.setattr(tfds, "builder", lambda name: Shapes())


def test_features_of_one_number_become_columns(shapes):
    loaded = data.load("shapes", columns=("size", "label_shape"))
    assert list(loaded.columns) == ["size", "label_shape"]
    assert loaded.columns["label_shape"].tolist() == [2, 0, 1]
    assert loaded.columns["size"].tolist() == [0.5, 0.25, 1.0]
    assert loaded.columns["size"].dtype == np.float32
    assert loaded.labels is None
    assert data.load("shapes").columns is None
    assert data.load("shapes", columns="size").columns["size"].tolist() == [0.5, 0.25, 1.0]


@pytest.mark.parametrize("column", ["place", "word", "image", "color"])
def test_other_features_are_refused_with_those_that_can_be_columns(shapes, column):
    with pytest.raises(UserError, match=f"one number of for each sample: label_shape, size. Received {column}"):
        data.load("shapes", columns=("size", column))


def test_texts_of_a_prepared_set_load_with_their_labels(monkeypatch, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    rows = [{"text": "good", "label": "pos"}, {"text": "schön", "label": "neg"}]
    features = tfds.features.FeaturesDict(
        {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["neg", "pos"])}
    )

    class Films(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        _info = lambda self: tfds.core.DatasetInfo(builder=self, features=features)  # noqa: E731
        _split_generators = lambda self, manager: {"train": enumerate(rows)}  # noqa: E731
        _generate_examples = None

    builder = Films(data_dir=tmp_path)
    builder.download_and_prepare()
    monkeypatch.setattr(named_sets, "_find", lambda tfds, name: builder)
    found = data.texts("films")
    assert sorted(zip(found.texts, found.labels)) == [("good", 1), ("schön", 0)]
    assert (found.class_names, found.name) == (("neg", "pos"), "films/train")
    with pytest.raises(UserError, match=r"feature 'review'.*films with label, text"):
        data.texts("films", text="review")
    with pytest.raises(UserError, match=r"classes in 'text'"):
        data.texts("films", label="text")
    with pytest.raises(UserError, match=r"split of films \(train\)"):
        data.texts("films", "test")
