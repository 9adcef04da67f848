"""Every door that takes images, labels or encoders, with each wrong thing: right, or one error with what to do."""

import functools
import pathlib
import re
import warnings
import zipfile
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_any_kind import Batches

from keras_ssl import (
    checks,
    data,
    encoders,
    evaluate,
    export,
    heads,
    networks,
    objectives,
    runs,
    specs,
    transfer,
    views,
)
from keras_ssl.errors import UserError

SHAPE = (6, 6, 1)
RNG = np.random.default_rng(0)
GOOD = RNG.random((8, *SHAPE), "float32")
LABELS = np.arange(8) % 3


def an_encoder(shape=SHAPE):
    return encoders.mlp(shape, units=(4,))


def compiled(kind=objectives.Autoencoder, encoder=None):
    objective = kind(an_encoder() if encoder is None else encoder)
    objective.compile("sgd", run_eagerly=True)
    return objective


def a_classifier(**arguments):
    model = transfer.classifier(an_encoder(), 3)
    model.compile("sgd", "sparse_categorical_crossentropy", **(arguments or {"run_eagerly": True}))
    return model


@functools.cache
def the_autoencoder():
    return compiled()


@functools.cache
def the_classifier():
    return a_classifier()


@functools.cache
def the_tuning():
    return transfer.FineTuning(an_encoder(), 3, steps=1)


def refused(action, *words):
    """Return the `do` of the error of `action`, which must have three parts and contain all `words`."""
    with pytest.raises(UserError) as caught:
        action()
    assert re.fullmatch(r"Expected .+\. Received .+\. Do: .+\.", str(caught.value), flags=re.DOTALL)
    for word in words:
        assert word in str(caught.value)
    return caught.value.do


def a_set(*x):
    return tf.data.Dataset.from_tensor_slices(x[0] if len(x) == 1 else x).batch(4)


# ---- images ----------------------------------------------------------------------------------------------------------

NAN = GOOD.copy()
NAN[2, 1, 1] = np.nan
BAD_IMAGES = {"divide by 255": GOOD * 255, "NaN or Inf in 1 of": NAN}

IMAGE_DOORS = {
    "fit on a data set": lambda x: the_autoencoder().fit(a_set(x), verbose=0),
    "fit on a data set with labels": lambda x: the_autoencoder().fit(a_set(x, LABELS), verbose=0),
    "fit on a PyDataset": lambda x: the_autoencoder().fit(Batches([{"input": x}]), verbose=0),
    "fit on a generator": lambda x: the_autoencoder().fit(iter([(x,)]), steps_per_epoch=1, verbose=0),
    "fit with a validation set": lambda x: the_autoencoder().fit(GOOD, validation_data=a_set(x), verbose=0),
    "fit with validation arrays": lambda x: the_autoencoder().fit(GOOD, validation_data=x, verbose=0),
    "evaluate on a data set": lambda x: the_autoencoder().evaluate(a_set(x), verbose=0),
    "predict": lambda x: the_autoencoder().predict(x, verbose=0),
    "predict on a data set": lambda x: the_autoencoder().predict(a_set(x), verbose=0),
    "train_on_batch": lambda x: compiled().train_on_batch(x),
    "test_on_batch": lambda x: compiled().test_on_batch({"input": x}),
    "predict_on_batch": lambda x: the_autoencoder().predict_on_batch(x),
    "embed": lambda x: evaluate.embed(an_encoder(), x),
    "collapse": lambda x: evaluate.collapse(the_autoencoder(), x),
    "preview": lambda x: views.preview(views.digits(), x),
    "check_views": lambda x: views.check_views(views.digits(), x),
    "classifier.fit": lambda x: the_classifier().fit(x, LABELS, verbose=0),
    "classifier.fit on a data set": lambda x: the_classifier().fit(a_set(x, LABELS), verbose=0),
    "classifier.fit with validation arrays": lambda x: the_classifier().fit(
        GOOD, LABELS, validation_data=(x, LABELS), verbose=0
    ),
    "fine_tune": lambda x: the_tuning().fit([], x, LABELS),
    "start_from_probe": lambda x: transfer.start_from_probe(the_classifier(), x, LABELS),
}


@pytest.mark.parametrize("door", IMAGE_DOORS)
def test_images_of_a_wrong_range_are_refused(door):
    for words, images in BAD_IMAGES.items():
        refused(partial(IMAGE_DOORS[door], images), words)


def test_a_data_set_is_refused_before_a_step_and_each_batch_comes_once():
    objective = compiled()
    seen = []
    batches = tf.data.Dataset.from_generator(
        lambda: (seen.append(k) or GOOD[k : k + 2] for k in range(0, 8, 2)),
        output_signature=tf.TensorSpec((None, *SHAPE)),
    )
    objective.fit(batches, epochs=2, verbose=0)
    assert seen == [0, 2, 4, 6] * 2
    assert int(objective.step) == 8
    refused(lambda: objective.fit(batches.map(lambda x: x * 255), verbose=0), "divide by 255")
    assert int(objective.step) == 8
    assert int(tf.data.Dataset.cardinality(checks.Watch(len).over(a_set(GOOD)))) == 2


IDENTICAL = {"view_1": GOOD, "view_2": GOOD.copy()}
VIEW_DOORS = {
    "fit": lambda simclr: simclr.fit(IDENTICAL, verbose=0),
    "fit on a data set": lambda simclr: simclr.fit(a_set(IDENTICAL), verbose=0),
    "validation set": lambda simclr: simclr.fit(
        {**IDENTICAL, "view_2": GOOD[:, ::-1]}, validation_data=a_set(IDENTICAL), verbose=0
    ),
    "evaluate": lambda simclr: simclr.evaluate(a_set(IDENTICAL), verbose=0),
    "train_on_batch": lambda simclr: simclr.train_on_batch(IDENTICAL),
}


@pytest.mark.parametrize("door", VIEW_DOORS)
def test_identical_views_are_refused(door):
    assert "data.batches(source, views=" in refused(
        lambda: VIEW_DOORS[door](compiled(objectives.SimCLR)), "'view_1' and 'view_2' that are identical"
    )


def test_identical_views_are_fine_for_an_encoder_that_draws():
    inputs = keras.Input(SHAPE, name="image")
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(inputs))
    compiled(objectives.SimCLR, keras.Model(inputs, keras.layers.Dense(4)(x))).fit(a_set(IDENTICAL), verbose=0)


# ---- what is no array ------------------------------------------------------------------------------------------------


def a_folder(folder):
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for number in range(2):
            Image.fromarray((GOOD[number, ..., 0] * 255).astype("uint8")).save(folder / name / f"{number}.png")
    return folder


def in_words(folder):
    """What is no array, with the words of the advice."""
    paths = sorted(folder.rglob("*.png"))
    directory = keras.utils.image_dataset_from_directory(
        folder, image_size=SHAPE[:2], color_mode="grayscale", verbose=False
    )
    pairs = tf.data.Dataset.from_tensor_slices((GOOD, LABELS))
    return [
        (directory, f"data.load('{folder}')"),
        (pairs, "data.from_arrays(samples, labels)"),
        (tf.data.Dataset.from_tensor_slices({"image": GOOD, "label": LABELS}), "np.stack([x['image'] for x in"),
        (paths, "data.Files(paths, decode)"),
        ([str(path) for path in paths], "data.load(folder)"),
        (folder, f"data.load('{folder}')"),
        (str(folder), f"data.load('{folder}')"),
        (tf.ragged.constant([[1, 2], [3]]), "x.to_tensor()"),
        (tf.sparse.from_dense(np.eye(3)), "tf.sparse.to_dense(x)"),
        ((image for image in GOOD), "np.stack(list(samples))"),
        ((GOOD, LABELS), "data.from_arrays(samples, labels)"),
        ([[1, 2, 3], [4]], "pad rows of ids"),
        (None, "numbers"),
        (3, "numbers"),
        (["a word", None], "numbers"),
    ]


def test_what_is_no_array_gets_advice_by_cause(tmp_path):
    folder = a_folder(tmp_path)
    for thing, words in in_words(folder):
        assert words in refused(partial(data.batches, thing, batch_size=2)), thing
        assert words in refused(partial(evaluate.embed, None, thing)), thing


def test_the_advice_can_be_followed(tmp_path):
    assert len(data.load(a_folder(tmp_path))) == 4
    pairs = tf.data.Dataset.from_tensor_slices((GOOD, LABELS))
    samples, labels = map(np.stack, zip(*pairs.as_numpy_iterator()))
    assert data.from_arrays(samples, labels).classes == 3
    samples, labels = map(np.concatenate, zip(*pairs.batch(3).as_numpy_iterator()))
    assert len(data.from_arrays(samples, labels)) == 8


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: [str(path) for path in folder.rglob("*")], "data.load(folder)"),
        (lambda folder: folder, "data.load('"),
        (lambda folder: list(GOOD), "np.stack(samples)"),
        (lambda folder: tf.ragged.constant([[1, 2], [3]]), "x.to_tensor()"),
        (lambda folder: {"input": tf.RaggedTensor.from_row_lengths(tf.zeros((5, 6, 1)), [2, 3])}, "x.to_tensor()"),
        (lambda folder: tf.data.Dataset.from_tensors(tf.ragged.constant([[1, 2], [3]])), "x.to_tensor()"),
        (lambda folder: tf.data.Dataset.from_tensor_slices(GOOD), "dataset.batch(32)"),
        (lambda folder: GOOD[..., 0], "x[..., None]"),
    ],
)
def test_what_an_objective_cannot_be_fitted_on_gets_advice_too(tmp_path, make, words):
    assert words in refused(lambda: compiled().fit(make(a_folder(tmp_path)), verbose=0))


# ---- labels ----------------------------------------------------------------------------------------------------------

BAD_LABELS = [
    (LABELS[:, None], "labels[:, 0]"),
    (LABELS[None], "labels[0]"),
    (np.array(list("abcabcab")), "np.unique(labels, return_inverse=True)"),
    (list("abcabcab"), "np.unique(labels, return_inverse=True)"),
    (LABELS.astype("float32"), "labels.astype('int64')"),
    (LABELS == 1, "labels.astype('int64')"),
    (LABELS + 0.5, "fractions"),
    (np.where(LABELS == 1, np.nan, LABELS), "losses.WhereKnown"),
    ([0, 1, None, 2, 0, 1, 2, 0], "losses.WhereKnown"),
    (LABELS + 1, "labels - 1"),
    (LABELS - 1, "losses.WhereKnown"),
    (LABELS * 10, "np.unique"),
    (np.arange(8), "there are 8"),
    (np.eye(3, dtype=int)[LABELS], "labels.argmax(-1)"),
    (np.ones((8, 3), int), "several labels of one sample"),
    (LABELS[:5], "check where both come from"),
]
TAKEN = (0, 4, 5)
"""Which of these Keras itself reads right."""


@pytest.mark.parametrize("which", range(len(BAD_LABELS)))
def test_wrong_labels_get_advice_by_cause(which):
    labels, words = BAD_LABELS[which]
    features = GOOD.reshape(8, -1)
    for door in (
        lambda: checks.check_labels(labels, 8, 3),
        lambda: data.from_arrays(GOOD, labels, classes=3),
        lambda: the_tuning().fit([], GOOD, labels),
        lambda: transfer.start_from_probe(the_classifier(), GOOD, labels),
    ):
        assert words in refused(door)
    if np.ndim(labels) != 1 or len(labels) != 8 or np.asarray(labels).dtype.kind != "i" or np.min(labels) < 0:
        refused(lambda: transfer.fit_linear(features, labels))
        refused(lambda: evaluate.fit_nearest(features, labels))
    model = the_classifier()
    before = model.get_weights()
    if which in TAKEN:
        model.fit(GOOD, np.asarray(labels), verbose=0)
        return
    refused(lambda: model.fit(GOOD, labels if np.ndim(labels) == 2 else np.asarray(labels), verbose=0))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_labels_from_1_are_not_four_classes():
    assert "labels - 1" in refused(lambda: data.from_arrays(GOOD, LABELS + 1), "labels in 1..3")
    assert data.from_arrays(GOOD, LABELS + 1, classes=4).classes == 4
    assert "samples of other classes" in refused(lambda: transfer.fine_tune(an_encoder(), GOOD, LABELS * 0, 3, steps=1))
    refused(lambda: transfer.fine_tune(an_encoder(), GOOD[:0], LABELS[:0], 3, steps=1))


def test_a_classifier_is_an_ordinary_model_whose_fit_looks(tmp_path):
    model = a_classifier(jit_compile=True)
    for labels in (LABELS + 1, np.where(LABELS == 1, np.nan, LABELS)):
        for x, y in ((GOOD, labels), (a_set(GOOD, labels), None)):
            refused(partial(model.fit, x, y, verbose=0))
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert type(model).__module__.startswith("keras.")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1), run_eagerly=True)
    model.fit(GOOD, LABELS - 1, verbose=0)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    model.fit(a_set(GOOD, np.eye(3)[LABELS]), epochs=2, verbose=0)
    path = tmp_path / "classifier.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        assert "keras_ssl" not in archive.read("config.json").decode()
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(loaded.predict(GOOD, verbose=0), model.predict(GOOD, verbose=0))
    loaded.fit(GOOD, np.eye(3)[LABELS], verbose=0)
    clone = keras.models.clone_model(model)
    assert clone.output_shape == (None, 3)


# ---- encoders --------------------------------------------------------------------------------------------------------


class Subclassed(keras.Model):
    """A network whose inputs nobody knows."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(4)

    def call(self, x):
        return self.dense(self.flatten(x))


class WithArgument(Subclassed):
    """One that its configuration cannot make anew."""

    def __init__(self, width):
        super().__init__()
        self.dense = keras.layers.Dense(width)


def built(model):
    model(GOOD)
    return model


def wrapped(model):
    """What the error about subclassed models says."""
    inputs = keras.Input(SHAPE, name="image")
    return keras.Model(inputs, model(inputs), name="wrapped")


def of(layer, shape=SHAPE):
    inputs = keras.Input(shape, name="image")
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(layer(inputs))), name="net")


def several_outputs():
    inputs = keras.Input(SHAPE, name="image")
    x = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(4)(x), keras.layers.Dense(2)(x)], name="several")


def feature_map():
    inputs = keras.Input(SHAPE, name="image")
    return keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs), name="map")


BAD_ENCODERS = {
    "subclassed": (lambda: built(Subclassed()), "encoder = keras.Model(inputs, model(inputs))"),
    "not built": (lambda: keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)]), "call yours once"),
    "of maps": (feature_map, "keras.layers.GlobalAveragePooling2D()(encoder.output)"),
    "of two outputs": (several_outputs, "keras.Model(encoder.inputs, encoder.outputs[0])"),
    "no model": (lambda: keras.layers.Dense(4), "keras_ssl.encoders"),
}


@pytest.mark.parametrize("which", BAD_ENCODERS)
def test_an_encoder_that_does_not_fit_is_one_error_at_every_door(which):
    make, words = BAD_ENCODERS[which]
    source = data.from_arrays(GOOD, LABELS)
    for door in (
        objectives.SimCLR,
        lambda encoder: transfer.classifier(encoder, 3),
        lambda encoder: transfer.fine_tune(encoder, GOOD, LABELS, 3, steps=1),
        lambda encoder: evaluate.label_efficiency(encoder, source, source, (1,), seeds=1, steps=1),
        heads.discriminator,
        heads.pair_discriminator,
    ):
        assert words in refused(partial(door, make()))
    if which in ("of maps", "of two outputs"):  # the others are embedded right, or not called at all
        for door in (evaluate.embed, evaluate.collapse):
            assert words in refused(partial(door, make(), GOOD))
        assert words in refused(lambda: evaluate.knn(make(), source, source))
    if which in ("subclassed", "not built"):
        refused(lambda: transfer.adapt_input(make(), SHAPE))
        refused(lambda: transfer.adapt_statistics(make(), GOOD))


def test_the_advice_about_encoders_can_be_followed():
    encoder = wrapped(Subclassed())
    compiled(objectives.BYOL, encoder)
    assert transfer.fine_tune(encoder, GOOD, LABELS, 3, steps=1).output_shape == (None, 3)
    several = several_outputs()
    assert transfer.classifier(keras.Model(several.inputs, several.outputs[0]), 3).output_shape == (None, 3)
    refused(lambda: objectives.BYOL(wrapped(WithArgument(4))), "get_config")


def test_an_encoder_with_two_inputs_passes_every_door_of_the_classifier():
    left, right = keras.Input(SHAPE, name="left"), keras.Input(SHAPE, name="right")
    x = keras.layers.Flatten()(keras.layers.Concatenate()([left, right]))
    encoder = keras.Model([left, right], keras.layers.Dense(4)(x), name="two")
    pair = {"left": GOOD, "right": GOOD[::-1]}
    model = transfer.fine_tune(encoder, pair, LABELS, 3, steps=1)
    for x in (pair, list(pair.values())):
        model.fit(x, LABELS, verbose=0)
    refused(lambda: model.fit({**pair, "right": GOOD * 255}, LABELS, verbose=0), "right", "divide by 255")
    assert "parts that read one image" in refused(lambda: transfer.adapt_input(encoder, SHAPE), "with 2 and 1")
    assert "Spec(" not in str(refused(lambda: objectives.Autoencoder(encoder)))


def test_a_lambda_in_memory_is_copied_and_a_file_with_one_is_not_loaded(tmp_path):
    shift = 0.5
    encoder = of(keras.layers.Lambda(lambda x: keras.ops.relu(x - shift), name="shifted"))
    nested = wrapped(encoder)
    for model in (encoder, nested):
        copy = networks.clone(model)
        copy.set_weights(model.get_weights())
        np.testing.assert_array_equal(copy(GOOD), model(GOOD))
    assert compiled(objectives.BYOL, nested).target.copies
    assert transfer.fine_tune(encoder, GOOD, LABELS, 3, steps=1).output_shape == (None, 3)
    for copied in (transfer.adapt_input(encoder, SHAPE), export.stock(nested)):
        np.testing.assert_allclose(copied(GOOD), encoder(GOOD), atol=1e-6)
    heads.discriminator(encoder)
    networks.reinitialized(encoder, 0)
    path = runs.save_model(encoder, tmp_path / "encoder.keras")
    assert "`keras.ops` in place of the Lambda layer" in refused(lambda: runs.load_model(path), "Lambda")


def test_an_encoder_that_rescales_bytes_is_warned_about_once():
    def rescaling():
        return of(keras.layers.Rescaling(1 / 127.5, -1))

    for door in (
        objectives.SimCLR,
        lambda encoder: transfer.classifier(encoder, 3),
        lambda encoder: evaluate.embed(encoder, GOOD),
    ):
        encoder = rescaling()
        with pytest.warns(specs.RescalingWarning, match="include_preprocessing=False"):
            door(encoder)
        with warnings.catch_warnings():
            warnings.simplefilter("error", specs.RescalingWarning)
            door(encoder)
    inputs = keras.Input(SHAPE, name="image")  # as the warning says
    right = keras.Model(inputs, rescaling()(keras.ops.multiply(inputs, 255.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", specs.RescalingWarning)
        h = evaluate.embed(right, GOOD)
    with pytest.warns(specs.RescalingWarning):
        model = transfer.classifier(rescaling(), 3)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    for images in (GOOD * 255, (GOOD * 255).astype("uint8")):  # which it was made for
        model.fit(images, LABELS, verbose=0)
    assert h.std() > 0.1


@pytest.mark.parametrize("kind", ["row", "series"])
def test_a_normalization_of_tables_and_series_is_no_rescaling(kind):
    values = np.random.default_rng(0).normal(50, 10, (20, 3) if kind == "row" else (20, 4, 3)).astype("float32")
    units = keras.layers.Normalization()
    units.adapt(values)
    inputs = keras.Input(values.shape[1:], name=kind)
    encoder = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(units(inputs))))
    with warnings.catch_warnings():
        warnings.simplefilter("error", specs.RescalingWarning)
        transfer.classifier(encoder, 3)
        evaluate.embed(encoder, values)


@pytest.mark.parametrize(
    "shape", [(8, 8, None), (8, 8), 8, None, (0, 8, 3), (8.0, 8, 3), (1, 8, 8, 3), (None, None, 3)]
)
def test_encoders_are_built_for_shapes_that_they_can_have(shape):
    small = {
        "mlp": lambda s: encoders.mlp(s, units=(4,)),
        "conv_net": lambda s: encoders.conv_net(s, filters=(2,)),
        "flat": lambda s: encoders.conv_net(s, filters=(2,), pooling="flatten"),
        "resnet18": lambda s: encoders.resnet18(s, width=2, stem="small"),
        "vit": lambda s: encoders.vit(s, width=4, depth=1, heads=1),
    }
    takes = {
        "conv_net": [(None, None, 3)],
        "resnet18": [(None, None, 3)],
        "mlp": [(8, 8), (1, 8, 8, 3)],  # any number of axes
    }
    for name, make in small.items():
        if shape in takes.get(name, ()):
            assert None not in make(shape).output_shape[1:]
        else:
            refused(partial(make, shape), "input_shape")
    refused(lambda: encoders.resnet18((None, None, 3)), "stem='small'")


def test_an_objective_of_images_of_any_size_takes_any():
    simclr = compiled(objectives.SimCLR, encoders.conv_net((None, None, 1), filters=(2,)))
    simclr.fit({"view_1": GOOD, "view_2": GOOD[:, ::-1]}, verbose=0)
    assert simclr.predict(GOOD[:, :4], verbose=0).shape == (8, 2)


def test_a_path_object_is_loaded_as_its_text_is(tmp_path):
    assert "data.load" in refused(lambda: checks.as_array(pathlib.Path(tmp_path)))


def test_validation_samples_leave_no_batch_of_one_in_training():
    def simclr():
        return compiled(objectives.SimCLR)

    def views(n):
        return {f"view_{k}": np.random.default_rng(k).random((n, *SHAPE), "float32") for k in (1, 2)}

    simclr().fit(views(9), batch_size=4, validation_split=0.25, verbose=0)  # 6 and 3; of 9, one would be left
    for call in (
        lambda: simclr().fit(views(12), batch_size=4, validation_split=0.25, validation_batch_size=2, verbose=0),
        lambda: simclr().fit(views(8), batch_size=4, validation_data=views(5), verbose=0),
        lambda: simclr().evaluate(views(5), batch_size=4, verbose=0),
    ):
        refused(call, "at least 2 samples in each batch", "a batch of 1")


def test_a_misspelled_optional_key_is_refused_and_others_are_not_used():
    objective = compiled(objectives.DenoisingAutoencoder)
    key = objective.optional_keys[0]
    refused(lambda: objective.train_on_batch({"input": GOOD, key[:-1]: GOOD}), f"'{key}'", f"write '{key}'")
    objective.train_on_batch({"input": GOOD, "label": LABELS})
