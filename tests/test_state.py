"""Targets, queues and centers: what they hold after some steps, and that they have no gradient."""

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import encoders, objectives
from keras_ssl.state import Center, Queue, TargetNetwork

X = np.random.default_rng(0).random((4, 8, 8, 1), "float32")


def network():
    return encoders.conv_net((8, 8, 1), filters=(2, 3))


def test_a_target_starts_as_a_copy_and_is_a_moving_average():
    online, head = network(), keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    target = TargetNetwork([online, head])
    np.testing.assert_array_equal(target(X), head(online(X)))
    before = [np.array(w) for w in target.weights]
    for weight in [*online.trainable_weights, *head.trainable_weights]:
        weight.assign_add(np.ones(weight.shape))
    target.follow([online, head], 0.75)
    trained = {w.path for w in [*online.trainable_weights, *head.trainable_weights]}
    moved = [np.abs(np.array(w) - old).max() for w, old in zip(target.weights, before)]
    np.testing.assert_allclose(sorted(set(np.round(moved, 5))), [0, 0.25])
    assert sum(m > 0 for m in moved) == len(trained)


def test_a_target_normalizes_pixels_as_the_network_does():
    pixels = keras.layers.Normalization()
    pixels.adapt(X)
    online = keras.Sequential([keras.Input((8, 8, 1)), pixels, network()])
    target = TargetNetwork([online])
    np.testing.assert_array_equal(target(X), online(X))
    target.follow([online], 0.5)
    np.testing.assert_array_equal(target(X), online(X))


def test_a_target_is_not_trained_and_uses_batch_statistics_in_training():
    target = TargetNetwork([network()])
    assert target.trainable_variables == []
    assert len(target.non_trainable_variables) == len(network().weights)
    before = [np.array(w) for w in target.weights]
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        out = target(x, training=True)
    assert tape.gradient(out, x) is None
    changed = [not np.array_equal(w, old) for w, old in zip(target.weights, before)]
    assert sum(changed) == 4  # mean and variance of two normalizations
    assert not np.allclose(target(X, training=True), target(X))


def test_the_target_of_a_frozen_encoder_equals_it():
    online = network()
    online.trainable = False
    target = TargetNetwork([online])
    target.follow([online], 0.5)
    np.testing.assert_array_equal(target(X), online(X))


def test_a_target_never_trains_whatever_is_said_of_the_whole():
    online = network()
    objective = objectives.BYOL(online)
    before = len(objective.trainable_variables)
    for value in (False, True):
        objective.trainable = value
    assert len(objective.trainable_variables) == before
    assert all(layer.trainable for layer in objective.target.copies[0].layers)  # batch statistics in training


def test_a_target_follows_moving_statistics_if_it_is_asked_to():
    online = network()
    target = TargetNetwork([online])
    online(X, training=True)
    moved = next(layer for layer in online.layers if "norm" in layer.name)
    copy = target.copies[0].get_layer(moved.name)
    target.follow([online], 0.0)
    assert not np.allclose(copy.moving_mean, moved.moving_mean)
    target.follow([online], 0.5, moving_statistics=True)
    np.testing.assert_allclose(copy.moving_mean, np.array(moved.moving_mean) / 2, rtol=1e-5)


def test_a_queue_keeps_the_newest_normalized():
    queue = Queue(5, 2)
    assert queue.trainable_variables == []
    queue.push(np.array([[3.0, 4.0], [0.0, 2.0]]))
    queue.push(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(queue.stored[2:], [[0.6, 0.8], [0, 1], [1, 0]], atol=1e-6)
    queue.push(np.eye(2)[[0, 0, 0, 0, 0, 1, 1]])  # more than fit
    np.testing.assert_allclose(queue.stored, np.eye(2)[[0, 0, 0, 1, 1]], atol=1e-6)


def test_a_queue_starts_with_vectors_from_its_seed():
    np.testing.assert_array_equal(Queue(5, 2, seed=1).stored, Queue(5, 2, seed=1).stored)
    assert not np.array_equal(Queue(5, 2, seed=1).stored, Queue(5, 2, seed=2).stored)
    np.testing.assert_allclose(np.linalg.norm(Queue(5, 3).stored, axis=1), 1, atol=1e-6)  # as those that are pushed


def test_a_center_is_a_moving_average():
    center = Center(2, momentum=0.75)
    center.follow(np.array([[1.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(center.value, [0.5, 0.5])
    center.follow(np.array([[0.0, 0.0]]))
    np.testing.assert_allclose(center.value, [0.375, 0.375])
