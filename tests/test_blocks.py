"""Fused batch normalization against the Keras layer, residual blocks, and copies of pixel statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ssl import blocks, heads, networks

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(2.0, 3.0, (5, 4, 3, 6)).astype("float32")
WEIGHTS = [RNG.uniform(0.5, 2, 6), RNG.normal(size=6), RNG.normal(size=6), RNG.uniform(0.5, 2, 6)]
TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 2e-3}


def pair(policy="float32", shape=IMAGES.shape, weights=WEIGHTS, **arguments):
    """Return the layer and the Keras layer, with the same weights."""
    fused = blocks.BatchNormalization(dtype=policy, **arguments)
    stock = layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5, dtype=policy, **arguments)
    for layer in (fused, stock):
        layer.build(shape)
        layer.set_weights(weights)
    return fused, stock


def results(layer, x, training):
    """Return the output, gradients of input and weights, and moving statistics."""
    x = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        loss = tf.reduce_sum(tf.cast(y, "float32") * np.cos(np.arange(y.shape[-1])) * tf.tanh(tf.cast(y, "float32")))
    variables = [variable.value for variable in layer.trainable_variables]
    gradients = tape.gradient(loss, [x, *variables])
    statistics = [layer.moving_mean, layer.moving_variance]
    return [np.array(tf.cast(v, "float32")) for v in (y, *gradients, *statistics)]


def assert_close(ours, theirs, tolerance):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("trainable", [True, False], ids=["trainable", "frozen"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_it_equals_the_keras_layer(policy, training, trainable):
    fused, stock = pair(policy, trainable=trainable)
    ours, theirs = results(fused, IMAGES, training), results(stock, IMAGES, training)
    assert_close(ours, theirs, TOLERANCE[policy])
    moved = not np.array_equal(ours[-2], WEIGHTS[2].astype("float32"))
    assert moved == (training and trainable)


def test_the_fused_kernel_runs_exactly_where_results_are_equal():
    def operations(layer, x, training=True, **arguments):
        graph = tf.function(lambda x: layer(x, training=training, **arguments)).get_concrete_function(x).graph
        return {operation.type for operation in graph.get_operations()}

    fused, _ = pair()
    assert "FusedBatchNormV3" in operations(fused, IMAGES)
    assert "FusedBatchNormV3" in operations(fused, IMAGES, training=False)
    assert "FusedBatchNormV3" not in operations(fused, IMAGES, mask=np.ones((5, 4, 3), bool))
    assert "FusedBatchNormV3" not in operations(*(pair(shape=(None, 6))[:1]), IMAGES[:, 0, 0])
    assert "FusedBatchNormV3" not in operations(*(pair(scale=False, weights=WEIGHTS[1:])[:1]), IMAGES)


@pytest.mark.parametrize(
    ("x", "arguments", "weights"),
    [
        (IMAGES[:, 0, 0], {}, WEIGHTS),
        (IMAGES[:, 0], {}, WEIGHTS),
        (IMAGES, {"scale": False}, WEIGHTS[1:]),
        (IMAGES, {"center": False}, [WEIGHTS[0], *WEIGHTS[2:]]),
    ],
    ids=["vectors", "sequences", "no scale", "no offset"],
)
def test_keras_computes_where_the_kernel_does_not_fit(x, arguments, weights):
    fused, stock = pair(shape=x.shape, weights=weights, **arguments)
    assert_close(results(fused, x, True), results(stock, x, True), 1e-5)


@pytest.mark.parametrize("shape", [(256, 3), (64, 4, 3)])
def test_small_variances_of_large_numbers_are_not_lost(shape, two_replicas):
    x = np.random.default_rng(0).normal(3000, 1, shape).astype("float32")
    expected = (x - x.mean(axis=tuple(range(len(shape) - 1)))) / x.std(axis=tuple(range(len(shape) - 1)))
    np.testing.assert_allclose(blocks.BatchNormalization()(x, training=True), expected, atol=5e-3)
    with two_replicas.scope():
        layer = blocks.BatchNormalization()
        layer.build(shape)
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(np.split(x, 2)[context.replica_id_in_sync_group])
    )
    found = two_replicas.run(lambda part: layer(part, training=True), (parts,))
    np.testing.assert_allclose(np.concatenate(two_replicas.experimental_local_results(found)), expected, atol=5e-3)


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64"])
def test_it_runs_in_any_precision(policy):
    x = keras.ops.cast(IMAGES, policy)
    layer, stock = blocks.BatchNormalization(dtype=policy), layers.BatchNormalization(momentum=0.9, dtype=policy)
    close = {"float16": 2e-2, "bfloat16": 1e-1, "float64": 1e-2}[policy]
    for training in (True, False):
        one, other = (keras.ops.cast(each(x, training=training), "float64") for each in (layer, stock))
        np.testing.assert_allclose(one, other, atol=close)


def test_one_position_gives_finite_statistics():
    fused, stock = pair()
    one = IMAGES[:1, :1, :1]
    ours, theirs = results(fused, one, True), results(stock, one, True)
    assert all(np.isfinite(values).all() for values in ours)
    assert_close(ours[-2:], theirs[-2:], 1e-5)  # the kernel's n / (n - 1) is 1 / 0 here


def test_it_is_saved_and_converted_to_the_keras_layer_and_back(tmp_path):
    fused, stock = pair()
    assert [w.name for w in fused.weights] == [w.name for w in stock.weights]
    assert [w.shape for w in fused.weights] == [w.shape for w in stock.weights]
    one, other = (keras.Sequential([keras.Input(IMAGES.shape[1:]), layer]) for layer in (fused, stock))
    one.save_weights(tmp_path / "one.weights.h5")
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    other.load_weights(tmp_path / "one.weights.h5")
    np.testing.assert_allclose(other(IMAGES), one(IMAGES), atol=2e-5)
    stocked = blocks.BatchNormalization(momentum=0.7, epsilon=1e-3, gamma_initializer="zeros", name="n").to_stock()
    assert type(stocked) is layers.BatchNormalization
    assert (stocked.momentum, stocked.epsilon, stocked.name) == (0.7, 1e-3, "n")
    assert not stocked.synchronized
    assert isinstance(stocked.gamma_initializer, keras.initializers.Zeros)


def test_two_replicas_share_their_statistics(two_replicas):
    fused, _ = pair()
    expected = results(fused, np.concatenate([IMAGES, 2 * IMAGES]), True)[-2:]
    with two_replicas.scope():
        layer, _ = pair()
        values = two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(IMAGES * (1 + context.replica_id_in_sync_group))
        )
        two_replicas.run(tf.function(lambda x: layer(x, training=True)), args=(values,))
    for ours, theirs in zip((layer.moving_mean, layer.moving_variance), expected):
        np.testing.assert_allclose(np.array(ours), theirs, rtol=1e-5)


# ---- residual --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "features", "projected"), [(1, 6, False), (2, 6, True), (1, 8, True)])
def test_residual_has_its_shape_and_projects_only_where_the_shape_changes(stride, features, projected):
    inputs = keras.Input((5, 4, 6))
    model = keras.Model(inputs, blocks.residual(inputs, features, stride, name="b"))
    assert model.output_shape == (None, -(-5 // stride), -(-4 // stride), features)
    assert ("b_shortcut_conv" in [layer.name for layer in model.layers]) == projected
    assert sum(isinstance(layer, layers.Conv2D) for layer in model.layers) == 2 + projected


def test_residual_with_zero_branch_is_the_rectified_shortcut():
    inputs = keras.Input((4, 3, 6))
    model = keras.Model(inputs, blocks.residual(inputs, 6, name="b"))
    model.get_layer("b_2_conv").set_weights([np.zeros((3, 3, 6, 6))])
    np.testing.assert_allclose(model(IMAGES), np.maximum(IMAGES, 0), atol=1e-6)


def test_set_weights_reaches_normalization_layers():
    inputs = keras.Input((2,))
    inner = keras.Model(inputs, layers.Normalization()(inputs), name="inner")
    model = keras.Model(inputs, inner(inputs))
    x = np.array([[3.0, 8.0]])
    assert networks.set_weights(model, [np.array([1.0, 2.0]), np.array([4.0, 9.0]), np.array(5)])
    np.testing.assert_allclose(model(x), [[1.0, 2.0]], rtol=1e-6)  # (3 - 1) / 2, (8 - 2) / 3
    dense = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    assert not networks.set_weights(dense, [np.array([[1.0], [2.0]]), np.array([3.0])])
    np.testing.assert_allclose(dense(x), [[22.0]])


@pytest.mark.parametrize(
    "copied",
    [
        blocks.spectrally_normalized,
        lambda model: heads.pair_discriminator(model).get_layer(model.name),
        lambda model: networks.reinitialized(model, 1),
    ],
    ids=["spectrally normalized", "BiGAN's discriminator", "reinitialized"],
)
def test_a_copied_architecture_keeps_pixel_statistics_and_has_new_weights(copied):
    inputs = keras.Input((2,))
    inner = keras.Model(inputs, layers.Normalization()(inputs), name="inner")
    model = keras.Model(inputs, layers.Dense(3)(inner(inputs)), name="encoder")
    inner.layers[1].adapt(np.array([[1.0, 2.0], [5.0, 8.0]]))
    copy = copied(model)
    np.testing.assert_allclose(copy.get_layer("inner")(np.array([[3.0, 8.0]])), [[0.0, 1.0]], atol=1e-6)
    assert not np.allclose(copy.layers[-1].get_weights()[0], model.layers[-1].get_weights()[0])
