"""Tests for JAX alone, where TensorFlow cannot be imported. `jax_process.py` runs them."""

import jax
import keras
import numpy as np
import pytest
from cases import convolutional, of_ids_and_mask, pairs, pairs_of_texts
from test_data_batches import Idle, epoch, noisy, numbered, same

from keras_ssl import data, encoders, objectives, transfer, views
from keras_ssl.errors import UserError


def test_a_policy_is_compiled():
    images = np.tile(np.random.default_rng(0).random((1, 16, 16, 3), dtype="float32"), (8, 1, 1, 1))
    policy = views.Policy(views.natural_images(16).operations + views.digits().operations)
    jitted = jax.jit(policy)
    one, again, other = (np.asarray(jitted(images, jax.numpy.array(seed))) for seed in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)
    assert one.min() >= 0
    assert one.max() <= 1
    assert len({image.tobytes() for image in one}) == 8


def test_views_of_series_are_compiled():
    series = np.random.default_rng(0).normal(100, 1, (4, 12, 2)).astype("float32")
    series[1:, 9:] = np.nan  # padding, which windows cut
    policy = views.Policy([*views.time_series().operations, views.mix_frequencies()], kind="series")
    jitted = jax.jit(policy)
    one, again, other = (np.asarray(jitted(series, jax.numpy.array(seed))) for seed in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)
    assert np.abs(one - 100).max() < 10


def test_views_of_sound_are_compiled():
    sounds = np.random.default_rng(0).normal(0, 0.2, (8, 96)).astype("float32")
    sounds[:, 80:] = 0
    jitted = jax.jit(views.recordings(8000))
    one, again, other = (np.asarray(jitted(sounds, jax.numpy.array(seed))) for seed in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)
    assert np.abs(one).max() <= 1
    assert one.std(axis=1).min() > 0
    assert len({sound.tobytes() for sound in one}) == 8


def test_turning_by_a_right_angle_is_exact():
    images = np.tile(np.random.default_rng(0).random((1, 16, 16, 3), dtype="float32"), (8, 1, 1, 1))
    still = views.Policy([views.random_resized_crop(16, (1, 1), (1, 1)), views.affine(rotate=(90, 90))])
    turned = jax.jit(still)(images, jax.numpy.array([1, 2]))
    np.testing.assert_allclose(turned, np.rot90(images, axes=(1, 2)), atol=1e-4)


@pytest.mark.parametrize(("policy", "steps"), [(None, 3), (noisy, 2)], ids=["images", "views"])
def test_epochs_differ_and_a_resumed_run_goes_on_with_the_same_batches(policy, steps):
    dataset = data.batches(numbered(), views=policy, batch_size=4, seed=3)
    assert len(dataset) == steps
    epochs = [epoch(dataset) for _ in range(3)]
    assert [len(batches) for batches in epochs] == [steps] * 3
    assert not same(epochs[0], epochs[1])
    assert not same(epochs[1], epochs[2])
    resumed = data.batches(numbered(), views=policy, batch_size=4, seed=3, first_epoch=2)
    assert same(epoch(resumed), epochs[2])
    resumed = data.batches(numbered(), views=policy, batch_size=4, seed=3, first_step=steps + 1)
    assert len(resumed) == steps
    assert same(epoch(resumed), epochs[1][1:])
    assert same(epoch(resumed), epochs[2])
    first = epochs[0][0]
    assert all(value.dtype == np.float32 for value in first.values())
    if policy is not None:
        assert first["view_1"].shape == (4, 2, 3, 1)
        assert not np.array_equal(first["view_1"], first["view_2"])


class Recorder(Idle):
    """Tells the mean of what `fit` feeds it."""

    def train_step(self, state, batch):
        return {"mean": batch["input"][0].mean() * 255}, state

    test_step = train_step


class Means(keras.callbacks.Callback):
    """Keeps what `Recorder` tells."""

    def __init__(self):
        super().__init__()
        self.means = []

    def on_train_batch_end(self, batch, logs):
        self.means.append(round(float(logs["mean"])))


def test_fit_gets_the_batches_of_one_epoch_after_the_other():
    model, means = Recorder(), Means()
    model.compile("sgd")
    model.fit(data.batches(numbered(), batch_size=4, seed=3), epochs=3, verbose=0, callbacks=[means])
    dataset = data.batches(numbered(), batch_size=4, seed=3)
    assert means.means == [round(float(batch["input"][0].mean() * 255)) for _ in range(3) for batch in dataset]
    model, rest = Recorder(), Means()
    model.compile("sgd")
    later = data.batches(numbered(), batch_size=4, seed=3, first_step=1)
    model.fit(later, epochs=3, verbose=0, callbacks=[rest])
    assert rest.means == means.means[1:]


def test_penalties_on_activity_count():
    penalty = keras.layers.ActivityRegularization(l2=1000.0)
    inputs = keras.Input((8, 8, 1), name="image")
    encoder = keras.Model(inputs, penalty(keras.layers.Dense(4)(keras.layers.Flatten()(inputs))))
    x = np.random.default_rng(0).random((4, 8, 8, 1), "float32")
    autoencoder = objectives.Autoencoder(encoder)
    autoencoder.compile(keras.optimizers.SGD(0.0))
    expected = 1000 * np.square(np.asarray(encoder(x))).sum() / len(x)
    for logs in (autoencoder.evaluate(x, return_dict=True, verbose=0), autoencoder.fit(x, verbose=0).history):
        assert np.ravel(logs["loss"])[0] == pytest.approx(expected, rel=0.01)


def test_ids_outside_the_vocabulary_are_an_error_before_a_step():
    simclr = objectives.SimCLR(of_ids_and_mask())
    simclr.compile("sgd")
    batch = pairs_of_texts(8, 0)
    batch["view_1"]["token_ids"][3, 0] = 20
    ids, mask = batch["view_1"].values()
    source = data.from_arrays({"token_ids": ids, "padding_mask": mask})

    def rolled(x, seed):
        return {**x, "token_ids": np.roll(x["token_ids"], int(seed[0]) % 10, axis=1)}

    for call in (
        lambda: simclr.fit(data.batches(source, rolled, batch_size=8, shuffle=False), verbose=0),
        lambda: simclr.evaluate(iter([batch]), verbose=0),
    ):
        with pytest.raises(UserError, match=r"view_1.*0\.\.19.*20 at index 3"):
            call()
    assert int(simclr.step) == 0


def test_the_embedded_digits_load_and_others_say_what_they_need():
    assert data.load("digits").shape == (8, 8, 1)
    with pytest.raises(ValueError, match=r"package tensorflow, which.*keras-ssl\[tensorflow\]"):
        data.load("mnist")


def test_an_objective_stops_before_the_first_update_that_is_not_finite():
    byol = objectives.BYOL(convolutional())
    byol.compile("adam", jit_compile=True)
    batch = pairs(8, 0)
    byol.train_on_batch(batch)
    before = [np.array(variable) for variable in (*byol.variables, *byol.optimizer.variables)]
    spoilt = {key: np.where(np.arange(8)[:, None, None, None] == 7, np.nan, x) for key, x in batch.items()}
    logged = len(byol.metrics_variables)
    with pytest.raises(UserError, match="at step 2"):
        byol.train_on_batch({key: x.astype("float32") for key, x in spoilt.items()})
    after = [np.array(variable) for variable in (*byol.variables, *byol.optimizer.variables)]
    different = [k for k, (one, other) in enumerate(zip(before, after, strict=True)) if not np.array_equal(one, other)]
    assert len(different) <= logged  # the means of the log
    assert int(byol.step) == 1
    byol.train_on_batch(batch)
    assert int(byol.step) == 2


class Bounded(objectives.Autoencoder):
    """Cuts its weights after each step."""

    def after_step(self, outputs):
        for weight in self.trainable_variables:
            weight.assign(keras.ops.minimum(weight, 0.01))


def test_weights_that_are_bounded_after_a_step_stay_so():
    encoder = encoders.mlp((2, 2, 1), (3,))
    model = Bounded(encoder)
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    model.fit(np.random.default_rng(0).random((4, 2, 2, 1), dtype="float32"), batch_size=4, verbose=0)
    assert max(float(weight.numpy().max()) for weight in model.trainable_variables) <= 0.01 + 1e-7


@pytest.mark.parametrize(
    "way", [transfer.Way(layer_decay=0.5, unfreeze_every=1), transfer.Way(l2_sp=1.0), transfer.Way(rank=1)], ids=repr
)
def test_ways_start_anew_from_other_weights(way):
    encoder = encoders.mlp((2, 2, 1), (3,))
    x, y = np.random.default_rng(0).random((6, 2, 2, 1), dtype="float32"), np.arange(6) % 2
    start = encoder.get_weights()
    found = []
    tuning = transfer.FineTuning(encoder, classes=2, steps=3, batch_size=6, way=way)
    for weights in (start, [1 + w for w in start], start):
        tuning.fit(weights, x, y, learning_rate=0.01)
        found.append([np.array(v) for v in tuning.model.variables])
    for first, third in zip(found[0], found[2], strict=True):
        np.testing.assert_array_equal(first, third)
    if not way.l2_sp:
        return
    # its penalty measures from the weights of this fit, not from those of the first, which would draw by 0.01 a step
    anew = transfer.FineTuning(encoder, classes=2, steps=3, batch_size=6, way=way)
    anew.fit([1 + w for w in start], x, y, learning_rate=0.01)
    for second, other in zip(found[1], anew.model.variables, strict=True):
        np.testing.assert_allclose(second, other, atol=1e-6)
