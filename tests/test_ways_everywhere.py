"""Each way to fine-tune on each kind of sample, and on encoders of others: files, resuming, replicas, serving."""

import json

import cases
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import callbacks, encoders, export, losses, transfer

pytestmark = pytest.mark.exhaustive
each_way = pytest.mark.parametrize("way", transfer.WAYS)

N = 12
Y = np.arange(N) % 3
LOSS = "sparse_categorical_crossentropy"


def of_keras_hub():
    keras_hub = pytest.importorskip("keras_hub")
    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "max_sequence_length": 12}
    return encoders.from_keras_hub(keras_hub.models.BertBackbone(20, dropout=0.0, **sizes))


def of_keras_applications():
    pictures = keras.Input((32, 32, 3), name="image")
    network = keras.applications.MobileNetV3Small(
        alpha=0.35, include_top=False, weights=None, pooling="avg", input_tensor=pictures, include_preprocessing=False
    )
    return keras.Model(pictures, network.output, name="mobile")


def of_videos():
    """Make a convolution with a bias, which those before a batch normalization lack."""
    video = keras.Input((None, *cases.SHAPE), name="video")
    x = keras.layers.Conv3D(4, 3, (1, 2, 2), "same", activation="leaky_relu", name="conv")(video)
    return keras.Model(video, keras.layers.GlobalAveragePooling3D(name="pool")(x), name="video_net")


def pictures(n, seed):
    return np.random.default_rng(seed).random((n, 32, 32, 3), dtype="float32")


KINDS = {
    "image": (cases.plain, cases.images),
    "text": (cases.of_text, lambda n, seed: cases.sentences(n, seed)["input"]),
    "series": (cases.dilated, lambda n, seed: cases.series(n, seed)["input"]),
    "audio": (cases.of_sound, lambda n, seed: cases.recordings(n, seed)["input"]),
    "video": (of_videos, lambda n, seed: cases.videos(n, seed)["input"]),
    "keras_hub": (of_keras_hub, lambda n, seed: cases.sentences(n, seed)["input"]),
    "keras_applications": (of_keras_applications, pictures),
}


def prepared(kind, way, eagerly=True):
    make, samples = KINDS[kind]
    keras.utils.set_random_seed(0)
    encoder, x = make(), samples(N, 0)
    keras.utils.set_random_seed(1)  # of dropout in the copy
    model = transfer.prepared(encoder, x, Y, 3, way=way, learning_rate=1e-2)
    model.run_eagerly, model.jit_compile = eagerly, False
    return model, x


def trained(model, x, epochs=1):
    model.fit(x, Y, batch_size=N, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("kind", KINDS)
@each_way
def test_what_should_train_trains_and_the_file_predicts_alike(way, kind, tmp_path):
    model, x = prepared(kind, way)
    head = {id(variable) for variable in model.layers[-1].variables}
    with transfer.watch(model) as changes:
        trained(model, x)
    assert changes.moved_while_frozen == () or way not in ("linear_probe", "prototypes", "lora", "bitfit")
    inside = [w.path for w in model.trainable_variables if id(w) not in head]
    rates = {rate for layer in transfer.summary(model).layers for rate in layer.learning_rates}
    moved = {path.split("/")[-1] for path in changes.moved if "moving" not in path and "probabilities" not in path}
    if transfer.WAYS[way].trains == "head":
        assert not inside
        assert not moved
    elif way == "gradual":
        assert not moved  # in the first 20 steps
        assert min(rates) == 0
    else:
        assert moved
    if way == "lora":
        assert all("lora_" in path for path in inside)
    if way == "bitfit":
        assert moved <= {"bias", "beta"}
    if way == "layer_decay":
        assert len(rates) == 1 + len(transfer.blocks(model.layers[-2]))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(x, training=False), model(x, training=False), atol=1e-6)


@pytest.mark.parametrize("kind", ["image", "text"])
@pytest.mark.parametrize("way", [way for way in transfer.WAYS if way not in ("lora", "bitfit", "l2_sp")])
def test_a_model_from_its_file_trains_on_alike(way, kind, tmp_path):
    """Which variables of a layer train, LoRA's products and penalties are no part of a file."""
    model, x = prepared(kind, way)
    trained(model, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = True
    for a, b in zip(trained(model, x).get_weights(), trained(loaded, x).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@each_way
def test_an_interrupted_training_ends_as_one_that_was_not(way, tmp_path):
    def weights(*epochs, folder):
        for last in epochs:
            model, x = prepared("image", way)
            resume = callbacks.Resume(tmp_path / folder, model)
            batches = tf.data.Dataset.from_tensor_slices((x, Y)).batch(6)
            resume.fit(lambda step, batches=batches: batches, last, verbose=0)
        return model.get_weights()

    for a, b in zip(weights(2, folder="whole"), weights(1, 2, folder="interrupted"), strict=True):
        np.testing.assert_array_equal(a, b)


@each_way
def test_two_replicas_train_as_one_device(way, two_replicas):
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model, x = prepared("image", way, eagerly=strategy is not two_replicas)
        found.append((model.get_weights(), trained(model, x, epochs=2).get_weights()))
    for (start, one), (same, two) in zip(zip(*found[0]), zip(*found[1]), strict=True):
        np.testing.assert_allclose(start, same, atol=1e-6)
        np.testing.assert_allclose(one, two, atol=1e-4)  # Adam's steps of 0.01 divide gradients by their own size


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_served_with_products(kind, tmp_path):
    model, x = prepared(kind, "lora")
    version = export.deploy(trained(model, x), tmp_path, samples=x)
    parity = json.loads((version / "manifest.json").read_text())["parity"]
    assert set(parity) >= {"saved_model", "onnx"}


@each_way
def test_it_is_served_in_each_way(way, tmp_path):
    model, x = prepared("image", way)
    version = export.deploy(trained(model, x), tmp_path, samples=x)
    assert (version / "model.onnx").exists()


@pytest.mark.parametrize("way", [way for way in transfer.WAYS if way != "prototypes"])
def test_numbers_and_tags_are_learned_in_each_way(way):
    for kind in ("image", "text"):
        make, samples = KINDS[kind]
        encoder, x = make(), samples(N, 0)
        if kind == "image":
            y = x.mean(axis=(1, 2, 3))
            model, loss = transfer.regressor(encoder, y), losses.Scaled("mse", y.std())
        else:
            y = np.where(x > 0, x % 3, -1)
            model, loss = transfer.tagger(encoder, 3), losses.WhereKnown(LOSS)
        model.compile(transfer.WAYS[way].apply(model, x, y), loss, run_eagerly=True)
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
