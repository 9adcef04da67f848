"""Collectives: the identity on one device, the global batch and its exact gradient across replicas."""

import json
import shutil

import cases
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import callbacks, data, distribute, losses, networks, objectives, recipes, runs
from keras_ssl.errors import UserError

Z = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")


def test_on_one_device_everything_is_the_identity():
    x = tf.constant(Z[0])
    assert distribute.replicas() == 1
    assert distribute.gather(x) is x


def test_values_are_assigned_on_every_replica(two_replicas):
    with two_replicas.scope():
        variable = keras.Variable(np.zeros(3, "float32"), trainable=False)

    @tf.function
    def step():
        distribute.assign([variable], [variable + 2.0])
        return keras.ops.convert_to_tensor(variable)

    for value in two_replicas.experimental_local_results(two_replicas.run(step)):
        np.testing.assert_array_equal(value, [2, 2, 2])
    np.testing.assert_array_equal(variable, [2, 2, 2])


class Local(objectives.SimCLR):
    """Forgets to gather: each replica has its own negatives."""

    def loss_terms(self, outputs):
        loss = losses.nt_xent(outputs["z_1"], outputs["z_2"])
        return {"loss": loss, "std": loss, "dimensions": loss}


class RootOfNothing(objectives.SimCLR):
    """Its loss is a number, its gradients are not."""

    def loss_terms(self, outputs):
        zero = keras.ops.sum(outputs["z_1"] * 0.0)
        return super().loss_terms(outputs) | {"loss": keras.ops.sqrt(zero)}


def test_check_replicas_passes_what_is_exact_and_names_what_is_not(two_replicas):
    batch = cases.pairs(8, 0)
    simclr = objectives.SimCLR(cases.convolutional())
    before = simclr.get_weights()
    report = distribute.check_replicas(simclr, batch, two_replicas)
    assert set(report) == {"loss", "gradients", "state"}
    assert max(report.values()) < 1e-5
    for one, other in zip(before, simclr.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(UserError, match=r"2 replicas to train as one device.*in loss.*gather"):
        distribute.check_replicas(Local(cases.convolutional()), batch, two_replicas)
    with pytest.raises(UserError, match="NaN or Inf in the gradients"):
        distribute.check_replicas(RootOfNothing(cases.convolutional()), batch, two_replicas)
    with pytest.raises(UserError, match=r"2 replicas can share.*7 samples"):
        distribute.check_replicas(simclr, cases.pairs(7, 0), two_replicas)


@pytest.mark.parametrize("count", [7, 5])  # of the last batch, replicas have two and one, or one and none
def test_an_incomplete_last_batch_counts_as_on_one_device(two_replicas, count):
    x, found = cases.single(count, 0), []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            objective = objectives.SparseAutoencoder(cases.dense(), weight=0.1)  # a mean of its own and a global one
            objective.compile(keras.optimizers.SGD(0.5), jit_compile=False)
        batches = tf.data.Dataset.from_tensor_slices(x).batch(4)
        history = objective.fit(batches, epochs=2, verbose=0).history
        evaluated = objective.evaluate(batches, return_dict=True, verbose=0)
        found.append([*history["loss"], *history["sparsity"], *evaluated.values(), *map(np.array, objective.weights)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_one_batch_is_predicted_once(two_replicas):
    with two_replicas.scope():
        objective = objectives.SimCLR(cases.convolutional())
        objective.compile("sgd")
    images = cases.pairs(5, 0)["view_1"]
    expected = objective.encoder(images, training=False)
    np.testing.assert_allclose(objective.predict_on_batch(images), expected, atol=1e-6)
    with two_replicas.scope():
        model = keras.Model(objective.encoder.inputs, objective.encoder.outputs)
        model.compile("sgd")
    found = networks.predict_in_batches(model, images, batch_size=3, compiled=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_strategy_by_its_name(two_replicas, monkeypatch):
    assert distribute.strategy(two_replicas) is two_replicas
    assert distribute.strategy("none").num_replicas_in_sync == 1
    with pytest.raises(UserError, match=r"none, mirrored, multiworker.*'mirrord'"):
        distribute.strategy("mirrord")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match=r"TF_CONFIG.*Received none.*cluster"):
        distribute.strategy("multiworker")


def config(workers, index=0, kind="worker", **jobs):
    return {"cluster": {"worker": workers, **jobs}, "task": {"type": kind, "index": index}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "cluster, task.type and task.index"),
        ("[]", "cluster, task.type and task.index"),
        ({"task": {"type": "worker", "index": 0}}, "cluster, task.type and task.index"),
        ({"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}, "cluster, task.type and task.index"),
        (config("a:1"), "cluster.worker in TF_CONFIG as a list of host:port"),
        (config(["a:1", "b"]), "list of host:port"),
        (config(["a:1", "b:99999"]), "list of host:port"),
        (config(["a:1", "a:1"]), "address of its own"),
        (config(["a:1"], chief=["a:1"]), "address of its own"),
        (config(["a:1"], kind="chief"), "task.type.*'chief'"),
        (config(["a:1"], kind="ps", ps=["b:1"]), "task.type.*'ps'"),
        (config(["a:1", "b:1"], index=2), r"0\.\.1.*Received 2"),
        (config(["a:1", "b:1"], index=1, kind="chief", chief=["c:1"]), r"0\.\.0.*Received 1"),
    ],
)
def test_a_malformed_tf_config_is_an_error_at_once(monkeypatch, config, message):
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError, match=message):
        distribute.strategy("multiworker")


def test_without_tensorflow_there_is_nothing_to_distribute_with(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"Keras on TensorFlow.*Keras on jax"):
        distribute.strategy("none")


def test_the_only_process_is_the_chief(two_replicas):
    assert distribute.is_chief(two_replicas)
    assert distribute.is_chief(distribute.strategy("none"))


def autoencoder(strategy, images=14, batch_size=8):
    """A recipe whose last batch, of 6, is not a whole one."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        objective = objectives.Autoencoder(cases.convolutional())
        objective.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    return recipes.Recipe(objective, data.from_arrays(cases.images(images, 0)), 3, None, batch_size)


def weights_after(recipe, folder, resume=False):
    runs.pretrain(recipe, folder, resume)
    return keras.saving.load_model(folder / "objective.keras").get_weights()


def test_a_run_on_replicas_ends_as_on_one_device_also_when_resumed(two_replicas, tmp_path):
    whole = weights_after(autoencoder(two_replicas), tmp_path / "whole")
    for found, expected in zip(whole, weights_after(autoencoder(distribute.strategy("none")), tmp_path / "one")):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    older = tmp_path / "run" / "checkpoints"
    shutil.copytree(tmp_path / "whole" / "checkpoints", older)
    shutil.rmtree(older / "ckpt-3")
    for found, expected in zip(weights_after(autoencoder(two_replicas), tmp_path / "run", resume=True), whole):
        np.testing.assert_array_equal(found, expected)


def test_a_batch_that_replicas_cannot_share_is_an_error(two_replicas, tmp_path):
    with pytest.raises(UserError, match=r"batches that 2 replicas can share evenly.*batches of 7"):
        runs.pretrain(autoencoder(two_replicas, batch_size=7), tmp_path)


def test_workers_that_find_different_checkpoints_are_an_error(two_replicas, tmp_path):
    resume = callbacks.Resume(tmp_path, autoencoder(two_replicas).objective)
    assert resume.restore() == 0
    with two_replicas.scope():  # as two processes would have it: a value for each replica
        resume.epochs = tf.Variable(0, dtype="int64", synchronization=tf.VariableSynchronization.ON_READ)
    for copy, done in zip(resume.epochs.values, (0, 3)):
        copy.assign(done)
    with pytest.raises(UserError, match=r"same checkpoints on all workers.*after 0, 3 epochs"):
        resume.restore()


def split(strategy, x):
    half = len(x) // 2
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(x[half * context.replica_id_in_sync_group :][:half])
    )


def test_gather_gives_each_replica_the_global_batch_with_its_static_shape(two_replicas):
    shapes = []

    @tf.function
    def gathered(x):
        y = distribute.gather(x)
        shapes.append(tuple(y.shape))
        assert distribute.replicas() == 2
        return y

    values = two_replicas.run(gathered, args=(split(two_replicas, Z[0]),))
    for value in two_replicas.experimental_local_results(values):
        np.testing.assert_array_equal(value, Z[0])
    assert shapes
    assert all(shape[1:] == (4,) for shape in shapes)


def test_gradients_of_the_divided_global_loss_sum_to_those_of_one_device(two_replicas):
    weight = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")

    def gradient(z_1, z_2):
        w = tf.constant(weight)
        with tf.GradientTape() as tape:
            tape.watch(w)
            loss = losses.nt_xent(distribute.gather(z_1 @ w), distribute.gather(z_2 @ w)) / distribute.replicas()
        return tape.gradient(loss, w)

    expected = gradient(tf.constant(Z[0]), tf.constant(Z[1]))
    parts = two_replicas.run(tf.function(gradient), args=(split(two_replicas, Z[0]), split(two_replicas, Z[1])))
    total = sum(np.array(part) for part in two_replicas.experimental_local_results(parts))
    np.testing.assert_allclose(total, expected, atol=1e-6)


def weighted(values, weights):
    """The weighted mean in float64."""
    return np.sum(np.float64(values) * weights) / np.sum(np.broadcast_to(weights, values.shape), dtype="float64")


def test_mean_by_hand_and_against_numpy():
    assert float(distribute.mean(np.array([1.0, 2.0, 6.0]))) == 3
    assert float(distribute.mean(np.array([1.0, 2.0, 6.0]), np.array([1, 0, 3]))) == 4.75  # (1 + 18) / 4
    assert float(distribute.mean(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[True], [False]]))) == 1.5
    assert float(distribute.mean(np.array([1.0, np.nan]), np.array([2.0, 0.0]))) == 1
    w = np.random.default_rng(1).random((6, 1))
    assert float(distribute.mean(Z[0], w)) == pytest.approx(weighted(Z[0], w), rel=1e-5)
    assert float(distribute.mean(Z[0], 7 * w)) == pytest.approx(weighted(Z[0], w), rel=1e-5)  # of any scale
    half = distribute.mean(tf.constant([60000.0, 60000.0], "float16"))
    assert half.dtype == "float32"
    assert float(half) == 60000
    with pytest.raises(UserError, match=r"as many axes as the values of shape \(6, 4\).*\(6,\)"):
        distribute.mean(Z[0], np.ones(6))


def test_without_any_weight_the_mean_and_its_gradient_are_zero():
    x = tf.constant(Z[0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = distribute.mean(x, tf.zeros((6, 1)))
    assert float(value) == 0
    np.testing.assert_array_equal(tape.gradient(value, x), np.zeros((6, 4)))


@pytest.mark.parametrize("weights", [[3, 1, 2, 0.5, 0, 4], [1, 0, 2, 0, 0, 0], [0, 0, 0, 0, 0, 0], None])
def test_the_mean_and_its_gradient_are_those_of_one_device_however_the_weight_is_shared(two_replicas, weights):
    kernel = np.random.default_rng(1).normal(size=(4, 1)).astype("float32")
    w = np.ones((6, 1), "float32") if weights is None else np.array(weights, "float32")[:, None]

    def step(x, w):
        k = tf.constant(kernel)
        with tf.GradientTape() as tape:
            tape.watch(k)
            value = distribute.mean(tf.square(x @ k), None if weights is None else w)
            loss = value / distribute.replicas()
        return value, tape.gradient(loss, k)

    value, gradient = step(tf.constant(Z[0]), tf.constant(w))
    values, parts = two_replicas.run(tf.function(step), args=(split(two_replicas, Z[0]), split(two_replicas, w)))
    summed = sum(np.array(part) for part in two_replicas.experimental_local_results(parts))
    assert (np.abs(gradient).max() > 0.1) == w.any()
    np.testing.assert_allclose(summed, gradient, atol=1e-6)
    for one in two_replicas.experimental_local_results(values):
        assert float(one) == pytest.approx(float(value), abs=1e-6)
