"""Resuming bit for bit, stopping what has gone wrong, showing progress."""

import io
import shutil

import keras
import numpy as np
import pytest
import rich
import rich.console
import tensorflow as tf
from cases import SHAPE, convolutional, images

from keras_ssl import callbacks, data, encoders, objectives, transfer, views
from keras_ssl.errors import UserError

X, Y = images(16, 0), np.arange(16) % 3
POLICY = views.digits()
POLICY.pure = False  # or XLA would compile it


# ---- Resume ----------------------------------------------------------------------------------------------------------


def simclr(encoder=None):
    keras.utils.set_random_seed(1)
    objective = objectives.SimCLR(encoder or convolutional(), temperature=0.2)
    objective.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return objective


def train(objective, folder, epochs, *others):
    """Go on from what is in the folder up to `epochs`; return the epochs that had been done."""
    resume = callbacks.Resume(folder, objective)
    done = resume.restore()
    batches = data.batches(images(64, 0), views=POLICY, batch_size=32, first_epoch=done)
    objective.fit(batches, initial_epoch=done, epochs=epochs, callbacks=[resume, *others], verbose=0)
    return done


def snapshot(folder, copy, epoch):
    """Copy the folder as a kill just after `epoch` would have left it."""
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda done, logs: shutil.copytree(folder, copy) if done == epoch else None
    )


def test_a_resumed_run_ends_with_the_weights_of_one_that_never_stopped(tmp_path):
    whole = simclr()
    stop = snapshot(tmp_path / "whole", tmp_path / "run", epoch=1)
    assert train(whole, tmp_path / "whole", 3, stop) == 0
    fresh = simclr()
    begun_with = fresh.get_weights()[0]
    assert train(fresh, tmp_path / "run", 3) == 2
    assert int(fresh.step) == 6
    pairs = zip([*whole.variables, *whole.optimizer.variables], [*fresh.variables, *fresh.optimizer.variables])
    for a, b in pairs:
        np.testing.assert_array_equal(np.array(a), np.array(b), err_msg=a.path)
    assert not np.array_equal(whole.get_weights()[0], begun_with)
    # What is done is not done again, and only the newest two checkpoints are kept.
    assert callbacks.Resume(tmp_path / "run", simclr()).restore() == 3
    assert len(list((tmp_path / "run").glob("ckpt-*"))) == 2


def test_another_models_checkpoint_is_a_clear_error(tmp_path):
    first = simclr()
    resume = callbacks.Resume(tmp_path, first)
    assert resume.restore() == 0
    resume.on_epoch_end(0)
    wider = simclr(encoders.conv_net(SHAPE, filters=(4, 12)))
    deeper = simclr(encoders.conv_net(SHAPE, filters=(4, 8, 8)))
    autoencoder = objectives.Autoencoder(convolutional())
    autoencoder.compile("adam")
    other_optimizer = simclr()
    other_optimizer.compile("sgd")
    for other in (wider, deeper, autoencoder, other_optimizer):
        with pytest.raises(UserError, match=r"same encoder, objective and optimizer.*another folder"):
            callbacks.Resume(tmp_path, other).restore()
    assert callbacks.Resume(tmp_path, simclr()).restore() == 1


# ---- Guard -----------------------------------------------------------------------------------------------------------


def classifier(**arguments):
    model = transfer.classifier(convolutional(), 3)
    model.compile("sgd", "sparse_categorical_crossentropy", **arguments)
    return model


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: np.where(np.arange(16)[:, None, None, None] == 5, np.nan, x), "finite images.*index 5"),
        (lambda x: np.where(x > 0.5, np.inf, x), "finite images"),
        (lambda x: 255 * x, "divide by 255"),
        (lambda x: (255 * x).astype("uint8"), "uint8"),
        (lambda x: x[..., 0], "shape"),
        (lambda x: x[:, :4], "classifier"),
        (lambda x: np.repeat(x, 3, axis=-1), "classifier"),
    ],
)
def test_images_that_are_not_fit_stop_the_fit_before_it_begins(spoil, words):
    model = classifier(run_eagerly=True)
    before = model.get_weights()
    x = spoil(X)
    with pytest.raises(UserError, match=words):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.Guard(x)])
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("arguments", [{"run_eagerly": True}, {"jit_compile": True}], ids=["eager", "XLA"])
def test_labels_out_of_range_stop_the_fit_before_it_begins(arguments):
    model = classifier(**arguments)
    for wrong in (3, -1):
        labels = np.where(np.arange(16) == 7, wrong, Y)
        with pytest.raises(UserError, match=rf"labels in 0..2. Received {wrong} at index 7"):
            model.fit(X, labels, verbose=0, callbacks=[callbacks.Guard(X, labels)])
        with pytest.raises(UserError, match="labels in"):
            model.fit(X, labels, verbose=0, callbacks=[callbacks.Guard(labels=labels)])
    with pytest.raises(UserError, match="one label for each"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.Guard(X, Y[:5])])


def test_labels_out_of_range_that_nobody_declared_show_as_a_loss_under_xla():
    model = classifier(jit_compile=True)
    batches = tf.data.Dataset.from_tensor_slices((X, Y + 5 * (np.arange(16) >= 8))).batch(8)  # the first one is fine
    with pytest.raises(UserError, match=r"finite losses.*loss = nan at batch 1"):
        model.fit(batches, verbose=0, shuffle=False, callbacks=[callbacks.Guard()])


def test_a_loss_that_is_not_finite_stops_the_fit_at_once():
    model = classifier(run_eagerly=True)
    seen = []
    counter = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(batch))
    x = np.where(np.arange(16)[:, None, None, None] == 5, np.nan, X)
    batches = tf.data.Dataset.from_tensor_slices((x, Y)).batch(4)  # `fit` looks at the first one
    with pytest.raises(UserError, match="finite losses"):
        model.fit(batches, shuffle=False, verbose=0, callbacks=[counter, callbacks.Guard()])
    assert seen == [0, 1]


def test_weights_that_are_not_finite_stop_the_fit_where_the_loss_hides_them():
    """A ReLU on TensorFlow's CPU may turn NaN into 0, so the loss stays finite: trap 13 of the design."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    outputs = keras.layers.Dense(1, name="out")(keras.layers.Lambda(lambda x: keras.ops.where(x > 0, x, 0.0))(hidden))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse", run_eagerly=True)
    x, y = np.where(np.arange(4) == 1, np.nan, np.ones((4, 4))).astype("float32"), np.ones((4, 1), "float32")
    finite = model.evaluate(x, y, verbose=0)
    assert np.isfinite(finite)
    for when in ("after epoch 1", "before training"):
        with pytest.raises(UserError, match=rf"finite weights.*'hidden/\w+' {when}"):
            model.fit(x, y, epochs=3, verbose=0, callbacks=[callbacks.Guard()])


def test_a_sound_training_is_left_alone():
    model = classifier(run_eagerly=True)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.Guard(X, Y)]).history
    assert len(history["loss"]) == 2


# ---- Progress --------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(monkeypatch):
    """What the bar writes to something that is no terminal."""
    stream = io.StringIO()
    monkeypatch.setattr(rich, "_console", rich.console.Console(file=stream, force_terminal=False, width=120))
    return stream


def test_progress_shows_epochs_and_figures_where_there_is_no_terminal(written):
    bar = callbacks.Progress("pretraining")
    classifier(run_eagerly=True).fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=[bar])
    text = written.getvalue()
    assert "pretraining" in text
    assert "epoch 2/2" in text
    assert "loss" in text
    assert "\x1b" not in text
    bar.close()


def test_closing_is_safe_before_and_after_and_twice():
    bar = callbacks.Progress()
    bar.close()
    bar.close()
    model = classifier(run_eagerly=True)
    with pytest.raises(UserError):
        model.fit(X, Y + 5, verbose=0, callbacks=[bar, callbacks.Guard(X, Y + 5)])
    bar.close()
    model.fit(X, Y, verbose=0, callbacks=[bar])  # a second training starts a new bar
    bar.close()


def test_a_resumed_run_begins_where_it_stopped(written):
    bar = callbacks.Progress()
    done = []
    look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: done.append(bar.bar.tasks[0].completed))
    classifier(run_eagerly=True).fit(X, Y, epochs=5, initial_epoch=3, batch_size=8, verbose=0, callbacks=[bar, look])
    assert done == [7, 8, 9, 10]


def test_a_long_run_is_estimated_after_its_first_steps(written):
    bar = callbacks.Progress("pretraining", warm_up=1, timed=2)
    bar.set_params({"steps": 10_000_000, "epochs": 2})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for batch in range(4):
        bar.on_train_batch_end(batch)
    bar.close()
    assert written.getvalue().count("pretraining: about") == 1
    assert "minutes" in written.getvalue()


@pytest.fixture
def slow_clock(monkeypatch):
    """A clock of which each look takes 15 seconds."""
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr("keras_ssl.callbacks.progress.time.perf_counter", lambda: next(clock))


def test_steps_of_one_call_all_count(written, slow_clock):
    """`steps_per_execution` calls the callbacks once for several steps, with the number of the last."""
    bar = callbacks.Progress("pretraining")
    bar.set_params({"steps": 40, "epochs": 10})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for last in (15, 31, 39):
        bar.on_train_batch_end(last)
    assert bar.bar.tasks[0].completed == 40
    bar.on_epoch_begin(1)
    bar.on_train_batch_end(15)
    assert bar.bar.tasks[0].completed == 56
    bar.close()
    assert "about 7.5 minutes" in written.getvalue()  # 360 steps, after 24 in 30 seconds


def test_slow_steps_are_estimated_before_ten_of_them(written, slow_clock):
    bar = callbacks.Progress("pretraining")
    bar.set_params({"steps": 1, "epochs": 100})
    bar.on_train_begin()
    for epoch in range(3):
        bar.on_epoch_begin(epoch)
        bar.on_train_batch_end(0)
    bar.close()
    assert written.getvalue().count("pretraining: about") == 1
    assert "about 24.2 minutes" in written.getvalue()  # 97 steps of 15 seconds
