"""Collectives: the identity on one device, the global batch and its exact gradient across replicas."""

import numpy as np
import tensorflow as tf

from keras_ssl import distribute, losses

Z = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")


def test_on_one_device_everything_is_the_identity():
    x = tf.constant(Z[0])
    assert distribute.replicas() == 1
    assert distribute.gather(x) is x


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
