"""Online probes: the figures of `evaluate` in the logs, and a training that does not notice them."""

import random

import keras
import numpy as np
import pytest
from cases import SHAPE, convolutional

from keras_ssl import data, encoders, evaluate, objectives
from keras_ssl.callbacks import KNNProbe, LinearProbe
from keras_ssl.errors import UserError

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's")


def a_source(n, seed=0, classes=3):
    """Noise in which the class shows as a row that is a little brighter; sorted by class."""
    rng = np.random.default_rng(seed)
    labels = np.sort(np.arange(n) % classes)
    images = 0.8 * rng.random((n, *SHAPE), "float32")
    images[np.arange(n), labels] += 0.15
    return data.from_arrays(images, labels, classes)


TRAIN, TEST = a_source(60, seed=1), a_source(45, seed=2)


def with_dropout():
    """An encoder with batch statistics and seeds, so with all that a probe could disturb, that compiles fast."""
    encoder = encoders.conv_net(SHAPE, filters=(4,))
    return keras.Model(encoder.input, keras.layers.Dropout(0.2)(encoder.output))


def fitted(*callbacks, epochs=3):
    """Train on what `data.batches` shuffles, with a probe's every chance to change something."""
    keras.utils.set_random_seed(1)
    autoencoder = objectives.Autoencoder(with_dropout())
    autoencoder.compile(keras.optimizers.Adam(0.05))
    batches = data.batches(a_source(64), batch_size=32)
    autoencoder.fit(batches, epochs=epochs, callbacks=list(callbacks), verbose=0)
    return autoencoder


def test_every_epoch_has_the_figure_of_evaluate():
    found = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(
            (logs["knn_accuracy"], evaluate.knn(look.model, TRAIN, TEST)["accuracy"])
        )
    )
    knn, linear = KNNProbe(TRAIN, TEST), LinearProbe(TRAIN, TEST)
    model = fitted(knn, linear, look, epochs=4)
    history = model.history.history
    assert [seen for seen, _ in found] == [expected for _, expected in found] == history["knn_accuracy"]
    assert len(set(history["knn_accuracy"])) > 1  # each epoch's weights are looked at
    assert history["knn_accuracy"][-1] == evaluate.knn(model, TRAIN, TEST)["accuracy"]
    assert history["linear_accuracy"][-1] == evaluate.linear_probe(model, TRAIN, TEST)["accuracy"]
    assert len(history["linear_accuracy"]) == len(history["loss"]) == 4
    keras.utils.set_random_seed(1)
    untrained = objectives.Autoencoder(with_dropout())
    assert knn.before == evaluate.knn(untrained, TRAIN, TEST)["accuracy"]
    assert linear.before == evaluate.linear_probe(untrained, TRAIN, TEST)["accuracy"]


def test_nothing_in_the_training_is_changed():
    def result(*callbacks):
        model = fitted(*callbacks)
        state = [np.array(variable) for variable in [*model.variables, *model.optimizer.variables]]
        draws = [float(keras.random.uniform(())), np.random.rand(), random.random()]
        return state, draws, model.history.history["loss"]

    plain = result()
    probed = result(KNNProbe(TRAIN, TEST, limit=30), LinearProbe(TRAIN, TEST, labels_per_class=2))
    for one, other in zip(plain[0], probed[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain[1:] == probed[1:]


def test_any_number_of_sets_each_at_its_own_epochs():
    other = a_source(30, seed=3, classes=2), a_source(30, seed=4, classes=2)
    probes = [
        KNNProbe(TRAIN, TEST, name="rows"),
        KNNProbe(*other, name="other", every=2),
        LinearProbe(*other, name="other"),
    ]
    model = fitted(*probes, epochs=4)
    history = model.history.history
    lengths = {name: len(history[name]) for name in history if "accuracy" in name}
    assert lengths == {"rows_knn_accuracy": 4, "other_knn_accuracy": 2, "other_linear_accuracy": 4}
    assert history["rows_knn_accuracy"][-1] == evaluate.knn(model, TRAIN, TEST)["accuracy"]
    assert history["other_knn_accuracy"][-1] == evaluate.knn(model, *other)["accuracy"]
    with pytest.raises(UserError, match=r"a name of its own.*two of knn_accuracy.*name="):
        fitted(KNNProbe(TRAIN, TEST), KNNProbe(*other))


def test_few_labels_are_those_of_few():
    probe = LinearProbe(TRAIN, TEST, labels_per_class=4)
    probe.set_model(objectives.Autoencoder(convolutional()))
    few = data.from_arrays(*data.few(TRAIN, 4))
    assert probe.measure() == evaluate.linear_probe(probe.model, few, TEST)
    assert probe.measure() != evaluate.linear_probe(probe.model, TRAIN, TEST)


@pytest.mark.parametrize("kind", [KNNProbe, LinearProbe])
def test_a_limit_keeps_all_classes_of_a_sorted_set(kind):
    probe = kind(TRAIN, TEST, limit=30)
    np.testing.assert_array_equal(np.bincount(probe.train.labels), [10, 10, 10])
    np.testing.assert_array_equal(np.bincount(probe.test.labels), [10, 10, 10])
    np.testing.assert_array_equal(probe.train.stored, kind(TRAIN, TEST, limit=30).train.stored)
    for large in (kind(TRAIN, TEST), kind(TRAIN, TEST, limit=60), kind(TRAIN, TEST, limit=None)):
        assert large.train is TRAIN


def test_it_is_the_embedder_that_is_looked_at():
    dino = objectives.DINO(convolutional())
    probe = KNNProbe(TRAIN, TEST)
    probe.set_model(dino)
    before = probe.measure()
    for weight in dino.encoder.trainable_weights:
        weight.assign(keras.ops.zeros_like(weight))
    assert probe.measure() == before != evaluate.knn(dino.encoder, TRAIN, TEST)


@on_tensorflow
def test_on_two_replicas_the_figure_is_that_of_their_common_weights(two_replicas):
    with two_replicas.scope():
        autoencoder = objectives.Autoencoder(convolutional())
        autoencoder.compile(keras.optimizers.SGD(0.05))
    batches = data.batches(a_source(64), batch_size=32)
    history = autoencoder.fit(batches, epochs=2, verbose=0, callbacks=[KNNProbe(TRAIN, TEST)]).history
    alone = convolutional()
    alone.set_weights(autoencoder.encoder.get_weights())
    assert len(history["knn_accuracy"]) == 2
    assert history["knn_accuracy"][-1] == evaluate.knn(alone, TRAIN, TEST)["accuracy"]


@pytest.mark.parametrize("kind", [KNNProbe, LinearProbe])
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (data.from_arrays(TRAIN.stored), TEST, "a labeled source"),
        (TRAIN, data.from_arrays(TEST.stored), "a labeled source"),
        ((TRAIN.stored, TRAIN.labels), TEST, r"a Source\. Received tuple\. Do: make one with `data.from_arrays"),
        (TRAIN, data.from_arrays(TEST.stored[:, :5], TEST.labels), r"shape \(None, 8, 8, 1\).*\(45, 5, 8, 1\)"),
        (data.from_arrays(TRAIN.stored * 2, TRAIN.labels), TEST, r"in 0\.\.1"),
    ],
)
def test_sets_that_do_not_fit_are_an_error_before_training(kind, train, test, message):
    autoencoder = objectives.Autoencoder(convolutional())
    autoencoder.compile("sgd", run_eagerly=True)
    with pytest.raises(UserError, match=message):
        autoencoder.fit(TRAIN.stored, verbose=0, callbacks=[kind(train, test)])
    assert int(autoencoder.step) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: KNNProbe(TRAIN, TEST, every=0), "every as a whole number at least 1"),
        (lambda: KNNProbe(TRAIN, TEST, limit=0), "limit as a whole number at least 1"),
        (lambda: LinearProbe(TRAIN[:5], TEST), "labels of at least 2 classes"),
        (lambda: LinearProbe(TRAIN, TEST, labels_per_class=21), "at least 21 samples of each class"),
    ],
)
def test_arguments_that_do_not_fit_are_an_error_at_once(wrong, message):
    with pytest.raises(UserError, match=message):
        wrong()
