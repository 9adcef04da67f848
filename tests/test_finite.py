"""What is not finite: updates, at the first of which an objective stops; weights, which are refused; served answers."""

import re

import keras
import numpy as np
import pytest
import steps
import tensorflow as tf
from cases import CASES, dense, images, of_text, tagged_texts
from keras import layers, ops
from test_bad_input import refused

from keras_ssl import callbacks, data, distribute, evaluate, export, objectives, runs, transfer

N = steps.SAMPLES


def spoilt(batch, at=-1):
    """Return a batch with a NaN in one sample of every float array."""
    batch = {key: np.array(value) for key, value in batch.items()}
    for value in batch.values():
        if value.dtype.kind == "f":
            value[at].reshape(-1)[0] = np.nan
    return batch


def state(objective):
    """Return all variables of an objective and of its optimizers, but not the logged means."""
    optimizers = {id(update.optimizer): update.optimizer for update in objective.updates}.values()
    logged = {id(variable) for variable in objective.metrics_variables}
    found = [*objective.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    return {f"{k} {v.path}": np.array(v) for k, v in enumerate(found) if id(v) not in logged}


def assert_same(found, expected, but=()):
    for name, value in expected.items():
        if not any(word in name for word in but):
            np.testing.assert_array_equal(found[name], value, err_msg=name)


def swallowing():
    """Make dense layers that swallow NaN, as some kernels of ReLU do: the loss is finite, the first gradient is not."""
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Dense(4, name="dense_1")(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Dense(3, name="dense_2")(ops.where(x > 0, x, 0.0)), name="swallowing")


@keras.saving.register_keras_serializable("tests")
class Small(objectives.Objective):
    """The smallest objective: it lowers the squares of the representation."""

    steep = staticmethod(lambda loss: loss)

    def forward_pass(self, batch, training):
        return {"h": self.encoder(batch["input"], training=training)}

    def loss_terms(self, outputs):
        return {"loss": self.steep(ops.mean(outputs["h"] ** 2))}


def fit(objective, *batches):
    samples = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    return objective.fit(tf.data.Dataset.from_tensor_slices(samples).batch(N, drop_remainder=True), verbose=0)


# ---- updates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BYOL", "MoCo", "GAN"])
def test_an_objective_is_as_it_was_before_the_first_update_that_is_not_finite(name):
    """Statistics, seeds, queues, targets, prototypes and both optimizers, too; and it can be trained on."""
    case = next(case for case in CASES if case.name == name)
    objective = case.build()
    objective.compile("adam", run_eagerly=True)
    objective.train_on_batch(case.batch(N, 0))
    before = state(objective)
    refused(lambda: objective.train_on_batch(spoilt(case.batch(N, 1))), f"finite updates of {name}", "at step 2")
    assert_same(state(objective), before)
    assert np.isfinite(objective.train_on_batch(case.batch(N, 1), return_dict=True)["loss"])
    assert int(objective.step) == 2


@pytest.mark.parametrize("mode", [{"steps_per_execution": 3}, {"jit_compile": True}], ids=["several steps", "XLA"])
def test_compiled_steps_stop_where_they_are(mode):
    objective = Small(swallowing())
    objective.compile("adam", **mode)
    good = {"input": images(N, 0)}
    fit(objective, good, good, good)
    before = state(objective)
    message = refused(lambda: fit(objective, good, spoilt(good), good), "NaN or Inf in the gradients", "at step 5")
    assert "before this step" in message
    assert int(objective.step) == 4
    moved = [name for name, value in state(objective).items() if not np.array_equal(value, before[name])]
    assert any("dense_1/kernel" in name for name in moved)
    assert all(np.isfinite(value).all() for value in state(objective).values())


def test_a_sample_of_one_replica_stops_all(two_replicas):
    with two_replicas.scope():
        objective = Small(swallowing())
        objective.compile("adam", run_eagerly=True)
    good = {"input": images(N, 0)}
    refused(lambda: fit(objective, good, spoilt(good)), "at step 2")  # the last sample is that of the second replica
    assert all(np.isfinite(value).all() for value in state(objective).values())
    assert int(np.array(objective.step)) == 1


def test_the_cause_is_told_from_the_loss():
    @keras.saving.register_keras_serializable("tests")
    def logarithm(x, y):
        return ops.mean(ops.log(ops.mean(x) - ops.mean(y)))

    objective = objectives.Autoencoder(dense(), reconstruction=logarithm)
    objective.compile("sgd", run_eagerly=True)
    refused(lambda: objective.train_on_batch({"input": np.zeros((N, 8, 8, 1), "float32")}), "in the loss at step 1")


def test_a_rate_that_is_not_finite_moves_nothing():
    objective = objectives.Autoencoder(dense())
    objective.compile("sgd", run_eagerly=True)
    before = state(objective)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch, rate: float("nan"))
    refused(lambda: objective.fit(images(N, 0), callbacks=[rate], verbose=0), "at step 1")
    assert_same(state(objective), before, but=["learning_rate"])


def half(scale):
    objective = Small(swallowing())
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=scale)
    objective.compile(optimizer, run_eagerly=True)
    optimizer.build(objective.trainable_variables)
    return objective


@tf.custom_gradient
def overflowing(loss):
    """Return the loss, whose gradient overflows at any scale."""
    return loss, lambda upstream: upstream * float("inf")


@tf.custom_gradient
def overflowing_on_the_second(loss):
    """Return the loss, whose gradient overflows on the second replica."""
    second = distribute.replica_index() == 1
    return loss, lambda upstream: upstream * tf.where(second, float("inf"), 1.0)


def test_loss_scaling_skips_what_overflows_where_nan_means_missing():
    objective = objectives.TokenAttributes(of_text(), {"rest": 3, "size": None})
    scale = 2.0**127
    objective.compile(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=scale), run_eagerly=True
    )
    batch = tagged_texts(N, 0)
    batch["attributes"] *= np.array([1, 8], "float32")  # errors whose gradients overflow at this scale
    assert np.isnan(batch["attributes"]).any()
    objective.train_on_batch(batch)
    assert int(objective.step) == 1
    assert float(objective.optimizer.dynamic_scale) == scale / 2


def test_loss_scaling_still_skips_what_overflows_and_stops_at_bad_samples():
    objective = half(scale=2.0**40)
    objective.steep = overflowing
    before = state(objective)
    objective.train_on_batch(images(N, 0))
    assert_same(state(objective), before, but=["dynamic_scale", "/step"])
    assert float(objective.optimizer.dynamic_scale) == 2.0**39
    assert int(objective.step) == 1
    refused(lambda: objective.train_on_batch(spoilt({"input": images(N, 0)})), "in the gradients", "at step 2")
    assert float(objective.optimizer.dynamic_scale) == 2.0**39
    hopeless = half(scale=2.0**-11)
    hopeless.steep = overflowing
    refused(lambda: hopeless.train_on_batch(images(N, 0)), "at step 1")


def test_replicas_skip_together(two_replicas):
    """Keras asks the first replica only whether gradients are finite."""
    with two_replicas.scope():
        objective = half(scale=2.0**10)
    before = state(objective)
    objective.steep = overflowing_on_the_second
    steps.train(objective, images(N, 0))
    assert_same(state(objective), before, but=["dynamic_scale", "/step"])


# ---- weights ---------------------------------------------------------------------------------------------------------


def test_weights_that_are_not_finite_are_refused_wherever_they_are_used(tmp_path):
    encoder, x = swallowing(), images(N, 0)
    healthy = encoder.get_weights()
    model = transfer.classifier(encoder, 2)
    tuning = transfer.FineTuning(encoder, 2, steps=1)
    kernel = encoder.layers[-1].kernel
    model.compile("sgd", "sparse_categorical_crossentropy")
    kernel.assign(np.full(kernel.shape, np.inf))
    labels = np.arange(N) % 2
    source = data.from_arrays(x, labels)
    for use in (
        lambda: runs.save_model(encoder, tmp_path / "encoder.keras"),
        lambda: runs.save_model(objectives.Autoencoder(encoder), tmp_path / "objective.keras"),
        lambda: evaluate.embed(encoder, x),
        lambda: evaluate.embed(objectives.SimSiam(encoder), x),
        lambda: evaluate.knn(encoder, source, source),
        lambda: export.deploy(model, tmp_path / "model"),
        lambda: transfer.classifier(encoder, 2),
        lambda: transfer.fine_tune(encoder, x, labels, 2, steps=1),
        lambda: tuning.fit(encoder.get_weights(), x, labels),
        lambda: model.fit(x, labels, callbacks=[callbacks.Guard()], verbose=0),
    ):
        refused(use, "finite weights", "NaN or Inf in '", "kernel'")
    assert list(tmp_path.iterdir()) == []
    encoder.set_weights(healthy)
    assert runs.save_model(encoder, tmp_path / "encoder.keras").is_file()


# ---- served answers --------------------------------------------------------------------------------------------------


def served(function):
    inputs = keras.Input((4, 4, 1), name="image")
    return keras.Model(inputs, layers.Flatten()(layers.Lambda(function)(inputs)))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (ops.log, "lowest"),
        (lambda x: x / ops.sum(x, axis=(1, 2, 3), keepdims=True), "lowest"),
        (lambda x: ops.log(1.0 - x), "highest"),
        (lambda x: ops.sqrt(0.5 - x), "sample 0"),
    ],
)
@pytest.mark.parametrize("samples", [None, np.full((1, 4, 4, 1), 0.7, "float32")])
def test_an_export_that_answers_nan_to_a_black_or_white_image_is_refused(function, words, samples, tmp_path):
    message = refused(lambda: export.deploy(served(function), tmp_path / "model", samples=samples), "finite outputs")
    assert re.search(rf"NaN or Inf for .*{words}", message)
    assert not (tmp_path / "model").exists() or list((tmp_path / "model").iterdir()) == []
